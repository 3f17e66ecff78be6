package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/token"
)

const authSecret = "0123456789abcdef0123456789abcdef"

// authenticated is a gateway with accounts in memory, whose every answer is compared with its document.
type authenticated struct {
	t      *testing.T
	base   string
	client *http.Client
	asked  *counting
}

// counting is a chat.Service that counts the calls that reach it.
type counting struct {
	fakeService
	sends int
	who   chat.Caller
}

func (c *counting) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	c.sends++
	c.who, _ = chat.CallerOf(ctx)
	return c.fakeService.Send(ctx, m)
}

func startAuth(t *testing.T, config Config) *authenticated {
	t.Helper()
	config.HTTPAddr, config.MaxBodyBytes = "127.0.0.1:0", maxBodyBytes
	if config.AccessTokenTTL == 0 {
		config.AccessTokenTTL = time.Minute
	}
	service := &counting{}
	server, err := Listen(config, chat.Services{Messages: service, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Listen() = %v", err)
	}
	registered := func() time.Time { return time.UnixMicro(1) }
	accounts := chat.NewAccountService(chattest.NewStore(chattest.StoreOptions{Clock: registered}), chat.Access{}, &chattest.PlainHasher{}, chat.AccountOptions{DefaultLimit: 10, MaxLimit: 100, SessionLasts: time.Hour})
	server.services.Accounts, server.services.Sessions = accounts, accounts
	chattest.Run(t, server)
	a := &authenticated{t: t, base: "http://" + server.Addr().String(), asked: service}
	validator := validatorOf(t, a.base)
	a.client = newClient(t, func(next http.RoundTripper) http.RoundTripper { return validator.Transport(t, next) })
	return a
}

// do makes a request, with a token unless it is "". want is the status, and the code of an error or something of the
// body.
func (a *authenticated) do(request, body, token string, status int, has string) answer {
	a.t.Helper()
	method, target, _ := strings.Cut(request, " ")
	c := call{method: method, target: target, body: body, header: http.Header{}}
	if token != "" {
		c.header.Set("Authorization", "Bearer "+token)
	}
	got := c.do(a.t, a.client, a.base)
	if got.status != status || !strings.Contains(string(got.body), has) {
		a.t.Errorf("%s %s = %d %s, want %d %s", request, body, got.status, got.body, status, has)
	}
	return got
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"`
	User    string
}

func (a *authenticated) register(users ...string) {
	a.t.Helper()
	for _, user := range users {
		a.do("POST /api/users", fmt.Sprintf(`{"user":%q,"password":"correct horse","name":"I am %s"}`, user, user), "", 201, `"user":"`+user)
	}
}

func (a *authenticated) login(user string) tokens {
	a.t.Helper()
	return a.tokens(a.do("POST /api/login", fmt.Sprintf(`{"user":%q,"password":"correct horse"}`, user), "", 200, "access_token"))
}

func (a *authenticated) tokens(got answer) (read tokens) {
	a.t.Helper()
	if err := json.Unmarshal(got.body, &read); err != nil || read.Type != "Bearer" || read.Expires != 60 || read.Access == "" {
		a.t.Errorf("the tokens are %s, %v; want Bearer for 60 seconds", got.body, err)
	}
	return read
}

func refreshBody(token string) string { return fmt.Sprintf(`{"refresh_token":%q}`, token) }

func TestAccountRoutes(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{})
	a.register("alice", "bob", "a+b@c.d", "日本")
	a.do("POST /api/users", `{"user":"alice","password":"another password"}`, "", 409, `"conflict"`)
	a.do("POST /api/users", `{"user":"carol","password":"short"}`, "", 400, "password is 5 characters")
	a.do("POST /api/users", `{"user":7}`, "", 400, "user is not a string")
	a.do("POST /api/users", "", "", 400, "not a JSON object")
	a.do("GET /api/users/alice", "", "", 200, `{"user":"alice","name":"I am alice","created":1}`)
	a.do("GET /api/users/a+b@c.d", "", "", 200, `"a+b@c.d"`)
	a.do("GET /api/users/%E6%97%A5%E6%9C%AC", "", "", 200, `"日本"`)
	a.do("GET /api/users/nobody", "", "", 404, `"not_found"`)
	a.do("GET /api/users/a:b", "", "", 400, `"invalid_argument"`)
	a.do("DELETE /api/users/alice", "", "", 405, `"not_found"`)
	a.do("PUT /api/users", "", "", 405, `"not_found"`)
	a.do("GET /api/users/alice/more", "", "", 404, `"not_found"`)
	a.do("GET /api/users?limit=2", "", "", 200, `"has_more":true,"next_cursor":"bob"`)
	a.do("GET /api/users?cursor=bob&prefix=b", "", "", 200, `{"users":[{"user":"bob","name":"I am bob","created":1}],"has_more":false,"next_cursor":""}`)
	a.do("GET /api/users?prefix=x", "", "", 200, `{"users":[],"has_more":false,"next_cursor":""}`)
	a.do("GET /api/users?limit=many", "", "", 400, "limit is not a whole number")
	a.do("POST /api/contacts/sync", `{"users":["nobody","bob","alice"]}`, "", 200, `{"users":[{"user":"bob"`)
	a.do("POST /api/contacts/sync", `{"users":[]}`, "", 200, `{"users":[]}`)
	a.do("POST /api/contacts/sync", `{"users":"alice"}`, "", 400, "users is not a list")
	var many []string
	for i := range chat.MaxKnown {
		many = append(many, fmt.Sprintf(`"%064d"`, i))
	}
	a.do("POST /api/contacts/sync", `{"users":[`+strings.Join(many, ",")+`]}`, "", 200, `{"users":[]}`)
	a.do("POST /api/contacts/sync", `{"users":[`+strings.Join(many, ",")+`,"a"]}`, "", 400, "1001 users are too many")
}

