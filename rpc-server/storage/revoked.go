package storage

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var revokeScript = script("revoke")

// revokedEvery is how often a server asks who was deleted. A token is refused everywhere within a second.
const revokedEvery = 400 * time.Millisecond

// Revoked reports whether a user was deleted while tokens of the user may be valid. It knows what WatchRevoked has read.
func (s *Store) Revoked(user string) bool { return s.hub.Revoked(user) }

// revoke notes that a user was deleted, here and for the other servers.
func (s *Store) revoke(ctx context.Context, user string) error {
	at, err := s.runUser(ctx, revokeScript, []string{s.keys.Revoked()}, user, chat.DeletionSettles.Microseconds(), s.now())
	if err != nil {
		return err
	}
	s.hub.Revoke(user, at)
	return nil
}

// WatchRevoked reads who was deleted until ctx ends. What it cannot read it reads later.
func (s *Store) WatchRevoked(ctx context.Context) {
	tick := time.NewTicker(revokedEvery)
	defer tick.Stop()
	for {
		_ = s.hub.ReadRevoked(ctx) // calls are refused meanwhile, for the same reason
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
