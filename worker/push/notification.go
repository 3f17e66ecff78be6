package push

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

// notification is the content of a user's notification about a burst.
type notification struct {
	Event    string `json:"event"`
	Chat     string `json:"chat"`
	Sender   string `json:"sender"`
	Title    string `json:"title"`
	Text     string `json:"text,omitempty"` // absent with PUSH_TEXT=off
	Count    int    `json:"count"`          // messages of the burst
	SendTime int64  `json:"send_time"`      // of the last one

	topic   string    // the same for all of a chat: a later one replaces an earlier one
	urgency string    //
	expires time.Time //

	positions []int64  // of the messages that are told
	mentions  []string // mentioned users
}

const (
	// maxText bounds the text of a notification in bytes. Services take 4 KB in all, names included.
	maxText = 1024
	// maxPayload bounds a notification as JSON: a Web Push has 3,993 bytes.
	maxPayload = 3500
)

// notificationOf returns the notification of a burst, without the names of people and rooms; false if it has nothing to tell.
func (s *Sink) notificationOf(e projection.Event) (notification, bool) {
	last := e.Last()
	n := notification{
		Event: e.ID, Chat: e.Chat, Sender: last.Sender, SendTime: last.SendTime,
		topic: s.topic(e.Chat), urgency: s.config.PushUrgency, expires: time.UnixMicro(last.SendTime).Add(s.config.PushTTL),
	}
	n = s.of(n, e.Messages)
	return n, n.Count > 0
}

// of returns the notification of its messages.
func (s *Sink) of(n notification, messages []chat.Message) notification {
	var texts []string
	n.positions, n.mentions = nil, nil
	for _, m := range messages {
		if m.Notice == nil && !m.Erased {
			texts = append(texts, m.Text)
			n.positions, n.mentions = append(n.positions, m.SendTime), appendMentions(n.mentions, m)
		}
	}
	n.Count = len(texts)
	if s.config.PushText == "on" {
		n.Text = shortened(strings.Join(texts, "\n"), maxText)
	}
	return n.fitting()
}

// current returns the notification with its messages as they are now: it may have waited, and nothing is told of a message that
// was deleted meanwhile. Its Count is 0 if there is nothing left.
func (s *Sink) current(ctx context.Context, n notification) (notification, error) {
	var messages []chat.Message
	first, last := n.positions[0], n.positions[len(n.positions)-1]
	for cursor := first; cursor <= last; {
		page, err := s.source.Pull(ctx, chat.PullRequest{Chat: n.Chat, Cursor: cursor, Limit: last - first + 1})
		if chat.CodeOf(err) == chat.NotFound { // the room was deleted
			return s.of(n, nil), nil
		}
		if err != nil {
			return n, fmt.Errorf("read the messages of %s again: %w", n.Event, err)
		}
		for _, m := range page.Messages {
			if _, told := slices.BinarySearch(n.positions, m.SendTime); told {
				messages = append(messages, m)
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			break
		}
	}
	return s.of(n, messages), nil
}

// appendMentions adds the users that a message mentions, each once.
func appendMentions(mentions []string, m chat.Message) []string {
	if m.Content == nil {
		return mentions
	}
	for _, user := range m.Content.Mentions {
		if len(mentions) < chat.MaxPushMentions && !slices.Contains(mentions, user) {
			mentions = append(mentions, user)
		}
	}
	return mentions
}

// named returns the notification with its title.
func (n notification) named(targets chat.PushTargets) notification {
	n.Title = n.Sender
	if targets.SenderName != "" {
		n.Title = targets.SenderName
	}
	if !strings.Contains(n.Chat, ":") {
		room := n.Chat
		if targets.ChatName != "" {
			room = targets.ChatName
		}
		n.Title += " (" + room + ")"
	}
	return n.fitting()
}

// fitting returns the notification with a text that is short enough for a payload.
func (n notification) fitting() notification {
	for limit := maxText; len(n.json()) > maxPayload && limit > 0; limit /= 2 { // JSON may have six bytes for one
		n.Text = shortened(n.Text, limit)
	}
	return n
}

func (n notification) json() []byte {
	text, _ := json.Marshal(n) // strings and numbers cannot fail
	return text
}

// body is the text for services that show it themselves.
func (n notification) body() string {
	switch {
	case n.Text != "":
		return n.Text
	case n.Count == 1:
		return "1 new message"
	}
	return fmt.Sprintf("%d new messages", n.Count)
}

// shortened returns a text of at most limit bytes, which ends with … if something was left out.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := max(limit-len("…"), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// topic returns the topic of a chat: 32 characters of base64url (RFC 8030, 5.4). Services cannot guess the chat from it.
func (s *Sink) topic(name string) string {
	mac := hmac.New(sha256.New, []byte(s.config.VAPIDPrivateKey))
	mac.Write([]byte(name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))[:32]
}

// ttl is how long a service may keep the notification, in seconds.
func (n notification) ttl() int {
	return int(max(time.Until(n.expires), 0) / time.Second)
}