// TestNoHashIsShown in any answer about an account.
func TestNoHashIsShown(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{})
	a.register("alice")
	for request, body := range map[string]string{
		"GET /api/users": "", "GET /api/users/alice": "", "POST /api/contacts/sync": `{"users":["alice"]}`,
	} {
		if got := a.do(request, body, "", 200, "alice"); strings.Contains(string(got.body), "horse") || strings.Contains(string(got.body), "plain") {
			t.Errorf("%s = %s, which shows a password or its hash", request, got.body)
		}
	}
}

func TestSessionRoutes(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{Token: token.Config{AuthSecret: authSecret}})
	a.register("alice")
	wrong := a.do("POST /api/login", `{"user":"alice","password":"wrong horse"}`, "", 401, `"unauthenticated"`)
	unknown := a.do("POST /api/login", `{"user":"nobody","password":"wrong horse"}`, "", 401, `"unauthenticated"`)
	if string(wrong.body) != string(unknown.body) {
		t.Errorf("a wrong password is answered %s, and an unknown user %s; want the same", wrong.body, unknown.body)
	}
	first, other := a.login("alice"), a.login("alice")
	second := a.tokens(a.do("POST /api/refresh", refreshBody(first.Refresh), "", 200, `"user":"alice"`))
	a.do("POST /api/refresh", refreshBody(first.Refresh), "", 401, `"token_invalid"`)
	a.do("POST /api/refresh", refreshBody(second.Refresh), "", 401, "has ended")
	a.do("POST /api/refresh", refreshBody("nonsense"), "", 401, `"token_invalid"`)
	repeated := call{method: "POST", target: "/api/refresh", body: refreshBody(other.Refresh), header: http.Header{"Idempotency-Key": {"key"}}}
	next := a.tokens(repeated.do(t, a.client, a.base))
	if again := a.tokens(repeated.do(t, a.client, a.base)); again.Refresh != next.Refresh {
		t.Errorf("the same refresh with the same key gives %q and %q, want one", next.Refresh, again.Refresh)
	}
	a.do("POST /api/password", fmt.Sprintf(`{"user":"alice","password":"wrong","new_password":"staple staple","refresh_token":%q}`, next.Refresh), "", 401, "wrong")
	gone := a.login("alice")
	a.do("POST /api/password", fmt.Sprintf(`{"user":"alice","password":"correct horse","new_password":"staple staple","refresh_token":%q}`, next.Refresh), "", 200, "success")
	a.do("POST /api/password", fmt.Sprintf(`{"user":"bob","password":"a","new_password":"staple staple","refresh_token":%q}`, next.Refresh), "", 400, "another user's")
	a.do("POST /api/refresh", refreshBody(gone.Refresh), "", 401, `"token_invalid"`)
	next = a.tokens(a.do("POST /api/refresh", refreshBody(next.Refresh), "", 200, ""))
	a.do("POST /api/logout", "", "", 400, "give refresh_token")
	for range 2 {
		a.do("POST /api/logout", refreshBody(next.Refresh), "", 200, "success")
	}
	a.do("POST /api/refresh", refreshBody(next.Refresh), "", 401, `"token_invalid"`)
}

// TestWithoutAKey: there are accounts and no tokens, and the error names the missing setting.
func TestWithoutAKey(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{})
	a.register("alice")
	a.do("POST /api/login", `{"user":"alice","password":"correct horse"}`, "", 404, "AUTH_SECRET")
	a.do("POST /api/refresh", refreshBody("x"), "", 404, "AUTH_SECRET")
	a.do("POST /api/send", goodSend, "any token", 200, "success") // which is not checked
	if _, known := a.asked.who, a.asked.who.User != ""; known {
		t.Errorf("with AUTH=off the caller is %+v, want nobody", a.asked.who)
	}
}

