package ratelimit

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Signals is a chat.Live whose signals are counted by their sender.
type Signals struct {
	chat.Live
	Limiter *Limiter
}

// Signal implements chat.Live.
func (s Signals) Signal(ctx context.Context, signal chat.Signal) error {
	if err := s.Limiter.takeFor(ctx, signal.Sender); err != nil {
		return err
	}
	return s.Live.Signal(ctx, signal)
}
