// Package webhook posts events of chats to the URLs of webhooks. Each webhook is a projection of its own, with its own
// cursor: a slow or failing receiver delays its own events only. docs/webhooks.md describes the requests to receivers.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/outbound"
	"github.com/pullchat/pullchat/internal/projection"
)

// Config says how webhooks are posted.
type Config struct {
	WebhookTimeout time.Duration `name:"webhook-timeout" env:"WEBHOOK_TIMEOUT" default:"15s" placeholder:"DURATION" help:"How long a receiver of webhooks may take to answer."`
	WebhookGiveUp  time.Duration `name:"webhook-give-up" env:"WEBHOOK_GIVE_UP" default:"72h" placeholder:"DURATION" help:"How long a webhook may fail before it is disabled."`

	FirstRetry, LastRetry time.Duration `kong:"-"` // 0: those of projections
}

// Validate names every value that cannot work. Kong calls it.
func (c Config) Validate() error {
	var errs []error
	if c.WebhookTimeout < time.Second || c.WebhookTimeout > 5*time.Minute {
		errs = append(errs, fmt.Errorf("--webhook-timeout is %v; it must be from 1s to 5m", c.WebhookTimeout))
	}
	if c.WebhookGiveUp < time.Second {
		errs = append(errs, fmt.Errorf("--webhook-give-up is %v; it must be at least 1s", c.WebhookGiveUp))
	}
	return errors.Join(errs...)
}

// Registry has the methods of the rpc-servers that the sink needs.
type Registry interface {
	chat.WebhookRegistry
	ChangeProjection(context.Context, chat.ProjectionChange) error
}

const (
	// lookEvery is the interval of looks at the registry.
	lookEvery = time.Second
	// callWithin bounds a call of the registry.
	callWithin = 5 * time.Second
	// atOnce is how many chats of a webhook are posted at the same time.
	atOnce = 8

	// stoppedAfter is when all workers have stopped a removed webhook: they look each second, and a lease outlasts six.
	stoppedAfter = 15 * time.Second
	// forgottenAfter is when a removed projection is removed once more, in case that a slow worker has claimed it again.
	forgottenAfter = time.Minute
)

// Sink runs the webhooks of a registry.
type Sink struct {
	config   Config
	registry Registry
	bursts   *projection.Bursts
	log      *slog.Logger
	client   *outbound.Client
	again    chan struct{} // of room for one: look at the registry now

	stopped, forgotten time.Duration // stoppedAfter and forgottenAfter

	mutex   sync.Mutex
	version string
	private []string
	hooks   map[string]*hook
	removed map[string]bool // webhooks whose projections were removed once
}

// New returns a Sink. bursts is the rule for webhooks that gather messages.
func New(config Config, registry Registry, bursts *projection.Bursts, log *slog.Logger) *Sink {
	guard, _ := outbound.NewGuard(nil) // no network can be wrong
	return &Sink{
		config: config, registry: registry, bursts: bursts, log: log, client: outbound.NewClient(guard, config.WebhookTimeout, nil), again: make(chan struct{}, 1),
		stopped: stoppedAfter, forgotten: forgottenAfter, hooks: map[string]*hook{}, removed: map[string]bool{},
	}
}

// Projections returns one for each webhook that is enabled.
func (s *Sink) Projections() []projection.Projection {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var all []projection.Projection
	for _, h := range s.hooks {
		if h.Enabled {
			all = append(all, s.projection(h))
		}
	}
	return all
}

func (s *Sink) projection(h *hook) projection.Projection {
	p := projection.Projection{
		Name: chat.WebhookProjection(h.ID), Handler: h, Start: h.Created, Concurrency: atOnce,
		GiveUp: s.config.WebhookGiveUp, FirstRetry: s.config.FirstRetry, LastRetry: s.config.LastRetry,
		GaveUp: h.gaveUp,
	}
	if h.Bursts {
		p.Bursts = s.bursts
	}
	p.Listed = h.Chats
	return p
}

// Run follows the registry until ctx ends.
func (s *Sink) Run(ctx context.Context, changed func()) error {
	defer s.client.Close()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	failing := false
	for ctx.Err() == nil {
		err := s.look(ctx, changed)
		if err != nil && !failing && ctx.Err() == nil {
			s.log.Warn("the webhooks cannot be read; retrying", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-s.again:
		}
	}
	return nil
}

// lookAgain has Run look at the registry now.
func (s *Sink) lookAgain() {
	select {
	case s.again <- struct{}{}:
	default:
	}
}

// look reads the registry, and applies the changes.
func (s *Sink) look(ctx context.Context, changed func()) error {
	call, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	all, err := s.registry.WebhookRegistry(call, s.version)
	if err != nil {
		return err
	}
	// Also of an unchanged registry: an rpc-server that was started again may allow others.
	if err := s.allow(all.Private); err != nil || all.Unchanged {
		return err
	}
	if all.Version != s.version {
		s.apply(all.Webhooks)
		s.version = all.Version
		changed()
	}
	return s.clean(ctx, all.Removed)
}

// allow sets the private networks that may be reached.
func (s *Sink) allow(private []string) error {
	if slices.Equal(private, s.private) {
		return nil
	}
	guard, err := outbound.NewGuard(private)
	if err != nil {
		return err
	}
	s.client.SetGuard(guard)
	s.private = private
	return nil
}

// apply replaces the webhooks.
func (s *Sink) apply(webhooks []chat.Webhook) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	hooks := make(map[string]*hook, len(webhooks))
	for _, w := range webhooks {
		if before := s.hooks[w.ID]; before != nil && before.Changed == w.Changed {
			hooks[w.ID] = before
			continue
		}
		h, err := newHook(s, w)
		if err != nil {
			s.log.Error("a webhook cannot be run", "webhook", w.ID, "error", err)
			continue
		}
		hooks[w.ID] = h
	}
	s.hooks = hooks
}

// clean removes the projections of webhooks that were removed, once all workers have stopped them.
func (s *Sink) clean(ctx context.Context, removed map[string]time.Duration) error {
	for id := range s.removed {
		if _, still := removed[id]; !still {
			delete(s.removed, id)
		}
	}
	for id, ago := range removed {
		forget := ago >= s.forgotten
		if ago < s.stopped || s.removed[id] && !forget {
			continue
		}
		change := chat.ProjectionChange{Name: chat.WebhookProjection(id), Action: chat.RemoveProjection}
		if err := s.registry.ChangeProjection(ctx, change); err != nil && chat.CodeOf(err) != chat.NotFound {
			return err
		}
		s.removed[id] = true
		if !forget {
			continue
		}
		if err := s.registry.ForgetWebhook(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
