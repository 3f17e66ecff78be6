package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// transport is a gateway that writes replies and events of a session as words.
type transport struct {
	said chan string
	fail error
}

func (s *transport) say(words ...any) error {
	s.said <- strings.TrimSpace(fmt.Sprintln(words...))
	return s.fail
}

func (s *transport) reply(r Reply) error {
	switch r.Type {
	case Refused:
		return s.say(r.Type, r.Ref, chat.CodeOf(r.Err), chat.AsError(r.Err).Message)
	case Page:
		return s.say(r.Type, r.Ref, r.Chat, r.Page.Len())
	case ReadUpTo, DeliveredUpTo:
		return s.say(r.Type, r.Ref, r.Chat, r.Reading.Reader, r.Reading.Cursor)
	}
	return s.say(r.Type, r.Ref, r.Chat, r.Inbox)
}

func (s *transport) Page(p *live.Page, _ chat.Title, _ func() []live.Position) error {
	return s.say("messages", p.Chat, p.Len())
}

func (s *transport) Tell(name string, e chat.Event) error {
	if e.Kind == chat.Signalled {
		return s.say("heard", name, e.Signal.Type)
	}
	return nil
}
func (s *transport) Presence(string, *live.Present) error { return nil }
func (s *transport) Refuse(name string, err error) error  { return s.say("ended", name, err) }
func (s *transport) Beat() error                          { return nil }

