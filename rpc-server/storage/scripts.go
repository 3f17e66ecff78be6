package storage

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

//go:embed scripts/append.lua
var appendSource string

var appendScript = redis.NewScript(appendSource)

// What append.lua returns first.
const (
	appendStored    = 0
	appendDuplicate = 1
	appendFull      = 2
	appendConflict  = 3
)

// queueAppend adds a call of append.lua to a pipeline. The script must be in Redis: see flushAppends.
func (s *Store) queueAppend(ctx context.Context, pipeline redis.Pipeliner, a chat.Append, now string) *redis.Cmd {
	messageID, digest := "", ""
	if a.Message.ID != "" {
		messageID = a.Message.Sender + "/" + a.Message.ID
		digest = "#" + strconv.FormatUint(xxhash.Sum64String(a.Message.Text), 36) + ":"
	}
	return pipeline.EvalSha(ctx, appendScript.Hash(), s.keys.append(a.Chat),
		a.Chat.String(), encode(a.Message), messageID,
		s.options.IdempotencyWindow.Microseconds(), s.options.Retention.Microseconds(), s.options.MaxChatMessages,
		now, digest,
	)
}

// appended reads the answer {0, position}, {1, position}, {2} or {3} of append.lua.
func appended(reply []any) (chat.Appended, error) {
	switch {
	case len(reply) == 2 && (reply[0] == int64(appendStored) || reply[0] == int64(appendDuplicate)):
		position, err := parsePosition(reply[1])
		if err != nil {
			return chat.Appended{}, err
		}
		return chat.Appended{SendTime: position, Duplicate: reply[0] == int64(appendDuplicate)}, nil
	case len(reply) == 1 && reply[0] == int64(appendFull):
		return chat.Appended{}, chat.Errorf(chat.ResourceExhausted, "the chat is full: its last position is taken")
	case len(reply) == 1 && reply[0] == int64(appendConflict):
		return chat.Appended{}, chat.Errorf(chat.Conflict, "this id was used by this sender in this chat for a different text")
	}
	return chat.Appended{}, fmt.Errorf("append.lua returned %v", reply)
}

func parsePosition(value any) (int64, error) {
	text, _ := value.(string)
	position, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("append.lua returned position %v", value)
	}
	return position, nil
}

// now is what append.lua gets as the time: "" for Redis's own clock.
func (s *Store) now() string {
	if s.options.Clock == nil {
		return ""
	}
	return strconv.FormatInt(s.options.Clock().UnixMicro(), 10)
}
