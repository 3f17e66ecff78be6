// Package chattest helps tests to stand in for a chat.MessageService, and to reach one.
package chattest

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// OneByOne gives a chat.Service, such as a test's fake, the methods for batches that chat.MessageService has: each request of
// a batch is made by itself, in order.
type OneByOne struct{ chat.Service }

// SendAll sends each message.
func (s OneByOne) SendAll(ctx context.Context, messages []chat.Sending) []chat.SendResult {
	results := make([]chat.SendResult, len(messages))
	for i, m := range messages {
		results[i].Receipt, results[i].Err = s.Send(from(ctx, m.By), m.Message)
	}
	return results
}

// PullAll makes each request.
func (s OneByOne) PullAll(ctx context.Context, requests []chat.Pulling) []chat.PullResult {
	results := make([]chat.PullResult, len(requests))
	for i, r := range requests {
		results[i].Page, results[i].Err = s.Pull(from(ctx, r.By), r.Request)
	}
	return results
}

func from(ctx context.Context, by chat.Caller) context.Context {
	if by == (chat.Caller{}) {
		return ctx
	}
	return chat.WithCaller(ctx, by)
}
