package storage

import (
	"context"
	"errors"
	"time"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var revokeScript = script("revoke")

// revokedEvery is how often a server asks who was deleted or suspended. A token is refused everywhere within a second.
const revokedEvery = 400 * time.Millisecond

// Revoked reports whether the tokens of a user are refused, and why. It uses the last result of ReadRevoked.
func (s *Store) Revoked(user string) chat.Revocation { return s.subscriptions.Revoked(user) }

// revoke notes that a user was deleted, here and for the other servers.
func (s *Store) revoke(ctx context.Context, user string) error {
	at, err := s.runUser(ctx, revokeScript, []string{s.keys.Revoked()}, user, chat.DeletionSettles.Microseconds(), s.now())
	if err != nil {
		return err
	}
	s.subscriptions.Revoke(user, at)
	return nil
}

// ReadRevoked is the job that reads the deleted and the suspended users. After an error it reads again later; until
// then calls are refused, for the same reason.
func (s *Store) ReadRevoked() background.Job {
	return background.Job{Name: "revoked", Every: revokedEvery, Timeout: 2 * redisnode.Timeout, Step: func(ctx context.Context) error {
		return errors.Join(s.subscriptions.ReadRevoked(ctx), s.subscriptions.ReadSuspended(ctx))
	}}
}
