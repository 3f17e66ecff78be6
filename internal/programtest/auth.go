package programtest

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/http-server/token"
)

// Auth is whether the programs of a test run with AUTH=on, and then who its clients are. nil is AUTH=off: its methods
// change nothing then.
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

// NewAuth is AUTH=on.
func NewAuth(t testing.TB) *Auth {
	t.Helper()
	keys, err := token.FromSecret(authSecret)
	if err != nil {
		t.Fatal(err)
	}
	return &Auth{keys: keys, tokens: map[string]string{}}
}

// On says whether it is.
func (a *Auth) On() bool { return a != nil }

// String is how it is called in names of tests and in reports.
func (a *Auth) String() string {
	if a == nil {
		return "off"
	}
	return "on"
}

// Servers returns settings of rpc-servers with what they need beside.
func (a *Auth) Servers(settings ...string) []string {
	if a == nil {
		return settings
	}
	return append([]string{"AUTH=on", "RPC_SECRET=" + rpcSecret}, settings...)
}

// Gateways returns settings of http-servers with what they need beside.
func (a *Auth) Gateways(settings ...string) []string {
	if a == nil {
		return settings
	}
	return append([]string{"AUTH=on", "AUTH_SECRET=" + authSecret, "RPC_SECRET=" + rpcSecret}, settings...)
}

// Token is a user's, and good for as long as a test; "" with AUTH=off.
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

// ShortToken is a user's until a time, in whole seconds.
func (a *Auth) ShortToken(user string, expires time.Time) string {
	signed, err := a.keys.ForUser(user, "session", time.Until(expires)+time.Millisecond)
	if err != nil {
		panic(err) // as above
	}
	return signed
}

// ServiceToken is that of a back end, which may act for anybody; "" with AUTH=off.
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

// As has what is asked with the context over Transport be asked by a user.
func As(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// Asking is the user of As, or "".
func Asking(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// Transport gives every request without a token that of the user of As, or of otherwise where there is none.
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

// CloseIdleConnections is for http.Client's method of that name.
func (b bearer) CloseIdleConnections() {
	if below, ok := b.below.(interface{ CloseIdleConnections() }); ok {
		below.CloseIdleConnections()
	}
}
