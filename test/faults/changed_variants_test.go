package faults

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/emoji"
	"github.com/pullchat/pullchat/rpc-server/storage"
	"github.com/pullchat/pullchat/test/faults/checker"
	"github.com/pullchat/pullchat/test/faults/history"
)

// TestChangedVariants is TestVariants for changes of messages.
func TestChangedVariants(t *testing.T) {
	t.Parallel()
	for _, variant := range []struct {
		name  string
		amend func(context.Context, chat.ChangeStore, chat.Amendment) (chat.Appended, error)
		want  checker.Kind // "" is none
		may   []checker.Kind
	}{
		{"correct", func(ctx context.Context, s chat.ChangeStore, a chat.Amendment) (chat.Appended, error) {
			return s.Amend(ctx, a)
		}, "", nil},
		{
			"acknowledges a change before it writes",
			func(ctx context.Context, s chat.ChangeStore, a chat.Amendment) (chat.Appended, error) {
				if chosen(chat.Message{Text: a.ID}) {
					return chat.Appended{SendTime: time.Now().UnixMicro()}, nil
				}
				return s.Amend(ctx, a)
			},
			checker.Lost,
			[]checker.Kind{checker.NotLinearizable, checker.Doubled, checker.Reordered},
		},
		{
			"forgets the ids of changes",
			func(ctx context.Context, s chat.ChangeStore, a chat.Amendment) (chat.Appended, error) {
				a.ID = ""
				return s.Amend(ctx, a)
			},
			checker.Doubled,
			[]checker.Kind{checker.NotLinearizable, checker.Moved, checker.Reordered},
		},
		{
			"changes a message wrongly",
			func(ctx context.Context, s chat.ChangeStore, a chat.Amendment) (chat.Appended, error) {
				if a.Entry.Notice.Event == chat.MessageEdited && chosen(chat.Message{Text: a.ID}) {
					a.Message.Text += "!"
				}
				return s.Amend(ctx, a)
			},
			checker.Misapplied, nil,
		},
		{
			"stores the entry of a reaction alone",
			func(ctx context.Context, s chat.ChangeStore, a chat.Amendment) (chat.Appended, error) {
				if a.Reacts {
					a.Message.State = nil
				}
				return s.Amend(ctx, a)
			},
			checker.Misapplied, nil,
		},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			h := driveChanges(t, variant.amend)
			faults := checker.Check(h, checker.Options{Timeout: time.Minute})
			kinds := checker.Kinds(faults)
			if variant.want != "" && !slices.Contains(kinds, variant.want) {
				t.Errorf("Check() of a store that %s = %v, want %s", variant.name, kinds, variant.want)
			}
			for _, kind := range kinds {
				if kind != variant.want && !slices.Contains(variant.may, kind) {
					t.Errorf("Check() of a store that %s names %s: %v", variant.name, kind, first(faults, kind))
				}
			}
			for _, kind := range []string{"reply", "edit", "delete", "react", "unreact"} {
				if h.Kinds()[kind] == 0 {
					t.Errorf("nothing of the kind %s was acknowledged: the test showed less than it should", kind)
				}
			}
		})
	}
}

// driveChanges is drive with changes, through a variant of how they are stored.
func driveChanges(t *testing.T, amend func(context.Context, chat.ChangeStore, chat.Amendment) (chat.Appended, error)) history.History {
	t.Helper()
	store, err := storage.Open("redis://"+miniredis.RunT(t).Addr(), storage.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100, EditWindow: time.Hour}
	flaky := &failing{Store: store, random: rand.New(rand.NewPCG(1, 2))}
	changes := chat.NewChangeService(&failingChanges{ChangeStore: store, amend: amend, random: rand.New(rand.NewPCG(3, 4))}, chat.Access{}, limits)
	changes.Emoji = emoji.Is
	return load{
		services: []chat.Service{changeable{chat.NewMessageService(flaky, chat.Access{}, limits), changes}}, chats: []string{"one", "two"}, seed: 1,
		writers: 3, followers: 2, lookers: 1, pace: time.Millisecond, messages: 100,
	}.run(t, history.NewRecorder(), nil)
}

// changeable is a chat.Service with Changes.
type changeable struct {
	chat.Service
	chat.Changes
}

// failingChanges is failing for changes.
type failingChanges struct {
	chat.ChangeStore
	amend  func(context.Context, chat.ChangeStore, chat.Amendment) (chat.Appended, error)
	mutex  sync.Mutex
	random *rand.Rand
}

func (s *failingChanges) Amend(ctx context.Context, a chat.Amendment) (chat.Appended, error) {
	s.mutex.Lock()
	dice := s.random.IntN(8)
	s.mutex.Unlock()
	switch dice {
	case 0:
		return chat.Appended{}, chat.Errorf(chat.Unavailable, "nothing was stored, try again")
	case 1:
		return chat.Appended{}, chat.Errorf(chat.DeadlineExceeded, "it is unknown")
	case 2:
		_, _ = s.amend(ctx, s.ChangeStore, a)
		return chat.Appended{}, chat.Errorf(chat.Unavailable, "it is unknown")
	}
	return s.amend(ctx, s.ChangeStore, a)
}
