package storage

import (
	"context"
	"embed"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// scripts are the sources of all that are called by their hash.
var scripts []string

// script is one of scriptFiles, after others that have to stand before it. It is loaded with the others.
func script(names ...string) *redis.Script {
	var source strings.Builder
	for _, name := range names {
		text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err) // the program was built without it
		}
		source.Write(text)
	}
	scripts = append(scripts, source.String())
	return redis.NewScript(source.String())
}

var (
	appendScript  = script("log", "append")
	roomScript    = script("log", "room")
	unlistScript  = script("unlist")
	advanceScript = script("advance")
	attendScript  = script("attend")
)

// loadScripts gives a Redis all scripts that are called by their hash.
func loadScripts(ctx context.Context, client *redis.Client) error {
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, source := range scripts {
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
	args := make([]any, 0, 20)
	args = append(args, "evalsha", appendScript.Hash(), 3, log, ids, activity)
	if a.Member != "" || trace {
		args = append(args, s.keys.room(a.Chat), s.keys.members(a.Chat))
		args[2] = 5
	}
	if trace {
		args = append(args, s.keys.chats(a.Message.Sender))
		args[2] = 6
	}
	call := redis.NewIntCmd(ctx, append(args,
		a.Chat.String(), encode(a.Message), messageID, s.options.IdempotencyWindow.Microseconds(), s.options.Retention.Microseconds(),
		s.options.MaxChatMessages, now, digest, s.publish, s.keys.hints(s.keys.partition(a.Chat)), a.Member)...)
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
