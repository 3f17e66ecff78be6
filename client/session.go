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

// Session is a login, as it is kept between two runs of a program. Whoever has it is the user: keep it as you would a
// password. Its texts are for the Client; only User is of interest to others.
type Session struct {
	User         string `json:"user"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	// Secret stays the same from Login to Logout, and is never sent: what is made of it and of a refresh token is the
	// key under which the token is used, so that a use whose answer was lost is repeated and not taken for a theft.
	Secret  string    `json:"secret"`
	Issued  time.Time `json:"issued"`  // when the access token came, by this machine's clock
	Expires time.Time `json:"expires"` // how long it is good, by the same
}

// String tells no token, so that a Session in a log is not one that is given away.
func (s Session) String() string { return "session of " + s.User }

// GoString is String.
func (s Session) GoString() string { return s.String() }

// refreshAhead is how long before its end a token is exchanged at most; it is a tenth of its time where that is less.
const refreshAhead = time.Minute

func (s Session) due(now time.Time) bool {
	return !now.Before(s.Expires.Add(-min(refreshAhead, s.Expires.Sub(s.Issued)/10)))
}

// untilDue is how long it takes until the access token is to be exchanged.
func (s Session) untilDue(now time.Time) time.Duration {
	return max(time.Millisecond, s.Expires.Add(-min(refreshAhead, s.Expires.Sub(s.Issued)/10)).Sub(now))
}

// over says whether the access token may be good no longer. A server cuts the end of one to whole seconds.
func (s Session) over(now time.Time) bool { return !now.Before(s.Expires.Add(-time.Second)) }

// key is the Idempotency-Key of the exchange of the refresh token.
func (s Session) key() string {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write([]byte(s.RefreshToken))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// WithToken has every request carry a token that the Client cannot renew: that of a back end, or an access token.
func WithToken(token string) Option { return func(c *Client) { c.identity.token = token } }

// WithSession goes on with the Session of an earlier Login; the zero Session is none. The Client exchanges its access
// token shortly before it expires, and when a server refuses it. save is called with each Session that takes its place,
// with that of a Login, and with the zero Session after Logout, one call after the other; it must not use the Client.
// nil keeps none.
func WithSession(s Session, save func(Session)) Option {
	return func(c *Client) {
		c.identity.session = s
		if save != nil {
			c.identity.save = save
		}
	}
}

// WithReload has load asked, before an exchange of tokens, for the Session as it is kept now, so that programs that
// share one see what the others have made of it. One of another Login does not count.
func WithReload(load func() (Session, error)) Option {
	return func(c *Client) { c.identity.load = load }
}

// identity is who a Client is: somebody with a session, or with a token, or nobody.
type identity struct {
	token string // WithToken's
	save  func(Session)
	load  func() (Session, error) // or nil

	pause time.Duration // exchangePause
	turn  chan struct{} // taken by whoever changes the session, so that all others wait for the outcome

	mutex   sync.Mutex
	session Session
	ended   error     // why the session cannot go on
	failing error     // of the last exchange that may work another time
	until   time.Time // when that is tried
}

// exchangePause is how long a failure to exchange tokens is that of all who ask for it.
const exchangePause = 200 * time.Millisecond

func newIdentity() *identity {
	return &identity{save: func(Session) {}, pause: exchangePause, turn: make(chan struct{}, 1)}
}

func (i *identity) current() (Session, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.session, i.ended
}

// pausing returns with what an exchange has failed a moment ago.
func (i *identity) pausing() error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if time.Now().Before(i.until) {
		return i.failing
	}
	return nil
}

// take is only called by whoever has the turn.
func (i *identity) take(s Session) {
	i.set(s)
	i.save(s)
}

func (i *identity) set(s Session) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.session, i.ended, i.failing, i.until = s, nil, nil, time.Time{}
}

// failed remembers how an exchange has: a session that is refused has ended.
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

// exclusively waits for the turn. What f does is never done by two.
func (i *identity) exclusively(ctx context.Context, f func() *failure) *failure {
	select {
	case i.turn <- struct{}{}:
	case <-ctx.Done():
		return &failure{err: ctx.Err()}
	}
	defer func() { <-i.turn }()
	return f()
}

// heldFor returns the session whose token is that of a request to a server; its token may be "". One that expires soon is
// exchanged there. While it is good, nobody waits for another one who does that, and where it fails the old one goes on;
// and so it does where the server knows no sessions, because it may ask for no tokens either.
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

// busy says whether somebody has the turn.
func (i *identity) busy() bool { return len(i.turn) > 0 }

// maxRenewals is how often in a row a new token is tried that is refused: it may have come from another program, or so
// slowly, that it is over already.
const maxRenewals = 3

// withToken asks a server with the client's token, and again with a new one where that is refused.
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

// renewable says whether a request has failed in a way that a new token may mend. A token may be invalid because the
// server's keys have changed; the session is still good then.
func (c *Client) renewable(failed *failure) bool {
	if failed == nil {
		return false
	}
	refused, ok := errors.AsType[*Error](failed.err)
	session, _ := c.identity.current()
	return ok && session.User != "" && (refused.Code == "token_expired" || refused.Code == "token_invalid")
}

// renew sees to it that the session is a later one than old. Whoever else asks for it meanwhile waits. The failure
// is never one of a request that may have arrived.
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

// reloaded returns what another program has made of a session, if one has.
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

// session takes the time before the request for that of the token, which is later. Without a monotonic clock: that
// stands still while a machine sleeps, and tokens expire.
func (t tokens) session(secret string, began time.Time) Session {
	issued := began.Round(0)
	return Session{
		User: t.User, AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, Secret: secret,
		Issued: issued, Expires: issued.Add(time.Duration(t.ExpiresIn) * time.Second),
	}
}

// Login begins a session, which the Client then has, in the place of any other. The error is an *Error with the code
// unauthenticated where the user or the password is wrong.
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

// Logout ends the session, which the Client then no longer has; one that has ended already is no error. Its access
// token is good until it expires.
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

// dropSession has the Client be without a session that has ended, unless it has another one by now.
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
