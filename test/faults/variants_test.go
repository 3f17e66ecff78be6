package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/storage"
	"github.com/pullchat/pullchat/test/faults/checker"
	"github.com/pullchat/pullchat/test/faults/history"
)

// TestVariants: the clients and the checker find the fault of each store that breaks one promise, and none in the real
// one. All stores fail sometimes.
func TestVariants(t *testing.T) {
	t.Parallel()
	for _, variant := range []struct {
		name string
		make func(chat.Store) chat.Store
		want checker.Kind // "" is none
		may  []checker.Kind
	}{
		{"correct", func(s chat.Store) chat.Store { return s }, "", nil},
		{
			"forgets ids", func(s chat.Store) chat.Store { return forgetful{s} }, checker.Doubled,
			[]checker.Kind{checker.Foreign, checker.NotLinearizable},
		},
		{
			"acknowledges before it writes", func(s chat.Store) chat.Store { return &hasty{Store: s} }, checker.Lost,
			[]checker.Kind{checker.NotLinearizable, checker.Doubled},
		},
		{
			"reuses a position", func(s chat.Store) chat.Store { return &reusing{Store: s, moved: map[int64]int64{}} }, checker.SharedPosition,
			[]checker.Kind{checker.NotLinearizable, checker.Reordered, checker.ReadTwice, checker.Doubled},
		},
		{
			"reorders a page", func(s chat.Store) chat.Store { return reordering{s} }, checker.ReadReordered,
			[]checker.Kind{checker.NotLinearizable, checker.Reordered, checker.ReadTwice, checker.ReadNever},
		},
		{"returns a stale page", func(s chat.Store) chat.Store { return &stale{Store: s, newest: map[chat.ID]int64{}} }, checker.NotLinearizable, nil},
		{
			"passes over a message", func(s chat.Store) chat.Store { return forgettingPages{s} }, checker.ReadNever,
			[]checker.Kind{checker.NotLinearizable},
		},
		{
			"stores what it refuses", func(s chat.Store) chat.Store { return lying{s} }, checker.StoredRefused,
			[]checker.Kind{checker.Doubled, checker.NotLinearizable},
		},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			h := drive(t, variant.make)
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
			for outcome, n := range h.Counts() {
				if n == 0 {
					t.Errorf("no send was %s: the test showed less than it should", outcome)
				}
			}
		})
	}
}

func first(faults []checker.Fault, kind checker.Kind) checker.Fault {
	return faults[slices.IndexFunc(faults, func(f checker.Fault) bool { return f.Kind == kind })]
}

// drive records clients of a variant of the real store over embedded Redis. The logs are read through the variant too,
// because it misleads every reader.
func drive(t *testing.T, variant func(chat.Store) chat.Store) history.History {
	t.Helper()
	store, err := storage.Open("redis://"+miniredis.RunT(t).Addr(), storage.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	flaky := &failing{Store: variant(store), random: rand.New(rand.NewPCG(1, 2))}
	messages := chat.NewMessageService(flaky, chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100})
	return load{
		services: []chat.Service{messages}, chats: []string{"one", "two"}, seed: 1,
		writers: 3, followers: 2, lookers: 1, pace: time.Millisecond, messages: 60,
	}.run(t, history.NewRecorder(), nil)
}

// failing is a store whose appends sometimes fail: rejected, or with an unknown outcome, before or after they took
// effect.
type failing struct {
	chat.Store
	mutex  sync.Mutex
	random *rand.Rand
}

func (s *failing) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	s.mutex.Lock()
	dice := s.random.IntN(12)
	s.mutex.Unlock()
	switch dice {
	case 0:
		return all(appends, chat.Appended{Err: chat.Errorf(chat.Unavailable, "nothing was stored, try again")})
	case 1:
		return all(appends, chat.Appended{Err: chat.Errorf(chat.DeadlineExceeded, "it is unknown")})
	case 2:
		s.Store.Append(ctx, appends)
		return all(appends, chat.Appended{Err: chat.Errorf(chat.Unavailable, "it is unknown")})
	}
	return s.Store.Append(ctx, appends)
}

