package programtest

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/token"
)

// Auth says whether a test's programs run with AUTH=on, and has their keys. nil is AUTH=off: its methods change nothing
// then.
type Auth struct {
	keys *token.Keys

	mutex  sync.Mutex
	tokens map[string]string
}

const (
	authSecret = "a secret of the tests with enough bytes"
	rpcSecret  = "between us"
	// tokensLast is longer than a test.
	tokensLast = 2 * time.Hour
)

// NewAuth returns an Auth for AUTH=on.
func NewAuth(t testing.TB) *Auth {
	t.Helper()
	keys, err := token.FromSecret(authSecret)
	if err != nil {
		t.Fatal(err)
	}
	return &Auth{keys: keys, tokens: map[string]string{}}
}

// On reports whether AUTH is on.
func (a *Auth) On() bool { return a != nil }

// String is its name in test names and reports.
func (a *Auth) String() string {
	if a == nil {
		return "off"
	}
	return "on"
}

// Servers adds to settings of rpc-servers the ones for AUTH.
func (a *Auth) Servers(settings ...string) []string {
	if a == nil {
		return settings
	}
	return append([]string{"AUTH=on", "RPC_SECRET=" + rpcSecret}, settings...)
}

// Gateways adds to settings of http-servers the ones for AUTH. Tests register many users from one address.
func (a *Auth) Gateways(settings ...string) []string {
	if a == nil {
		return settings
	}
	return append([]string{"AUTH=on", "AUTH_SECRET=" + authSecret, "RPC_SECRET=" + rpcSecret, "REGISTRATION_RATE="}, settings...)
}

// Token returns a user's token that outlives the test; "" with AUTH=off.
func (a *Auth) Token(user string) string {
	if a == nil {
		return ""
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.tokens[user] == "" {
		signed, err := a.keys.ForUser(user, "session", tokensLast)
		if err != nil {
			panic(err) // signing with a key of the right length does not fail
		}
		a.tokens[user] = signed
	}
	return a.tokens[user]
}

// ShortToken returns a user's token that expires at a time, in whole seconds.
func (a *Auth) ShortToken(user string, expires time.Time) string {
	signed, err := a.keys.ForUser(user, "session", time.Until(expires)+time.Millisecond)
	if err != nil {
		panic(err) // as above
	}
	return signed
}

// ServiceToken returns a service's token, which may act for any user; "" with AUTH=off.
func (a *Auth) ServiceToken(name string) string {
	if a == nil {
		return ""
	}
	signed, err := a.keys.ForService(name, tokensLast)
	if err != nil {
		panic(err) // as above
	}
	return signed
}

type userKey struct{}

// As marks a context: requests with it over Transport carry the user's token.
func As(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// Asking returns the user set by As, or "".
func Asking(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// Transport adds to each request without a token that of the user of As, or of otherwise where there is none.
func (a *Auth) Transport(below http.RoundTripper, otherwise string) http.RoundTripper {
	if a == nil {
		return below
	}
	return bearer{auth: a, below: below, otherwise: otherwise}
}

type bearer struct {
	auth      *Auth
	below     http.RoundTripper
	otherwise string
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	user := cmp.Or(Asking(r.Context()), b.otherwise)
	if user == "" || r.Header.Get("Authorization") != "" {
		return b.below.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.auth.Token(user))
	return b.below.RoundTrip(r)
}

// CloseIdleConnections supports http.Client's method of that name.
func (b bearer) CloseIdleConnections() {
	if below, ok := b.below.(interface{ CloseIdleConnections() }); ok {
		below.CloseIdleConnections()
	}
}
