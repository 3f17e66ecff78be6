package storage

import (
	"context"
	_ "embed"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

//go:embed scripts/log.lua
var logSource string

//go:embed scripts/append.lua
var appendBody string

//go:embed scripts/room.lua
var roomBody string

//go:embed scripts/unlist.lua
var unlistSource string

//go:embed scripts/advance.lua
var advanceSource string

//go:embed scripts/attend.lua
var attendSource string

// These have log.lua before them.
var (
	appendSource = logSource + appendBody
	roomSource   = logSource + roomBody
)

var (
	roomScript    = redis.NewScript(roomSource)
	unlistScript  = redis.NewScript(unlistSource)
	appendScript  = redis.NewScript(appendSource)
	advanceScript = redis.NewScript(advanceSource)
	attendScript  = redis.NewScript(attendSource)
)

// loadScripts gives a Redis all scripts that are called by their hash.
func loadScripts(ctx context.Context, client *redis.Client) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		all := slices.Concat([]string{appendSource, advanceSource, attendSource, roomSource, unlistSource}, userSources, readerSources, deletionSources)
		for _, source := range all {
			p.ScriptLoad(ctx, source)
		}
		return nil
	})
	return err
}

// What append.lua returns beside positions.
const (
	appendFull     = 0
	appendConflict = -1 << 53
	appendOutside  = -1<<53 - 2
	appendDeleted  = -1<<53 - 4
)

// queueAppend adds a call of append.lua to a pipeline. The script must be in Redis: see redirects.load. trace has the
// sender's list say that she was in the room.
func (s *Store) queueAppend(ctx context.Context, pipeline redis.Pipeliner, a chat.Append, now string, trace bool) *redis.IntCmd {
	messageID, digest := "", ""
	if a.Message.ID != "" {
		messageID = idEntry(a.Message.Sender, a.Message.ID)
		digest = textDigest(a.Message.Text)
	}
	log, ids, activity := s.keys.append(a.Chat)
	args := make([]any, 0, 22)
	args = append(args, "evalsha", appendScript.Hash(), 4, log, ids, activity, s.keys.read(a.Chat))
	if a.Member != "" || trace {
		args = append(args, s.keys.room(a.Chat), s.keys.members(a.Chat))
		args[2] = 6
	}
	if trace {
		args = append(args, s.keys.chats(a.Message.Sender))
		args[2] = 7
	}
	call := redis.NewIntCmd(ctx, append(args,
		a.Chat.String(), encode(a.Message), messageID, s.options.IdempotencyWindow.Microseconds(), s.options.Retention.Microseconds(),
		s.options.MaxChatMessages, now, digest, s.publish, s.keys.hints(s.keys.partition(a.Chat)), a.Message.Sender, a.Member)...)
	_ = pipeline.Process(ctx, call)
	return call
}

// appended reads the answer of append.lua.
func appended(a chat.Append, reply int64) (chat.Appended, error) {
	switch {
	case reply == appendOutside:
		return chat.Appended{}, chat.NotAMember(a.Chat, a.Member)
	case reply == appendDeleted:
		return chat.Appended{}, chat.RoomDeleted(a.Chat)
	case reply == appendFull:
		return chat.Appended{}, chat.Errorf(chat.ResourceExhausted, "the chat is full: its last position is taken")
	case reply == appendConflict:
		return chat.Appended{}, chat.Errorf(chat.Conflict, "this id was used by this sender in this chat for a different text")
	case reply < 0:
		return chat.Appended{SendTime: -reply, Duplicate: true}, nil
	}
	return chat.Appended{SendTime: reply}, nil
}

// now is what append.lua gets as the time: "" for Redis's own clock.
func (s *Store) now() string {
	if s.options.Clock == nil {
		return ""
	}
	return strconv.FormatInt(s.options.Clock().UnixMicro(), 10)
}