func TestAuthOn(t *testing.T) {
	t.Parallel()
	config := Config{Auth: authOn, Token: token.Config{AuthSecret: authSecret}}
	a := startAuth(t, config)
	a.register("alice", "bob") // which needs none
	good := a.login("alice")
	keys, err := token.FromSecret(authSecret)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := keys.ForUser("alice", "session", -time.Second)
	worker, workerErr := keys.ForService("worker", time.Minute)
	if err != nil || workerErr != nil {
		t.Fatal(err, workerErr)
	}
	for _, request := range []struct{ line, body string }{
		{"POST /api/send", goodSend},
		{"GET /api/pull?chat=a", ""},
		{"POST /api/pull?chat=a", ""},
		{"GET /api/users", ""},
		{"GET /api/users/alice", ""},
		{"POST /api/contacts/sync", `{"users":[]}`},
		{"POST /api/logout", refreshBody(good.Refresh)},
		{"POST /api/password", `{}`},
		{"POST /api/signal", `{}`},
		{"POST /api/read", `{}`},
		{"GET /api/presence?chat=a", ""},
	} {
		for _, c := range []struct{ token, code, challenge string }{
			{"", "unauthenticated", `Bearer realm="pullchat"`},
			{"nonsense", "token_invalid", `error="invalid_token"`},
			{good.Access + "x", "token_invalid", `error="invalid_token"`},
			{expired, "token_expired", `error="invalid_token"`},
		} {
			got := a.do(request.line, request.body, c.token, 401, `"code":"`+c.code+`"`)
			if !strings.Contains(got.header.Get("WWW-Authenticate"), c.challenge) {
				t.Errorf("%s with %q has WWW-Authenticate %q, want %s", request.line, c.token, got.header.Get("WWW-Authenticate"), c.challenge)
			}
		}
	}
	basic := call{method: "GET", target: "/api/users", header: http.Header{"Authorization": {"Basic YTpi"}}}
	if got := basic.do(t, a.client, a.base); got.status != 401 || !strings.Contains(string(got.body), `"unauthenticated"`) {
		t.Errorf("Basic = %d %s, want 401 unauthenticated", got.status, got.body)
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER   ", " Bearer "} { // RFC 9110, 11.1
		asked := call{method: "GET", target: "/api/users", header: http.Header{"Authorization": {scheme + good.Access}}}
		if got := asked.do(t, a.client, a.base); got.status != 200 {
			t.Errorf("%q and a token = %d %s, want 200", scheme, got.status, got.body)
		}
	}
	a.do("GET /api/users?access_token="+good.Access, "", "", 401, `"unauthenticated"`) // only where headers cannot be set
	if a.asked.sends != 0 {
		t.Errorf("%d sends without a good token reached the service, want none", a.asked.sends)
	}
	for target, want := range map[string]int{"/ping": 200, "/readyz": 200, "/openapi.yaml": 200} {
		a.do("GET "+target, "", "", want, "")
		a.do("HEAD "+target, "", "", want, "")
	}
	a.do("POST /api/send", goodSend, good.Access, 200, "success")
	if who := a.asked.who; who.User != "alice" || who.Service || who.Session == "" || who.Expires.IsZero() {
		t.Errorf("the caller is %+v, want alice", who)
	}
	a.do("POST /api/send", goodSend, worker, 200, "success")
	if who := a.asked.who; who.User != "worker" || !who.Service {
		t.Errorf("the caller is %+v, want the service worker", who)
	}
}

func TestCallersActForThemselves(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{Auth: authOn, Token: token.Config{AuthSecret: authSecret}})
	a.register("alice", "bob")
	here, elsewhere := a.login("alice"), a.login("alice")
	a.do("POST /api/password", `{"user":"bob","password":"correct horse","new_password":"staple staple"}`, here.Access, 403, `"permission_denied"`)
	a.do("POST /api/password", `{"password":"correct horse","new_password":"staple staple"}`, here.Access, 200, "success")
	a.do("POST /api/refresh", refreshBody(elsewhere.Refresh), "", 401, `"token_invalid"`)
	here = a.tokens(a.do("POST /api/refresh", refreshBody(here.Refresh), "", 200, ""))
	a.do("POST /api/logout", "", here.Access, 200, "success")
	a.do("POST /api/refresh", refreshBody(here.Refresh), "", 401, `"token_invalid"`)
}

