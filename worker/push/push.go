// Package push tells users of messages while they are away: over Web Push, Firebase Cloud Messaging, and plain
// endpoints as ntfy and UnifiedPush have them. docs/push.md says which users are notified.
package push

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

// Source has the methods of the rpc-servers that a Sink needs.
type Source interface {
	Subscribers(context.Context) (int64, error)
	PushTargets(context.Context, chat.PushQuery) (chat.PushTargets, error)
	Pull(context.Context, chat.PullRequest) (chat.Page, error)
	Unsubscribe(context.Context, chat.Unsubscription) error
}

const (
	// Name is the projection's.
	Name = "push"
	// lookEvery is the interval of looks whether there are subscriptions.
	lookEvery = 5 * time.Second
	// chatsAtOnce is how many chats are handled at the same time. Some of them wait for PUSH_ABSENT, or for a service.
	chatsAtOnce = 256
)

// Sink tells users of bursts of messages.
type Sink struct {
	config   Config
	bursts   *projection.Bursts
	source   Source
	log      *slog.Logger
	services *services
	failed   error // of the configuration
	outbox   *outbox

	wanted atomic.Bool  // there are subscriptions
	none   atomic.Int64 // when there were none, in microseconds since 1970
}

// New returns a Sink. An error of its configuration is that of Run.
func New(config Config, bursts *projection.Bursts, source Source, log *slog.Logger) *Sink {
	s := &Sink{config: config, bursts: bursts, source: source, log: log}
	s.services, s.failed = newServices(config)
	s.outbox = newOutbox(s)
	s.none.Store(time.Now().UnixMicro())
	return s
}

// Projections returns the projection, while there are subscriptions.
func (s *Sink) Projections() []projection.Projection {
	if !s.wanted.Load() || s.failed != nil {
		return nil
	}
	return []projection.Projection{{
		Name: Name, Handler: s, Bursts: s.bursts, Concurrency: chatsAtOnce,
		Start: s.none.Load(), // the first subscription came later
	}}
}

// Run looks for subscriptions, and makes the calls again that failed, until ctx ends.
func (s *Sink) Run(ctx context.Context, changed func()) error {
	if s.failed != nil {
		return s.failed
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	defer s.outbox.end()
	s.look(ctx, changed)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			s.look(ctx, changed)
			s.outbox.report()
		case <-again.C:
			s.outbox.again(ctx)
		}
	}
}

// look finds out whether there are subscriptions.
func (s *Sink) look(ctx context.Context, changed func()) {
	call, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	began := time.Now().UnixMicro()
	count, err := s.source.Subscribers(call)
	switch {
	case err != nil: // it stays as it is
		return
	case count == 0:
		s.none.Store(began)
	}
	if s.wanted.Swap(count > 0) != (count > 0) {
		changed()
	}
}

// Handle implements projection.Handler. It returns when the services have answered, or do not answer in time: then the calls
// are made again, and no other chat waits.
func (s *Sink) Handle(ctx context.Context, events []projection.Event) error {
	for i, e := range events {
		n, tells := s.notificationOf(e)
		if !tells || time.Now().After(n.expires) {
			continue
		}
		if err := s.tell(ctx, n); err != nil {
			if chat.CodeOf(err) == chat.InvalidArgument { // a name that earlier releases allowed
				err = projection.Reject(err)
			}
			return projection.Handled(i, fmt.Errorf("find who is told of %s: %w", e.ID, err))
		}
	}
	return nil
}

// tell tells the users of a notification.
func (s *Sink) tell(ctx context.Context, n notification) error {
	query := chat.PushQuery{Chat: n.Chat, Sender: n.Sender, Position: n.SendTime, Mentions: n.mentions}
	if wait := min(time.Until(time.UnixMicro(n.SendTime).Add(s.config.PushAbsent)), s.config.PushAbsent); wait > 0 {
		if targets, err := s.source.PushTargets(ctx, query); err != nil || len(targets.Users) == 0 && targets.After == "" {
			return err // those who have read it or are there are not told later
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		var err error
		if n, err = s.current(ctx, n); err != nil || n.Count == 0 {
			return err
		}
	}
	for {
		targets, err := s.source.PushTargets(ctx, query)
		if err != nil {
			return err
		}
		var letters []letter
		for _, subscriptions := range targets.Users {
			for _, to := range subscriptions {
				letters = append(letters, letter{to: to, notification: n.named(targets)})
			}
		}
		s.outbox.send(ctx, letters)
		if query.After = targets.After; query.After == "" {
			return nil
		}
	}
}
