package live

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestSessionsEndWithTheirToken in the moment in which it expires, whatever else happens, and nothing comes after it.
func TestSessionsEndWithTheirToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		hub := w.start(t)
		alice := chat.Caller{User: "alice", Session: "s", Expires: time.Now().Add(3 * time.Second)}
		idle, busy, later := newTold(), newTold(), newTold()
		open(t, hub, idle, Follow{Chat: "idle", By: alice})
		open(t, hub, busy, Follow{Chat: "room", By: alice})
		other := alice
		other.Expires = other.Expires.Add(time.Hour)
		open(t, hub, later, Follow{Chat: "room", By: alice}, Follow{Chat: "idle", By: other})
		<-time.After(3*time.Second - time.Millisecond)
		w.send(t, "room", 1)
		synctest.Wait()
		for name, sink := range map[string]*told{"idle": idle, "busy": busy} {
			if len(sink.ended) > 0 {
				t.Errorf("%s: the session ended with %v before its time", name, <-sink.ended)
			}
		}
		<-time.After(time.Millisecond)
		w.send(t, "room", 1)
		synctest.Wait()
		for name, sink := range map[string]*told{"idle": idle, "busy": busy} {
			if len(sink.ended) != 1 || len(sink.refused) != 1 {
				t.Fatalf("%s: the session has not ended with its token", name)
			}
			if err, told := <-sink.ended, <-sink.refused; !errors.Is(err, ErrExpired) || !errors.Is(told, ErrExpired) {
				t.Errorf("%s: it ended with %v, and told %v, want ErrExpired", name, err, told)
			}
		}
		if len(busy.pages) != 1 || len(later.pages) != 2 || len(later.ended) != 0 {
			t.Errorf("%d pages came, want that of before; with a token that lasts %d came, want both", len(busy.pages), len(later.pages))
		}
	})
}

// TestWaitsEndWithTheirToken for a reader too.
func TestWaitsEndWithTheirToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		hub := run(t, anyReader{w}, w, Config{})
		for _, reader := range []string{"", "alice"} {
			began := time.Now()
			ctx := chat.WithCaller(t.Context(), chat.Caller{User: "alice", Expires: began.Add(3 * time.Second)})
			_, err := hub.Wait(ctx, chat.PullRequest{Chat: "room", Reader: reader}, time.Minute)
			if took := time.Since(began); !errors.Is(err, ErrExpired) || took != 3*time.Second {
				t.Errorf("reader %q: Wait() = %v after %v, want ErrExpired after 3 s", reader, err, took)
			}
		}
	})
}

// anyReader is a service to which a reader is as good as none.
type anyReader struct{ chat.Service }

func (s anyReader) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	r.Reader = ""
	return s.Service.Pull(ctx, r)
}

// TestRenewedSessions end with the last token, and not with the first.
func TestRenewedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		hub := w.start(t)
		alice := chat.Caller{User: "alice", Session: "s", Expires: time.Now().Add(3 * time.Second)}
		sink := newTold()
		s := open(t, hub, sink, Follow{Chat: "room", By: alice})
		<-time.After(2 * time.Second)
		alice.Expires = alice.Expires.Add(5 * time.Second)
		if err := s.Renew(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		<-time.After(6*time.Second - time.Millisecond)
		w.send(t, "room", 1)
		synctest.Wait()
		if len(sink.pages) != 1 || len(sink.ended) != 0 {
			t.Errorf("before the new token's end %d pages came, and it ended %d times; want one page", len(sink.pages), len(sink.ended))
		}
		<-time.After(time.Millisecond)
		synctest.Wait()
		if len(sink.ended) != 1 || !errors.Is(<-sink.ended, ErrExpired) {
			t.Error("the session has not ended with the new token")
		}
	})
}