// open returns a client over a log in memory, and the output of its gateway.
func open(t *testing.T, config Config) (*Client, *transport) {
	t.Helper()
	world := chattest.NewWorld()
	config.Messages, config.Live, config.Deliveries = world, world, world.Deliveries
	config.Hub = live.New(world, world, live.Config{Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		config.Hub.Run(ctx)
	}()
	told := &transport{said: make(chan string, 100)}
	session := config.Hub.Open(told, func(error) {})
	t.Cleanup(func() {
		session.Close()
		stop()
		<-ended
	})
	return NewClient(config, session), told
}

// next returns the next output.
func (s *transport) next(t *testing.T) string {
	t.Helper()
	select {
	case said := <-s.said:
		return said
	case <-time.After(30 * time.Second):
		t.Fatal("nothing is said")
		return ""
	}
}

// asks gives a command and returns its reply.
func (c *Client) asks(ctx context.Context, t *testing.T, s *transport, r Request) string {
	t.Helper()
	if err := c.Do(ctx, r, s.reply); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return s.next(t)
}

// TestCommands gives every command without a transport.
func TestCommands(t *testing.T) {
	t.Parallel()
	c, s := open(t, Config{})
	given := map[string]bool{}
	for _, step := range []struct {
		ask  Request
		want []string // the reply, and the events after it
	}{
		{Request{Name: Ping, Ref: "1"}, []string{"pong 1  false"}},
		{Request{Name: Send, Ref: "2", Chat: "a:b", Sender: "a", Text: "hi"}, []string{"sent 2  false"}},
		{Request{Name: Pull, Ref: "3", Chat: "a:b"}, []string{"page 3 a:b 1"}},
		{Request{Name: Watch, Ref: "4", Chat: "a:b"}, []string{"watching 4 a:b false", "messages a:b 1"}},
		{Request{Name: Signal, Ref: "5", Chat: "a:b", Sender: "b", Signal: "typing"}, []string{"signalled 5  false", "heard a:b typing"}},
		{Request{Name: Unwatch, Ref: "6", Chat: "a:b"}, []string{"unwatched 6 a:b false"}},
		{Request{Name: Read, Ref: "7", Chat: "a:b", Reader: "b", Cursor: 7}, []string{"read 7 a:b b 7"}},
		{Request{Name: Delivered, Ref: "d", Chat: "a:b", Reader: "b", Cursor: 900}, []string{"delivered d a:b b 900"}},
		{Request{Name: Delivered, Chat: "a:b", Reader: "b"}, []string{"error  invalid_argument cursor is 0; it must be between 1 and 9007199254740991"}},
		{Request{Name: Auth, Ref: "8", Token: "any"}, []string{"authenticated 8  false"}},
		{Request{Name: Signal, Ref: "9", Chat: "a:b", Sender: "b"}, []string{"error 9 invalid_argument signal is empty"}},
		{Request{Name: Signal, Chat: "a:b", Sender: "b", Signal: "t", Data: strings.Repeat("x", 257)}, []string{"error  invalid_argument data is 257 bytes; the limit is 256"}},
		{Request{Name: Watch, Chat: "a:b", Inbox: true}, []string{"error  invalid_argument a frame watches either a chat or the inbox; this frame names both"}},
		{Request{Name: Watch, Chat: "a:b", Batch: "x"}, []string{"error  invalid_argument batch is not a time with its unit, like 25s or 500ms"}},
		{Request{Name: Watch, Chat: "a b"}, []string{"error  invalid_argument chat contains"}},
		{Request{Name: "snd", Ref: "10"}, []string{`error 10 invalid_argument type "snd" is none of auth, delivered, ping, pull, read, send, signal, unwatch, watch`}},
	} {
		given[step.ask.Name] = true
		said := []string{c.asks(t.Context(), t, s, step.ask)}
		for len(said) < len(step.want) {
			said = append(said, s.next(t))
		}
		slices.Sort(said)
		slices.Sort(step.want)
		if !slices.EqualFunc(said, step.want, strings.HasPrefix) {
			t.Errorf("%+v is answered %q, want %q", step.ask, said, step.want)
		}
	}
	for _, name := range Names() {
		if !given[name] {
			t.Errorf("%s is not given", name)
		}
	}
}

// TestAWatchLeads: its reply comes before its first page.
func TestAWatchLeads(t *testing.T) {
	t.Parallel()
	c, s := open(t, Config{})
	c.asks(t.Context(), t, s, Request{Name: Send, Chat: "a:b", Sender: "a", Text: "hi"})
	for range 3000 { // a first page that does not wait overtakes some of them
		if got := c.asks(t.Context(), t, s, Request{Name: Watch, Chat: "a:b"}); got != "watching  a:b false" {
			t.Fatalf("the first that is said is %q, want the reply", got)
		}
		s.next(t)
		c.asks(t.Context(), t, s, Request{Name: Unwatch, Chat: "a:b"})
	}
}

// TestLimits: each command counts towards its limits, and watches towards those of the connection. A command beyond a
// limit is not executed.
func TestLimits(t *testing.T) {
	t.Parallel()
	counted := map[string]int{}
	full := chat.Errorf(chat.ResourceExhausted, "too many")
	c, s := open(t, Config{Limit: func(_ context.Context, name string) error {
		if counted[name]++; name == Send {
			return full
		}
		return nil
	}})
	for _, name := range Names() {
		got := c.asks(t.Context(), t, s, Request{Name: name, Chat: "a:b", Sender: "a", Text: "hi", Reader: "b", Signal: "typing"})
		if want := name == Send; strings.HasPrefix(got, "error  resource_exhausted too many") != want {
			t.Errorf("%s is answered %q, want it refused: %v", name, got, want)
		}
		if want := name != Watch; counted[name] == 1 != want {
			t.Errorf("%s counts %d times, want once: %v", name, counted[name], want)
		}
	}
	for i := range MaxWatches - 1 {
		c.asks(t.Context(), t, s, Request{Name: Watch, Chat: fmt.Sprint("room", i)})
	}
	if got := c.asks(t.Context(), t, s, Request{Name: Watch, Chat: "more"}); counted[Watch] != 1 || !strings.HasPrefix(got, "error  invalid_argument 1000 chats are watched") {
		t.Errorf("watch %d counts %d times, and is answered %q; want it counted and refused", MaxWatches+1, counted[Watch], got)
	}
}

// TestTokens: an expired caller may only renew, and then continues.
func TestTokens(t *testing.T) {
	t.Parallel()
	c, s := open(t, Config{Verify: func(_ context.Context, token string) (chat.Caller, error) {
		if token == "" {
			return chat.Caller{}, chat.Errorf(chat.TokenInvalid, "no token")
		}
		return chat.Caller{User: token, Expires: time.Now().Add(time.Hour)}, nil
	}})
	expired := chat.WithCaller(t.Context(), chat.Caller{User: "a", Expires: time.Now().Add(-time.Second)})
	for _, step := range []struct {
		ask  Request
		want string
	}{
		{Request{Name: Ping}, "error  token_expired"},
		{Request{Name: "none"}, "error  token_expired"},
		{Request{Name: Auth}, "error  token_invalid"},
		{Request{Name: Auth, Token: "b"}, "error  permission_denied"},
		{Request{Name: Ping}, "error  token_expired"},
		{Request{Name: Auth, Token: "a"}, "authenticated"},
		{Request{Name: Ping}, "pong"},
		{Request{Name: "none"}, "error  invalid_argument"},
	} {
		if got := c.asks(expired, t, s, step.ask); !strings.HasPrefix(got, step.want) {
			t.Errorf("%+v is answered %q, want %q", step.ask, got, step.want)
		}
	}
}

// TestAFailedWriteEndsTheConnection: Do returns its error.
func TestAFailedWriteEndsTheConnection(t *testing.T) {
	t.Parallel()
	c, s := open(t, Config{})
	s.fail = errors.New("gone")
	for _, name := range []string{Ping, Watch, "none"} {
		if err := c.Do(t.Context(), Request{Name: name, Chat: "a"}, s.reply); !errors.Is(err, s.fail) {
			t.Errorf("%s = %v, want the error of the write", name, err)
		}
	}
}
