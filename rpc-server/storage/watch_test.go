package storage

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

func sendTo(t *testing.T, s *Store, id chat.ID) int64 {
	t.Helper()
	a, err := appendOne(s, id, chat.Message{Text: "x", Sender: "alice"})
	if err != nil {
		t.Fatalf("Append(%s) = %v", id, err)
	}
	return a.SendTime
}

// TestWhatIsPublished pins the form of a hint, with the entry where it is short, and that a repeated id is none.
func TestWhatIsPublished(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{IdempotencyWindow: time.Hour})
		ctx, cancel := contextFor(20 * time.Second)
		defer cancel()
		one, err := store.nodes.ForKey(ctx, "im:{45}:hints")
		if err != nil {
			t.Fatal(err)
		}
		subscription := one.Client.Subscribe(ctx, "im:{45}:hints")
		if store.nodes.Cluster != nil {
			_ = subscription.Close()
			subscription = one.Client.SSubscribe(ctx, "im:{45}:hints")
		}
		defer func() { _ = subscription.Close() }()
		if _, err := subscription.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		store.subscriptions.Of(chattest.ID(t, "alice:bob")).Followed.Store(true) // as after a first hint that was received
		before := int64(0)
		for i, text := range []string{"0", strings.Repeat("long ", 200), "2 3\n", "3"} {
			m := chat.Message{Text: text, Sender: "alice", ID: fmt.Sprint(i)}
			sent := appendUntilStored(t, store, chattest.ID(t, "bob:alice"), m)
			appendUntilStored(t, store, chattest.ID(t, "bob:alice"), m)
			got, err := subscription.ReceiveMessage(ctx)
			want := fmt.Sprintf("alice:bob %d", sent.SendTime)
			if len(text) < 100 {
				want += fmt.Sprintf(" %d %d%s", before, sent.SendTime, layout.Encode(m))
			}
			if err != nil || got.Payload != want {
				t.Fatalf("published: %v, %v; want %q", got, err, want)
			}
			before = sent.SendTime
		}
	})
}

// TestHintsBringWhatTheLogHas: entries, in order, after the position that the one before them has ended with.
func TestHintsBringWhatTheLogHas(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store, other := openAt(t, url, Options{Sweep: hintstest.NoSweep}), openAt(t, url, Options{})
		room := chattest.ID(t, "room")
		at := sendTo(t, other, room)
		w := hintstest.WatchOf(t, store, room)
		w.Hinted(room, at)
		at = sendTo(t, other, room) // this hint tells the other server that the chat is followed
		w.Hinted(room, at)
		var brought []chat.Message
		for range 20 {
			last := sendTo(t, other, room)
			for before := at; at < last; before = at {
				e := w.Until("a hint", func(e chat.Event) bool { return e.Chat == room && e.Position > before })
				if e.Before != at || len(e.Entries) == 0 {
					t.Fatalf("after %d came a hint at %d with %d entries after %d", at, e.Position, len(e.Entries), e.Before)
				}
				for _, entry := range e.Entries {
					m, err := layout.DecodeMember(string(entry))
					if err != nil {
						t.Fatal(err)
					}
					brought = append(brought, m)
				}
				at = e.Position
			}
		}
		ranged := store.Range(context.Background(), []chat.Range{{Chat: room, From: brought[0].SendTime, Limit: 100}})[0]
		if ranged.Err != nil || !reflect.DeepEqual(ranged.Messages, brought) {
			t.Errorf("hints brought %+v, the log has %+v, %v", brought, ranged.Messages, ranged.Err)
		}
	})
}

// TestBeforeIsThePositionInTheLog, also where the log has lost its message; 0 where the chat is a new one.
func TestBeforeIsThePositionInTheLog(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{Sweep: hintstest.NoSweep, MaxChatMessages: 2, Retention: time.Hour})
		room := chattest.ID(t, "room")
		w := hintstest.WatchOf(t, store, room)
		w.Confirmed(room)
		before := int64(0)
		for i := range 4 {
			if i == 3 { // as when it is deleted
				log, _, activity := store.keys.Append(room)
				one, err := store.nodes.ForKey(t.Context(), log)
				if err == nil {
					err = one.Client.Del(t.Context(), log, activity).Err()
				}
				if err != nil {
					t.Fatal(err)
				}
				before = 0
			}
			at := sendTo(t, store, room)
			e := w.Until("its hint", func(e chat.Event) bool { return e.Chat == room && e.Position == at })
			if e.Before != before || len(e.Entries) != 1 {
				t.Errorf("the hint at %d brings %d entries after %d, want one after %d", at, len(e.Entries), e.Before, before)
			}
			before = at
		}
	})
}

func contextFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
