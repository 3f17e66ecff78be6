package ratelimit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/pullchat/pullchat/internal/chat"
)

// Guesses is a chat.Sessions that slows down who tries passwords: failed logins are counted for the user at the client's
// address, and ten times as many for the user at all addresses, and for the address with all users. So who guesses does
// not lock the user out at her own address, nor an office its colleagues. One that is refused is not tried, right or
// wrong. WithClient says what the address is.
type Guesses struct {
	chat.Sessions
	pairs, users, addresses *Limiter
}

// NewGuesses returns the Guesses over sessions for a rate that is not zero.
func NewGuesses(sessions chat.Sessions, r Rate) Guesses {
	wide := r
	wide.Requests *= 10
	return Guesses{Sessions: sessions, pairs: New(r), users: New(wide), addresses: New(wide)}
}

// Login implements chat.Sessions.
func (g Guesses) Login(ctx context.Context, c chat.Credentials) (chat.Session, error) {
	var session chat.Session
	err := g.guess(ctx, c.User, func() (err error) {
		session, err = g.Sessions.Login(ctx, c)
		return err
	})
	return session, err
}

// ChangePassword implements chat.Sessions.
func (g Guesses) ChangePassword(ctx context.Context, p chat.PasswordChange) error {
	return g.guess(ctx, p.User, func() error { return g.Sessions.ChangePassword(ctx, p) })
}

// DeleteAccount implements chat.Sessions.
func (g Guesses) DeleteAccount(ctx context.Context, d chat.Deletion) (complete bool, err error) {
	if d.Password == "" {
		return g.Sessions.DeleteAccount(ctx, d)
	}
	err = g.guess(ctx, d.User, func() (err error) {
		complete, err = g.Sessions.DeleteAccount(ctx, d)
		return err
	})
	return complete, err
}

// guess counts a call before it is made, so that many at once are not all free, and takes it back where it was no wrong
// guess.
func (g Guesses) guess(ctx context.Context, user string, call func() error) error {
	address := clientOf(ctx)
	counts := []struct {
		limiter *Limiter
		client  string
	}{{g.addresses, address}, {g.pairs, pair(address, user)}, {g.users, user}}
	for i, c := range counts {
		if err := c.limiter.Take(c.client); err != nil {
			for _, taken := range counts[:i] {
				taken.limiter.giveBack(taken.client)
			}
			return refusedGuess(err)
		}
	}
	err := call()
	if chat.CodeOf(err) != chat.Unauthenticated {
		for _, c := range counts {
			c.limiter.giveBack(c.client)
		}
	}
	return err
}

// pair is the two in the length of a name.
func pair(address, user string) string {
	sum := sha256.Sum256([]byte(address + " " + user)) // no address has a space
	return hex.EncodeToString(sum[:])
}

func refusedGuess(err error) error {
	return chat.Wrap(err, chat.ResourceExhausted, "too many wrong passwords; wait for Retry-After")
}

// giveBack undoes a Take.
func (l *Limiter) giveBack(client string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if bucket, known := l.clients.Peek(cut(client)); known {
		bucket.AllowN(l.now(), -1)
	}
}

type clientKey struct{}

// WithClient returns a context that carries what the client's address counts as.
func WithClient(ctx context.Context, client string) context.Context {
	return context.WithValue(ctx, clientKey{}, client)
}

func clientOf(ctx context.Context) string {
	client, _ := ctx.Value(clientKey{}).(string)
	return client
}
