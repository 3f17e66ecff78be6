package access

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/pullchat/pullchat/http-server/gateway"
	provider "github.com/pullchat/pullchat/internal/identity"
	"github.com/pullchat/pullchat/internal/token"
)

// foreign is a stack that accepts tokens of an identity provider.
type foreign struct {
	*stack
	t      *testing.T
	issuer *mockoidc.MockOIDC
}

func startForeign(t *testing.T, passwords string) foreign {
	t.Helper()
	issuer, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = issuer.Shutdown() })
	return foreign{t: t, issuer: issuer, stack: startStackWith(t, func(c *gateway.Config) {
		c.Identity = provider.Config{JWKSURL: issuer.JWKSEndpoint(), Issuer: issuer.Issuer(), Audience: "pullchat", UserClaim: "sub", Passwords: passwords}
		if passwords == "off" {
			c.Token = token.Config{}
		}
	})}
}

// token is the provider's for a user.
func (f foreign) token(user string) string {
	f.t.Helper()
	text, err := f.issuer.Keypair.SignJWT(jwt.MapClaims{
		"iss": f.issuer.Issuer(), "aud": "pullchat", "sub": user, "name": "The " + user, "exp": time.Now().Add(time.Hour).Unix(),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// ask makes a request that must be answered with a status, and returns the answer.
func (f foreign) ask(want int, method, target, body, token string) string {
	f.t.Helper()
	response := f.request(f.t.Context(), f.t, method, target, body, token)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		f.t.Errorf("%s %s %s = %d %s, %v; want %d", method, target, body, response.StatusCode, answer, err, want)
	}
	return string(answer)
}

// TestIdentityProvider: users of a provider have accounts from their first request on, chat with users who have a password,
// and cannot get the account of one.
func TestIdentityProvider(t *testing.T) {
	t.Parallel()
	f := startForeign(t, "on")
	ann, bob := f.token("ann"), f.token("bob")
	f.ask(http.StatusOK, http.MethodPost, "/api/send", `{"chat":"ann:bob","text":"hello"}`, ann)
	if page := f.ask(http.StatusOK, http.MethodGet, "/api/pull?chat=ann:bob", "", bob); !strings.Contains(page, `"sender":"ann"`) {
		t.Errorf("bob pulls %s, want ann's message", page)
	}
	f.ask(http.StatusForbidden, http.MethodGet, "/api/pull?chat=ann:bob", "", f.token("eve"))
	if account := f.ask(http.StatusOK, http.MethodGet, "/api/users/ann", "", bob); !strings.Contains(account, `"name":"The ann"`) {
		t.Errorf("the account of ann is %s", account)
	}
	f.ask(http.StatusConflict, http.MethodPost, "/api/users", `{"user":"ann","password":"correct horse"}`, "")
	for _, password := range []string{"", "none", "correct horse"} {
		body, _ := json.Marshal(map[string]string{"user": "ann", "password": password})
		f.ask(http.StatusUnauthorized, http.MethodPost, "/api/login", string(body), "")
	}
	f.ask(http.StatusCreated, http.MethodPost, "/api/users", `{"user":"cid","password":"correct horse"}`, "")
	f.ask(http.StatusOK, http.MethodPost, "/api/login", `{"user":"cid","password":"correct horse"}`, "")
	if refused := f.ask(http.StatusUnauthorized, http.MethodGet, "/api/inbox", "", f.token("cid")); !strings.Contains(refused, "with a password") {
		t.Errorf("the provider's cid is refused with %s", refused)
	}
	f.ask(http.StatusUnauthorized, http.MethodGet, "/api/inbox", "", f.token("a:b"))
	f.ask(http.StatusUnauthorized, http.MethodGet, "/api/inbox", "", f.token("admin"))
	f.ask(http.StatusCreated, http.MethodPost, "/api/rooms", `{"id":"club","users":["bob","cid"]}`, ann)

	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(f.base, "http")+"/api/ws?access_token="+ann, nil) //nolint:bodyclose // the library's
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	for _, c := range []struct{ frame, want string }{
		{`{"type":"auth","token":"` + f.token("ann") + `"}`, `{"type":"authenticated"}`},
		{`{"type":"auth","ref":"1","token":"` + bob + `"}`, `{"type":"error","ref":"1","code":"permission_denied"`},
	} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(c.frame)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.Read(t.Context()); err != nil || !strings.HasPrefix(string(got), c.want) {
			t.Errorf("an auth frame is answered with %s, %v; want %s", got, err, c.want)
		}
	}

	f.ask(http.StatusOK, http.MethodDelete, "/api/users/me?erase=true", "", bob)
	f.ask(http.StatusUnauthorized, http.MethodGet, "/api/inbox", "", bob)
}

// TestIdentityProviderAlone: without passwords there is no way around the provider, and its users get the accounts that had
// one.
func TestIdentityProviderAlone(t *testing.T) {
	t.Parallel()
	f := startForeign(t, "off")
	f.ask(http.StatusOK, http.MethodPost, "/api/send", `{"chat":"ann:bob","text":"hello"}`, f.token("ann"))
	const registration = `{"user":"cid","password":"correct horse"}`
	f.ask(http.StatusForbidden, http.MethodPost, "/api/users", registration, "")
	if refused := f.ask(http.StatusForbidden, http.MethodPost, "/api/login", registration, ""); !strings.Contains(refused, "identity provider") {
		t.Errorf("a login is refused with %s", refused)
	}
	f.ask(http.StatusForbidden, http.MethodPost, "/api/password", `{"password":"correct horse","new_password":"correct horse 2"}`, f.token("ann"))
	service, err := f.keys.ForService("backend", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	f.ask(http.StatusUnauthorized, http.MethodGet, "/api/inbox", "", service) // the gateway has no key of its own
}
