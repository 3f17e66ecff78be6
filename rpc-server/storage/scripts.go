package storage

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

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
)

// runAppend calls append.lua: one round trip, but for the first call to a Redis that does not have the script yet.
// The answer {0, position}, {1, position, member} or {2} comes back as an Appended or an error.
func (s *Store) runAppend(ctx context.Context, id chat.ID, m chat.Message) (chat.Appended, error) {
	messageID := ""
	if m.ID != "" {
		messageID = m.Sender + "/" + m.ID
	}
	keys := []string{s.keys.log(id), s.keys.ids(id), s.keys.activity(id)}
	reply, err := appendScript.Run(ctx, s.redis, keys,
		id.String(), encode(m), messageID,
		s.options.IdempotencyWindow.Microseconds(), s.options.Retention.Microseconds(), s.options.MaxChatMessages,
		s.now(),
	).Slice()
	if err != nil {
		return chat.Appended{}, err
	}
	return appended(reply)
}

func appended(reply []any) (chat.Appended, error) {
	switch {
	case len(reply) == 2 && reply[0] == int64(appendStored):
		position, err := parsePosition(reply[1])
		return chat.Appended{SendTime: position}, err
	case len(reply) == 3 && reply[0] == int64(appendDuplicate):
		return duplicate(reply[1], reply[2])
	case len(reply) == 1 && reply[0] == int64(appendFull):
		return chat.Appended{}, chat.Errorf(chat.ResourceExhausted, "the chat is full: its last position is taken")
	}
	return chat.Appended{}, fmt.Errorf("append.lua returned %v", reply)
}

func duplicate(position, member any) (chat.Appended, error) {
	sendTime, err := parsePosition(position)
	if err != nil {
		return chat.Appended{}, err
	}
	result := chat.Appended{SendTime: sendTime, Duplicate: true}
	if member == "" {
		return result, nil
	}
	earlier, err := decodeMember(fmt.Sprint(member))
	if err != nil {
		return chat.Appended{}, err
	}
	result.Earlier = &earlier
	return result, nil
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