func all(appends []chat.Append, result chat.Appended) []chat.Appended {
	return slices.Repeat([]chat.Appended{result}, len(appends))
}

// chosen reports whether a variant mistreats a message: every seventh of each writer, with an id or without.
func chosen(m chat.Message) bool {
	var n int
	_, after, _ := strings.Cut(m.Text, "/")
	_, _ = fmt.Sscan(after, &n)
	return n%7 == 3
}

// forgetful recognises no id, because it stores none.
type forgetful struct{ chat.Store }

func (s forgetful) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	for i := range appends {
		appends[i].Message.ID = ""
	}
	return s.Store.Append(ctx, appends)
}

// hasty acknowledges some messages at once, and never writes them.
type hasty struct{ chat.Store }

func (s *hasty) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	if len(appends) == 1 && chosen(appends[0].Message) {
		return []chat.Appended{{SendTime: time.Now().UnixMicro()}}
	}
	return s.Store.Append(ctx, appends)
}

// reusing gives some messages the position of the previous message.
type reusing struct {
	chat.Store
	mutex sync.Mutex
	moved map[int64]int64 // position in the real store → position shown
	last  map[chat.ID]int64
}

func (s *reusing) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	results := s.Store.Append(ctx, appends)
	if s.last == nil {
		s.last = make(map[chat.ID]int64)
	}
	for i := range results {
		id, result := appends[i].Chat, &results[i]
		if result.Err != nil || result.Duplicate {
			result.SendTime = s.shown(result.SendTime)
			continue
		}
		if before := s.last[id]; before > 0 && chosen(appends[i].Message) {
			s.moved[result.SendTime] = before
		}
		result.SendTime = s.shown(result.SendTime)
		s.last[id] = result.SendTime
	}
	return results
}

func (s *reusing) shown(position int64) int64 {
	if other, ok := s.moved[position]; ok {
		return other
	}
	return position
}

func (s *reusing) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	results := s.Store.Range(ctx, decoded(ranges))
	for _, r := range results {
		for i := range r.Messages {
			r.Messages[i].SendTime = s.shown(r.Messages[i].SendTime)
		}
	}
	return results
}

// decoded requests messages instead of entries in the stored form: these stores change the messages.
func decoded(ranges []chat.Range) []chat.Range {
	asked := slices.Clone(ranges)
	for i := range asked {
		asked[i].Raw = false
	}
	return asked
}

// reordering swaps two messages of some pages. The positions keep their order.
type reordering struct{ chat.Store }

func (s reordering) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	results := s.Store.Range(ctx, decoded(ranges))
	for i, r := range results {
		if m := r.Messages; !ranges[i].Reverse && len(m) > 2 && chosen(m[0]) {
			m[0], m[1] = m[1], m[0]
		}
	}
	return results
}

// stale answers with the state at the previous read.
type stale struct {
	chat.Store
	mutex  sync.Mutex
	newest map[chat.ID]int64 // at the last read
}

func (s *stale) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	results := s.Store.Range(ctx, decoded(ranges))
	for i, r := range ranges {
		newest := s.newest[r.Chat]
		for _, m := range results[i].Messages {
			s.newest[r.Chat] = max(s.newest[r.Chat], m.SendTime)
		}
		results[i].Messages = slices.DeleteFunc(results[i].Messages, func(m chat.Message) bool { return m.SendTime > newest })
	}
	return results
}

// forgettingPages omits some messages from forward pages.
type forgettingPages struct{ chat.Store }

func (s forgettingPages) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	results := s.Store.Range(ctx, decoded(ranges))
	for i, r := range ranges {
		if !r.Reverse && r.Limit < 100 { // the logs are read whole
			results[i].Messages = slices.DeleteFunc(results[i].Messages, chosen)
		}
	}
	return results
}

// lying answers for some stored messages that nothing was stored.
type lying struct{ chat.Store }

func (s lying) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	results := s.Store.Append(ctx, appends)
	if len(appends) == 1 && chosen(appends[0].Message) && !results[0].Duplicate {
		results[0] = chat.Appended{Err: chat.Errorf(chat.Unavailable, "nothing was stored, try again")}
	}
	return results
}
