package ratelimit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pullchat/pullchat/internal/chat"
)

// Guesses is a chat.Sessions that limits wrong passwords: for a user at the client's address, and ten times as many for the
// user alone and for the address alone. So guessing does not lock the user out at another address, nor other users at the
// same address. Beyond a limit an attempt is refused, right or wrong. After a login at an address only the first limit
// applies to that pair. WithClient sets the address.
type Guesses struct {
	chat.Sessions
	pairs, users, addresses *Limiter
	proven                  *lru.Cache[string, struct{}] // pairs with a recent login
}

// NewGuesses returns the Guesses over sessions. They limit nothing while the rate is zero.
func NewGuesses(sessions chat.Sessions, r Rate) Guesses {
	wide := r.times(10)
	pairs, err := lru.New[string, struct{}](maxClients)
	if err != nil {
		panic(err) // the size is positive
	}
	return Guesses{Sessions: sessions, pairs: New(r), users: New(wide), addresses: New(wide), proven: pairs}
}

// Over returns the same Guesses, with the same counts, over other sessions.
func (g Guesses) Over(sessions chat.Sessions) Guesses {
	g.Sessions = sessions
	return g
}

// SetRate changes the rate.
func (g Guesses) SetRate(r Rate) {
	g.pairs.SetRate(r)
	g.users.SetRate(r.times(10))
	g.addresses.SetRate(r.times(10))
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

// guess counts a call before it is made, so that concurrent calls count too, and undoes that if the password was not wrong.
func (g Guesses) guess(ctx context.Context, user string, call func() error) error {
	if err := chat.CheckUser(user); err != nil { // an invalid name takes no memory
		return err
	}
	address := ClientOf(ctx)
	at := pair(address, user)
	type count struct {
		limiter       *Limiter
		group, client string
	}
	counts := []count{{g.pairs, address, at}}
	if _, known := g.proven.Get(at); !known {
		counts = append(counts, count{g.addresses, address, address}, count{g.users, user, user})
	}
	giveBack := func(taken []count) {
		for _, c := range taken {
			c.limiter.giveBack(c.group, c.client)
		}
	}
	for i, c := range counts {
		if err := c.limiter.TakeOf(c.group, c.client); err != nil {
			giveBack(counts[:i])
			return refusedGuess(err)
		}
	}
	err := call()
	if chat.CodeOf(err) != chat.Unauthenticated {
		giveBack(counts)
	}
	if err == nil {
		g.proven.Add(at, struct{}{})
	}
	return err
}

// pair returns a key for an address and a user, of a name's length.
func pair(address, user string) string {
	sum := sha256.Sum256([]byte(address + " " + user)) // no address has a space
	return hex.EncodeToString(sum[:])
}

func refusedGuess(err error) error {
	return chat.Wrap(err, chat.ResourceExhausted, "too many wrong passwords; wait for Retry-After")
}

type clientKey struct{}

// WithClient returns a context with the key of the client's address.
func WithClient(ctx context.Context, client string) context.Context {
	return context.WithValue(ctx, clientKey{}, client)
}

// ClientOf returns the context's key of the client's address, or "".
func ClientOf(ctx context.Context) string {
	client, _ := ctx.Value(clientKey{}).(string)
	return client
}

// takeFor counts a request for its acting user: the token's user, or the user that a service names. A user's request in
// another name is refused and not counted. With AUTH off the name counts together with the address, so that other
// addresses cannot exhaust its limit.
func (l *Limiter) takeFor(ctx context.Context, named string) error {
	if l.Off() {
		return nil
	}
	by, _ := chat.CallerOf(ctx)
	if _, err := chat.ActingUser(ctx, named); err != nil {
		return err
	}
	switch {
	case by.Service && named != "":
		return l.Take(named)
	case by.User != "":
		return l.Take(by.User)
	}
	address := ClientOf(ctx)
	return l.TakeOf(address, pair(address, named))
}
