package handler

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/metrics"
)

// wait is Hub.Wait, recorded. A message that is newer than the request has woken it.
func (h *Handler) wait(ctx context.Context, r chat.PullRequest, wait time.Duration) (chat.Page, error) {
	began := time.Now()
	h.config.Metrics.Followers(metrics.Poll, 1)
	defer h.config.Metrics.Followers(metrics.Poll, -1)
	page, err := h.hub.Wait(ctx, r, wait)
	if len(page.Messages) > 0 {
		if stored := time.UnixMicro(page.Messages[0].SendTime); stored.After(began) {
			h.config.Metrics.Delivered(metrics.Poll, time.Since(stored))
		}
	}
	return page, err
}

// share returns the share of a client, whose followed chats are counted if metrics are on.
func (h *Handler) share(of live.Share, transport string) live.Share {
	if h.config.Metrics == nil {
		return of
	}
	return countedShare{of, h.config.Metrics, transport}
}

type countedShare struct {
	live.Share
	metrics   *metrics.Gateway
	transport string
}

// Take implements live.Share.
func (s countedShare) Take() error {
	err := s.Share.Take()
	if err == nil {
		s.metrics.Followers(s.transport, 1)
	}
	return err
}

// Add implements live.Share.
func (s countedShare) Add(chats int) {
	s.Share.Add(chats)
	s.metrics.Followers(s.transport, chats)
}

var _, _ live.Timed = (*eventSink)(nil), (*socket)(nil)

// Delivered implements live.Timed.
func (s *eventSink) Delivered(age time.Duration) { s.metrics.Delivered(metrics.SSE, age) }

// Delivered implements live.Timed.
func (s *socket) Delivered(age time.Duration) {
	s.handler.config.Metrics.Delivered(metrics.WebSocket, age)
}
