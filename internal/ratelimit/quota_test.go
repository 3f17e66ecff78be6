package ratelimit

import (
	"context"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestQuotaOfChats: a client's chats count over all its streams. Other clients have their own, and services no bound.
func TestQuotaOfChats(t *testing.T) {
	q := NewQuota(Bounds{Chats: 2}, Bounds{Chats: 3})
	user := func(by chat.Caller) context.Context { return chat.WithCaller(t.Context(), by) }
	alice, address := user(chat.Caller{User: "alice"}), WithClient(t.Context(), "192.0.2.1")
	take := func(ctx context.Context) error {
		s, err := q.Enter(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s.Take()
	}
	for name, c := range map[string]struct {
		ctx   context.Context
		limit int
	}{
		"a user": {alice, 2}, "another": {user(chat.Caller{User: "bob"}), 2}, "an address": {address, 3},
		"a service": {user(chat.Caller{User: "x", Service: true}), 100}, "no known address": {t.Context(), 100},
	} {
		for i := range c.limit {
			if err := take(c.ctx); err != nil {
				t.Errorf("%s: chat %d: %v", name, i, err)
			}
		}
	}
	for _, ctx := range []context.Context{alice, address} {
		if err := take(ctx); chat.CodeOf(err) != chat.ResourceExhausted || !strings.Contains(err.Error(), "which is the limit") {
			t.Errorf("one more chat: %v, want resource_exhausted and the limit", err)
		}
	}
	s, _ := q.Enter(alice)
	if s.Fits(1) == nil || s.Left() != 0 {
		t.Errorf("%d are left, want none", s.Left())
	}
	s.Add(-2)
	if err := s.Fits(2); err != nil || s.Left() != 2 {
		t.Errorf("after they have ended %d are left, %v; want 2", s.Left(), err)
	}
	if _, kept := q.has["user alice"]; kept {
		t.Error("a user without streams is still kept")
	}
}

// TestNoQuota is of a handler without one.
func TestNoQuota(t *testing.T) {
	var q *Quota
	s, err := q.Enter(chat.WithCaller(t.Context(), chat.Caller{User: "alice"}))
	if err != nil || s.Take() != nil || s.Fits(1<<20) != nil {
		t.Errorf("without a quota: %v", err)
	}
	s.Add(1)
	s.Leave()
}
