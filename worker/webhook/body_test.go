package webhook_test

import (
	"encoding/json"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/worker/webhook"
)

// TestTypes: a receiver tells each kind of entry by the type.
func TestTypes(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]chat.Message{
		"message": {Text: "hi"},
		"notice":  {Notice: &chat.Notice{Event: chat.MemberJoined}},
		"edit":    {Text: "hi", Notice: &chat.Notice{Event: chat.MessageEdited, Ref: 1}},
		"delete":  {Notice: &chat.Notice{Event: chat.MessageDeleted, Ref: 1}},
		"react": {
			Notice: &chat.Notice{Event: chat.MessageReacted, Ref: 1, Emoji: "👍"},
			State:  &chat.State{Reactions: []chat.Reaction{{Emoji: "👍", Count: 1, Users: []string{"bob"}}}},
		},
		"unreact": {Notice: &chat.Notice{Event: chat.MessageUnreacted, Ref: 1, Emoji: "👍"}},
	} {
		m.Chat, m.Sender, m.SendTime = "alice:bob", "bob", 2
		var body struct {
			Type string
			Data struct {
				Ref       int64
				Emoji     string
				Reactions []any
			}
		}
		encoded := webhook.Encode(projection.Event{Chat: m.Chat, Messages: []chat.Message{m}}, false)
		if err := json.Unmarshal(encoded, &body); err != nil || body.Type != want {
			t.Errorf("the body of %+v is %s, %v; want the type %s", m, encoded, err, want)
		}
		if n := m.Notice; n != nil && (body.Data.Ref != n.Ref || body.Data.Emoji != n.Emoji || (len(body.Data.Reactions) == 1) != (m.State != nil)) {
			t.Errorf("the data of %+v is %s; want its ref, its emoji and the reactions", n, encoded)
		}
	}
}
