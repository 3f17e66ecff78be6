package ratelimit

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Senders is a chat.Service whose sends are counted by their sender.
type Senders struct {
	chat.Service
	Limiter *Limiter
}

// Send implements chat.Service.
func (s Senders) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	if err := s.Limiter.takeFor(ctx, m.Sender); err != nil {
		return chat.Receipt{}, err
	}
	return s.Service.Send(ctx, m)
}
