package gateway

import (
	"context"
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// passwordKept is how long a checked password is not checked again. A changed one is good for as long.
	passwordKept = time.Minute
	// passwordsKept bounds the checked passwords.
	passwordsKept = 10_000
)

// checkedPasswords identifies the callers of Basic authentication (RFC 7617). A check costs as much as a login, so the result
// is kept for a minute. Only a hash of the name and the password is kept.
type checkedPasswords struct {
	sessions chat.Sessions
	lasts    time.Duration // of a caller
	callers  *lru.Cache[[sha256.Size]byte, keptCaller]
	checks   singleflight.Group
}

type keptCaller struct {
	chat.Caller
	checked time.Time
}

func newCheckedPasswords(sessions chat.Sessions, lasts time.Duration) *checkedPasswords {
	callers, _ := lru.New[[sha256.Size]byte, keptCaller](passwordsKept) // the only error is a size of 0
	return &checkedPasswords{sessions: sessions, lasts: lasts, callers: callers}
}

// check returns the caller, or fails as a login does.
func (p *checkedPasswords) check(ctx context.Context, user, password string) (chat.Caller, error) {
	key := sha256.Sum256([]byte(user + "\x00" + password)) // no name has a NUL
	if kept, ok := p.callers.Get(key); ok && time.Since(kept.checked) < passwordKept {
		return kept.Caller, nil
	}
	found, err, _ := p.checks.Do(string(key[:]), func() (any, error) {
		session, err := p.sessions.Login(ctx, chat.Credentials{User: user, Password: password})
		if err != nil {
			return nil, err
		}
		if err := p.sessions.Logout(ctx, chat.LogoutRequest{RefreshToken: session.RefreshToken}); err != nil {
			return nil, err
		}
		caller := chat.Caller{User: session.User, Session: session.ID, Expires: time.Now().Add(p.lasts)}
		p.callers.Add(key, keptCaller{caller, time.Now()})
		return caller, nil
	})
	if err != nil {
		return chat.Caller{}, err
	}
	return found.(chat.Caller), nil //nolint:errcheck // as above
}
