package client

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Session is a login that can be stored between two runs of a program. Its holder can impersonate the user: protect it like a
// password. Programs may read User; the other fields are for the Client.
type Session struct {
	User         string `json:"user"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	// Secret stays the same from Login to Logout, and is never sent. It and the refresh token determine the Idempotency-Key
	// of a refresh, so that a retry after a lost answer is not mistaken for a theft.
	Secret  string    `json:"secret"`
	Issued  time.Time `json:"issued"`  // when the access token came, by this machine's clock
	Expires time.Time `json:"expires"` // the access token's expiry, by the same clock
}

// String contains no token, so that a Session may be logged.
func (s Session) String() string { return "session of " + s.User }

// GoString is String.
func (s Session) GoString() string { return s.String() }

// refreshAhead is how long before its expiry a token is exchanged, or a tenth of its lifetime if that is less.
const refreshAhead = time.Minute

func (s Session) due(now time.Time) bool {
	return !now.Before(s.Expires.Add(-min(refreshAhead, s.Expires.Sub(s.Issued)/10)))
}

// untilDue returns the time until the access token is to be exchanged.
func (s Session) untilDue(now time.Time) time.Duration {
	return max(time.Millisecond, s.Expires.Add(-min(refreshAhead, s.Expires.Sub(s.Issued)/10)).Sub(now))
}

// over reports whether the access token may have expired. A server truncates the expiry to whole seconds.
func (s Session) over(now time.Time) bool { return !now.Before(s.Expires.Add(-time.Second)) }

// key is the Idempotency-Key of the exchange of the refresh token.
func (s Session) key() string {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write([]byte(s.RefreshToken))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// WithToken sends a token with every request that the Client cannot renew: that of a service, or an access token.
func WithToken(token string) Option { return func(c *Client) { c.identity.token = token } }

// WithSession continues the Session of an earlier Login; the zero Session is none. The Client exchanges the access token
// shortly before it expires, and when a server refuses it. It calls save with each new Session, and with the zero Session
// after Logout, one call at a time. save must not use the Client, and may be nil.
func WithSession(s Session, save func(Session)) Option {
	return func(c *Client) {
		c.identity.session = s
		if save != nil {
			c.identity.save = save
		}
	}
}

// WithReload calls load before an exchange of tokens for the stored Session, so that programs that share a Session see each
// other's exchanges. A Session of another Login is ignored.
func WithReload(load func() (Session, error)) Option {
	return func(c *Client) { c.identity.load = load }
}

// identity is a Client's session or token, or neither.
type identity struct {
	token string // WithToken's
	save  func(Session)
	load  func() (Session, error) // or nil

	pause time.Duration // exchangePause
	turn  chan struct{} // held while the session changes; others wait for the outcome

	mutex   sync.Mutex
	session Session
	ended   error     // why the session cannot go on
	failing error     // of the last exchange, if a later one may succeed
	until   time.Time // when that is tried
}

// exchangePause is how long a failed exchange answers all callers.
const exchangePause = 200 * time.Millisecond

func newIdentity() *identity {
	return &identity{save: func(Session) {}, pause: exchangePause, turn: make(chan struct{}, 1)}
}

func (i *identity) current() (Session, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.session, i.ended
}

// pausing returns the error of an exchange that has just failed.
func (i *identity) pausing() error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if time.Now().Before(i.until) {
		return i.failing
	}
	return nil
}

// take replaces the session. The caller holds turn.
func (i *identity) take(s Session) {
	i.set(s)
	i.save(s)
}

func (i *identity) set(s Session) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.session, i.ended, i.failing, i.until = s, nil, nil, time.Time{}
}

// failed records the failure of an exchange: a refused session has ended.
func (i *identity) failed(why *failure) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	refused, ok := errors.AsType[*Error](why.err)
	switch {
	case ok && refused.Status == http.StatusUnauthorized:
		i.ended = why.err
	case why.passes:
		i.failing, i.until = why.err, time.Now().Add(i.pause)
	}
}

// exclusively waits for turn and runs f, which never runs twice at once.
func (i *identity) exclusively(ctx context.Context, f func() *failure) *failure {
	select {
	case i.turn <- struct{}{}:
	case <-ctx.Done():
		return &failure{err: ctx.Err()}
	}
	defer func() { <-i.turn }()
	return f()
}

// heldFor returns the session for a request to a server; its token may be "". It exchanges a token that expires soon. While
// the token is valid, callers do not wait for an exchange in progress, and a failed exchange keeps it. A server without
// sessions keeps it too, because it may not require tokens.
func (c *Client) heldFor(ctx context.Context, s *server) (Session, *failure) {
	i := c.identity
	session, ended := i.current()
	now := time.Now()
	expired := !now.Before(session.Expires)
	switch {
	case session.User == "":
		return Session{AccessToken: i.token}, nil
	case ended != nil || !session.due(now) || !expired && (i.busy() || i.pausing() != nil):
		return session, nil
	}
	if failed := c.renew(ctx, s, session); failed != nil && failed.passes && expired {
		return Session{}, failed
	}
	session, _ = i.current()
	return session, nil
}

// busy reports whether turn is held.
func (i *identity) busy() bool { return len(i.turn) > 0 }

// maxRenewals bounds consecutive refusals of new tokens. A new token may be of another program, or may have expired on the
// way.
const maxRenewals = 3

// withToken asks a server with the client's token, and again with a new one if that is refused.
func (c *Client) withToken(ctx context.Context, s *server, ask func(token string) *failure) *failure {
	for renewals := 0; ; renewals++ {
		held, failed := c.heldFor(ctx, s)
		if failed != nil {
			return failed
		}
		asked := time.Now()
		failed = ask(held.AccessToken)
		if !held.over(asked) && held.over(time.Now()) { // it was good, and the answer has waited for its end
			renewals = 0
		}
		if !c.renewable(failed) || renewals == maxRenewals {
			return failed
		}
		if failed := c.renew(ctx, s, held); failed != nil {
			return failed
		}
	}
}

// renewable reports whether a new token may resolve a failure. A token may be invalid because the server's keys have
// changed; then the session is still valid.
func (c *Client) renewable(failed *failure) bool {
	if failed == nil {
		return false
	}
	refused, ok := errors.AsType[*Error](failed.err)
	session, _ := c.identity.current()
	return ok && session.User != "" && (refused.Code == "token_expired" || refused.Code == "token_invalid")
}

// renew replaces the session, unless it is later than old already. Other callers wait meanwhile. The failure never belongs
// to a request that may have arrived.
func (c *Client) renew(ctx context.Context, s *server, old Session) *failure {
	i := c.identity
	return i.exclusively(ctx, func() *failure {
		session, ended := i.current()
		switch {
		case ended != nil:
			return &failure{err: ended}
		case session.RefreshToken != old.RefreshToken: // access tokens of one second are alike
			return nil
		}
		if failing := i.pausing(); failing != nil {
			return &failure{err: failing, passes: true}
		}
		if session = i.reloaded(session); session.RefreshToken != old.RefreshToken && !session.due(time.Now()) {
			i.set(session)
			return nil
		}
		next, failed := c.exchange(ctx, s, session)
		if failed != nil {
			failed.arrived = false
			if ctx.Err() == nil {
				i.failed(failed)
			}
			return failed
		}
		i.take(next)
		return nil
	})
}

// reloaded returns the later session that another program has stored, if there is one.
func (i *identity) reloaded(s Session) Session {
	if i.load == nil {
		return s
	}
	kept, err := i.load()
	if err != nil || kept.User != s.User || kept.Secret != s.Secret || !kept.Issued.After(s.Issued) {
		return s
	}
	return kept
}

// exchange uses the refresh token of a session.
func (c *Client) exchange(ctx context.Context, s *server, session Session) (Session, *failure) {
	body, err := json.Marshal(map[string]string{"refresh_token": session.RefreshToken})
	if err != nil {
		return Session{}, &failure{err: err}
	}
	r := request{method: http.MethodPost, path: "/api/refresh", body: body, key: session.key(), open: true}
	began := time.Now()
	var granted tokens
	if failed := c.attempt(ctx, r, s, &granted); failed != nil {
		return Session{}, failed
	}
	if granted.RefreshToken == "" || granted.User != session.User {
		return Session{}, strange(s, errors.New("its tokens are not those of "+session.User))
	}
	return granted.session(session.Secret, began), nil
}

// tokens is the answer to a login and to a refresh.
type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expires_in"`
	User         string `json:"user"`
}

