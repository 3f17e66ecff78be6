package backup

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestReactionsAreImported: a restored chat knows all users of each reaction, also those that its messages do not name.
func TestReactionsAreImported(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	from, to := newPlace(t, redis.URL(), "from"), newPlace(t, redis.URL(), "to")
	changes := chattest.Changes(from.store, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 9, EditWindow: time.Hour})
	kept, deleted := from.send("hall", chat.Message{Sender: "ann", Text: "kept"}), from.send("hall", chat.Message{Sender: "ann", Text: "deleted"})
	change := func(ref int64, kind chat.NoticeEvent, user, emoji string) {
		t.Helper()
		if _, err := changes.Change(context.Background(), chat.Change{Chat: "hall", Ref: ref, Kind: kind, Sender: user, Emoji: emoji}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range chat.ReactionUsers + 2 {
		change(kept, chat.MessageReacted, fmt.Sprint("u", i), "🎉")
	}
	change(kept, chat.MessageUnreacted, "u0", "🎉")
	change(kept, chat.MessageReacted, "u1", "👍")
	change(deleted, chat.MessageReacted, "u1", "👍")
	change(deleted, chat.MessageDeleted, "ann", "")
	to.imports(from.exports())
	to.sound()
	reactions := func(p *place) []string {
		t.Helper()
		all, err := p.redis.ZRange(context.Background(), p.keys.Reactions(chattest.ID(t, "hall")), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got, want := reactions(to), reactions(from); !slices.Equal(got, want) || len(want) != chat.ReactionUsers+2 {
		t.Errorf("the restored reactions are %q, want %q", got, want)
	}
}