// TestATokenInTheQuery is for those who cannot set headers.
func TestATokenInTheQuery(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{Auth: authOn, Token: token.Config{AuthSecret: authSecret}})
	a.register("alice")
	good := a.login("alice")
	for target, want := range map[string]int{
		"/api/stream?chat=a:b:c":                                 401,
		"/api/stream?chat=a:b:c&access_token=nonsense":           401,
		"/api/stream?chat=a:b:c&access_token=" + good.Access:     400, // it has come through
		"/api/ws?access_token=nonsense":                          401,
		"/api/ws?access_token=" + good.Access:                    400,
		"/api/presence?chat=a&access_token=" + good.Access:       401,
		"/api/pull?chat=a&access_token=" + good.Access:           401,
		"/api/users?access_token=" + good.Access + "&prefix=ali": 401,
	} {
		if got := (call{method: "GET", target: target}).do(t, newClient(t, nil), a.base); got.status != want {
			t.Errorf("GET %s = %d %s, want %d", target, got.status, got.body, want)
		}
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	config := Config{Token: token.Config{AuthSecret: authSecret}, LoginRate: ratelimit.Rate{Requests: 2, Per: time.Hour}}
	a := startAuth(t, config)
	a.register("alice", "bob")
	for _, status := range []int{401, 401, 429} {
		a.do("POST /api/login", `{"user":"alice","password":"wrong horse"}`, "", status, "")
	}
	got := a.do("POST /api/login", `{"user":"alice","password":"correct horse"}`, "", 429, `"resource_exhausted"`)
	if got.header.Get("Retry-After") == "" || got.header.Get("Retry-After") == "1" {
		t.Errorf("Retry-After is %q, want what is left of the time", got.header.Get("Retry-After"))
	}
	a.login("bob")
}

func TestAuthConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"on without a key":   {Config{Auth: authOn}, "--auth=on needs --auth-secret (AUTH_SECRET)"},
		"a short key":        {Config{Auth: authOn, AccessTokenTTL: time.Minute, Token: token.Config{AuthSecret: "short"}}, "it needs 32 at least"},
		"a short key, off":   {Config{AccessTokenTTL: time.Minute, Token: token.Config{AuthSecret: "short"}}, "it needs 32 at least"},
		"tokens of no time":  {Config{Token: token.Config{AuthSecret: authSecret}}, "--access-token-ttl is 0s"},
		"on":                 {Config{Auth: authOn, AccessTokenTTL: time.Minute, Token: token.Config{AuthSecret: authSecret}}, ""},
		"off, with two keys": {Config{AccessTokenTTL: time.Minute, Token: token.Config{AuthSecret: authSecret + "," + authSecret + "x"}}, ""},
	} {
		c.config.HTTPAddr, c.config.MaxBodyBytes = "127.0.0.1:0", 1
		err := c.config.Validate()
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Validate(%s) = %v, want %q", name, err, c.want)
		}
	}
	for name, config := range map[string]Config{
		"on without a key": {Auth: authOn}, "no key file": {Token: token.Config{AuthKeyFile: "/no/such/file"}},
	} {
		config.HTTPAddr, config.MaxBodyBytes = "127.0.0.1:0", 1
		if _, err := Listen(config, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("Listen(%s) = nil, want an error", name)
		}
	}
}

// TestWithoutAccounts: a gateway without accounts has no routes for them.
func TestWithoutAccounts(t *testing.T) {
	t.Parallel()
	base := startGateway(t, &fakeService{}, func(s *Server) { s.services.Accounts, s.services.Sessions = nil, nil })
	for _, c := range []call{
		{method: "POST", target: "/api/users", body: `{}`},
		{method: "GET", target: "/api/users"},
		{method: "GET", target: "/api/users/alice"},
		{method: "POST", target: "/api/contacts/sync", body: `{}`},
		{method: "POST", target: "/api/login", body: `{}`},
		{method: "POST", target: "/api/logout"},
		{method: "POST", target: "/api/password", body: `{}`},
	} {
		if got := c.do(t, newClient(t, nil), base); got.status != http.StatusNotFound {
			t.Errorf("%s %s without accounts = %d %s, want 404", c.method, c.target, got.status, got.body)
		}
	}
}

// TestTokensThatOutlastDeletions are warned of, and others are not.
func TestTokensThatOutlastDeletions(t *testing.T) {
	t.Parallel()
	for lasts, warnings := range map[time.Duration]int{15 * time.Minute: 0, 24 * time.Hour: 1} {
		log := &lines{}
		config := Config{HTTPAddr: "127.0.0.1:0", Auth: authOn, AccessTokenTTL: lasts, Token: token.Config{AuthSecret: authSecret}}
		server, err := Listen(config, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, newLog(log))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = server.listener.Close() }()
		if got := log.with("level=WARN", "access tokens live longer than deletions"); len(got) != warnings {
			t.Errorf("with tokens of %v the log says %q, want %d warnings", lasts, got, warnings)
		}
	}
}