// session takes the time before the request as the token's time, which is later. It strips the monotonic clock, which stands
// still while a machine sleeps.
func (t tokens) session(secret string, began time.Time) Session {
	issued := began.Round(0)
	return Session{
		User: t.User, AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, Secret: secret,
		Issued: issued, Expires: issued.Add(time.Duration(t.ExpiresIn) * time.Second),
	}
}

// Login begins a session, which replaces the Client's session. The error is an *Error with the code unauthenticated if the
// user or the password is wrong.
func (c *Client) Login(ctx context.Context, user, password string) (Session, error) {
	body, err := json.Marshal(map[string]string{"user": user, "password": password})
	if err != nil {
		return Session{}, err
	}
	began := time.Now()
	var granted tokens
	if err := c.call(ctx, request{method: http.MethodPost, path: "/api/login", body: body, open: true}, &granted); err != nil {
		return Session{}, err
	}
	session := granted.session(rand.Text(), began)
	failed := c.identity.exclusively(ctx, func() *failure {
		c.identity.take(session)
		return nil
	})
	if failed != nil {
		return Session{}, failed.err
	}
	return session, nil
}

// Logout ends the Client's session. It succeeds if the session has ended already. The access token is valid until it
// expires.
func (c *Client) Logout(ctx context.Context) error {
	session, ended := c.identity.current()
	if session.User == "" {
		return errors.New("there is no session to log out of")
	}
	session = c.identity.reloaded(session)
	var err error
	if ended == nil { // the refresh token names the session where the server asks for no access token
		err = c.post(ctx, "/api/logout", map[string]string{"refresh_token": session.RefreshToken}, &struct{}{})
	}
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusUnauthorized {
		err = nil
	}
	if err != nil {
		return err
	}
	return c.dropSession(ctx, session)
}

// dropSession removes an ended session from the Client, unless it has another one by now.
func (c *Client) dropSession(ctx context.Context, session Session) error {
	failed := c.identity.exclusively(ctx, func() *failure {
		if now, _ := c.identity.current(); now.Secret == session.Secret {
			c.identity.take(Session{})
		}
		return nil
	})
	if failed != nil {
		return failed.err
	}
	return nil
}
