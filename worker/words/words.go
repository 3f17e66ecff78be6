// Package words counts registered words: how many messages contain each, in total, by chat and by hour. docs/words.md
// describes it.
package words

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

const (
	// readEvery is the interval of looking for other words.
	readEvery = time.Second
	// readWithin bounds that look.
	readWithin = 5 * time.Second
)

// Source is where the registered words are.
type Source interface {
	RegisteredWords(ctx context.Context, known int64) (chat.WordRegistry, error)
}

// Sink counts the registered words. While there is none, it has no projection.
type Sink struct {
	source Source
	log    *slog.Logger

	reading sync.Mutex
	known   atomic.Pointer[registry]
}

// registry has the counted words, as of a time.
type registry struct {
	version int64
	clock   int64 // the storage's, when it was read
	oldest  int64 // when the oldest word was registered
	groups  chat.WordGroups
	matcher *Matcher // nil without words
}

var _ projection.Counter = (*Sink)(nil)

// New returns a Sink. It reads the words when it runs.
func New(source Source, log *slog.Logger) *Sink {
	s := &Sink{source: source, log: log}
	s.known.Store(&registry{})
	return s
}

// Projections returns the projection that counts, while there are words. A new one begins with the first word's registration.
func (s *Sink) Projections() []projection.Projection {
	known := s.known.Load()
	if known.matcher == nil {
		return nil
	}
	return []projection.Projection{{Name: chat.WordsProjection, Handler: s, Start: known.oldest}}
}

// Run follows the registered words until ctx ends. It calls changed when there are words and were none, and the reverse.
func (s *Sink) Run(ctx context.Context, changed func()) error {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	counting, failing := s.known.Load().matcher != nil, false
	for {
		err := s.read(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.log.Warn("the registered words cannot be read; retrying", "error", err)
		}
		failing = err != nil
		if now := s.known.Load().matcher != nil; now != counting {
			counting = now
			changed()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// read reads the words, if they have changed.
func (s *Sink) read(ctx context.Context) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.readLocked(ctx)
}

func (s *Sink) readLocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	next := *s.known.Load()
	answer, err := s.source.RegisteredWords(ctx, next.version)
	if err != nil {
		return err
	}
	next.clock, next.groups.KeepHours = answer.Clock, answer.KeepHours
	if answer.Version != next.version {
		next.version, next.oldest = answer.Version, 0
		for _, w := range answer.Words {
			if next.oldest == 0 || w.ID < next.oldest {
				next.oldest = w.ID
			}
		}
		if next.matcher, err = NewMatcher(answer.Words); err != nil {
			return err
		}
	}
	s.known.Store(&next)
	return nil
}

// asOf returns the words as they were after a position was given to a message, or later.
func (s *Sink) asOf(ctx context.Context, position int64) (*registry, error) {
	if known := s.known.Load(); known.clock > position {
		return known, nil
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	if known := s.known.Load(); known.clock > position { // another has read them meanwhile
		return known, nil
	}
	// The message was there before this call, so whatever the clock says, this is late enough.
	err := s.readLocked(ctx)
	return s.known.Load(), err
}

// Count implements projection.Counter.
func (s *Sink) Count(ctx context.Context, events []projection.Event) ([]chat.Count, error) {
	known, err := s.asOf(ctx, events[len(events)-1].Last().SendTime)
	if err != nil || known.matcher == nil {
		return nil, err
	}
	sums := newTally()
	for _, e := range events {
		for _, m := range e.Messages {
			if m.Notice != nil || m.Text == "" {
				continue
			}
			all, own := known.matcher.Find(e.Chat, m.Text)
			if len(all)+len(own) == 0 {
				continue
			}
			for _, group := range known.groups.Of(e.Chat, m.SendTime) {
				sums.add(group, all)
				sums.add(group, own)
			}
			if len(all) > 0 {
				for _, group := range known.groups.Of("", m.SendTime) {
					sums.add(group, all)
				}
			}
		}
	}
	return sums.counts(), nil
}

// Handle does nothing: words are counted.
func (*Sink) Handle(context.Context, []projection.Event) error { return nil }

// tally adds up counts by group.
type tally struct {
	groups []chat.WordGroup
	sums   map[string]map[string]int64
}

func newTally() *tally { return &tally{sums: map[string]map[string]int64{}} }

func (t *tally) add(group chat.WordGroup, counters []string) {
	if len(counters) == 0 {
		return
	}
	sums := t.sums[group.Name]
	if sums == nil {
		sums = map[string]int64{}
		t.sums[group.Name] = sums
		t.groups = append(t.groups, group)
	}
	for _, counter := range counters {
		sums[counter]++
	}
}

// counts returns the sums, those of a group one after another.
func (t *tally) counts() (counts []chat.Count) {
	for _, group := range t.groups {
		for counter, sum := range t.sums[group.Name] {
			counts = append(counts, chat.Count{Group: group.Name, Counter: counter, Amount: sum, Expires: group.Expires})
		}
	}
	return counts
}
