package conformance

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func testRefused(t *testing.T, s *subject) {
	s.open(t, Options{})
	long := strings.Repeat("x", chat.MaxIDBytes+1)
	for _, c := range []struct {
		name    string
		message chat.Message
		says    string
	}{
		{"no chat", chat.Message{Sender: "alice", Text: "x"}, "chat is empty"},
		{"no sender", chat.Message{Chat: "room", Text: "x"}, "sender is empty"},
		{"no text", chat.Message{Chat: "room", Sender: "alice"}, "text is empty"},
		{"no first user", chat.Message{Chat: ":bob", Sender: "bob", Text: "x"}, "chat's first user is empty"},
		{"no second user", chat.Message{Chat: "bob:", Sender: "bob", Text: "x"}, "chat's second user is empty"},
		{"three users", chat.Message{Chat: "a:b:c", Sender: "a", Text: "x"}, `chat has more than one ":"`},
		{"stranger", chat.Message{Chat: "alice:bob", Sender: "carol", Text: "x"}, `sender "carol" is not one of the two users`},
		{"space in chat", chat.Message{Chat: "my room", Sender: "alice", Text: "x"}, `chat contains ' '`},
		{"slash in sender", chat.Message{Chat: "room", Sender: "al/ice", Text: "x"}, `sender contains '/'`},
		{"newline in user", chat.Message{Chat: "alice:bo\nb", Sender: "alice", Text: "x"}, `chat's second user contains '\n'`},
		{"emoji in room", chat.Message{Chat: "room😀", Sender: "alice", Text: "x"}, `chat contains '😀'`},
		{"long room", chat.Message{Chat: long, Sender: "alice", Text: "x"}, "chat is 65 bytes; the limit is 64"},
		{"long user", chat.Message{Chat: long + ":b", Sender: "b", Text: "x"}, "chat's first user is 65 bytes; the limit is 64"},
		{"long sender", chat.Message{Chat: "room", Sender: long, Text: "x"}, "sender is 65 bytes; the limit is 64"},
		{"long id", chat.Message{Chat: "room", Sender: "alice", Text: "x", ID: long}, "id is 65 bytes; the limit is 64"},
		{"long text", chat.Message{Chat: "room", Sender: "alice", Text: strings.Repeat("x", 5000)}, "text is 5000 bytes; the limit is 4096"},
	} {
		_, err := s.Send(context.Background(), c.message)
		checkRefused(t, c.name, err, c.says)
	}
	for _, c := range []struct {
		name    string
		request chat.PullRequest
		says    string
	}{
		{"no chat", chat.PullRequest{}, "chat is empty"},
		{"bad chat", chat.PullRequest{Chat: "a b"}, "chat contains ' '"},
		{"negative cursor", chat.PullRequest{Chat: "room", Cursor: -1}, "cursor is -1"},
		{"cursor 2^53", chat.PullRequest{Chat: "room", Cursor: 1 << 53}, "cursor is 9007199254740992; it must be between 0 and 9007199254740991"},
		{"largest cursor", chat.PullRequest{Chat: "room", Cursor: math.MaxInt64}, "cursor is 9223372036854775807"},
		{"negative limit", chat.PullRequest{Chat: "room", Limit: -1}, "limit is -1"},
	} {
		_, err := s.Pull(context.Background(), c.request)
		checkRefused(t, c.name, err, c.says)
	}
	for _, name := range []string{"room", "alice:bob"} {
		if got := texts(s.pull(t, chat.PullRequest{Chat: name})); len(got) != 0 {
			t.Errorf("Pull(%s) = %v, want nothing: what is refused is not stored", name, got)
		}
	}
	// The largest of everything is accepted.
	longest := strings.Repeat("x", chat.MaxIDBytes)
	s.send(t, chat.Message{Chat: longest + ":" + longest, Sender: longest, Text: strings.Repeat("é", 2048), ID: longest})
}

func checkRefused(t *testing.T, name string, err error, says string) {
	t.Helper()
	if got := chat.CodeOf(err); got != chat.InvalidArgument {
		t.Errorf("%s: code %q (%v), want invalid_argument", name, got, err)
		return
	}
	if got := chat.AsError(err).Message; !strings.Contains(got, says) {
		t.Errorf("%s: message %q, want it to say %q", name, got, says)
	}
}

func testReady(t *testing.T, s *subject) {
	s.open(t, Options{})
	if err := s.Ready(context.Background()); err != nil {
		t.Errorf("Ready() = %v, want nil", err)
	}
}
