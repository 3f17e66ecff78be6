package backup

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestEarlierTextsAreImported: a restored chat has the history of its edits, and nothing of deleted messages.
func TestEarlierTextsAreImported(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	from, to := newPlace(t, redis.URL(), "from"), newPlace(t, redis.URL(), "to")
	limits := chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 9, EditWindow: time.Hour, EditHistory: true}
	changes := chattest.Changes(from.store, chat.Access{}, limits)
	kept, deleted := from.send("hall", chat.Message{Sender: "ann", Text: "first"}), from.send("hall", chat.Message{Sender: "ann", Text: "hidden"})
	change := func(ref int64, kind chat.NoticeEvent, text string) {
		t.Helper()
		if _, err := changes.Change(context.Background(), chat.Change{Chat: "hall", Ref: ref, Kind: kind, Sender: "ann", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	change(kept, chat.MessageEdited, "second")
	change(kept, chat.MessageEdited, "third")
	change(deleted, chat.MessageEdited, "hidden 2")
	change(deleted, chat.MessageDeleted, "")
	file := from.exports()
	if strings.Contains(file, "hidden") {
		t.Errorf("the export has a deleted text: %s", file)
	}
	for range 2 { // an import may run again
		to.imports(file)
	}
	to.sound()
	edits := func(p *place) []string {
		t.Helper()
		all, err := p.redis.ZRange(context.Background(), p.keys.Edits(chattest.ID(t, "hall")), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got, want := edits(to), edits(from); !slices.Equal(got, want) || len(want) != 2 {
		t.Errorf("the restored earlier texts are %q, want %q", got, want)
	}
}
