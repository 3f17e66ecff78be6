package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/token"
)

const audience = "pullchat-api"

// bed is a Provider in front of a real provider, whose keys can be replaced, and which can be away.
type bed struct {
	*Provider
	t      *testing.T
	issuer *mockoidc.MockOIDC
	reads  atomic.Int64
	away   atomic.Bool
	extra  atomic.Pointer[jose.JSONWebKey] // also published
	now    atomic.Int64                    // seconds beyond the real time
	began  time.Time

	mutex      sync.Mutex
	registered []chat.Registration
	refuse     error
}

func newBed(t *testing.T, change func(*Config)) *bed {
	t.Helper()
	issuer, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = issuer.Shutdown() })
	b := &bed{began: time.Now(), t: t, issuer: issuer}
	published := httptest.NewServer(http.HandlerFunc(b.publish))
	t.Cleanup(published.Close)
	config := Config{JWKSURL: published.URL, Issuer: issuer.Issuer(), Audience: audience, UserClaim: "sub", Passwords: "on"}
	if change != nil {
		change(&config)
	}
	if err := config.Check(); err != nil {
		t.Fatal(err)
	}
	keys := newKeySet(config.JWKSURL, slog.New(slog.DiscardHandler))
	keys.now = b.time
	b.Provider = newProvider(config, b.register, keys, b.time)
	t.Cleanup(b.Close)
	return b
}

// time is the test's own clock: a slow machine must not let a limit pass.
func (b *bed) time() time.Time { return b.began.Add(time.Duration(b.now.Load()) * time.Second) }

// publish answers with the provider's own keys, and with the extra one.
func (b *bed) publish(w http.ResponseWriter, _ *http.Request) {
	b.reads.Add(1)
	if b.away.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	own, err := b.issuer.Keypair.JWKS()
	var set jose.JSONWebKeySet
	if err == nil {
		err = json.Unmarshal(own, &set)
	}
	if err != nil {
		b.t.Error(err)
	}
	if extra := b.extra.Load(); extra != nil {
		set.Keys = append(set.Keys, extra.Public())
	}
	_ = json.NewEncoder(w).Encode(set)
}

func (b *bed) register(_ context.Context, r chat.Registration) (chat.Account, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.registered = append(b.registered, r)
	return chat.Account{User: r.User}, b.refuse
}

// claims are those of a good token, with changes.
func (b *bed) claims(changes jwt.MapClaims) jwt.MapClaims {
	claims := jwt.MapClaims{"iss": b.issuer.Issuer(), "aud": audience, "sub": "ann", "name": "Ann A.", "exp": b.time().Add(time.Hour).Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func (b *bed) sign(changes jwt.MapClaims) string {
	b.t.Helper()
	text, err := b.issuer.Keypair.SignJWT(b.claims(changes))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bed) want(what, text string, code chat.Code) {
	b.t.Helper()
	by, err := b.Provider.Verify(b.t.Context(), text)
	if chat.CodeOf(err) != code || code == "" && (by.User != "ann" || by.Service || by.Session != "") {
		b.t.Errorf("Verify(%s) = %+v, %v; want ann or %q", what, by, err, code)
	}
}

// rotate gives the provider another key.
func (b *bed) rotate() {
	b.t.Helper()
	pair, err := mockoidc.RandomKeypair(2048)
	if err != nil {
		b.t.Fatal(err)
	}
	b.issuer.Keypair = pair
}

func TestTokens(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	hour := time.Hour
	for what, c := range map[string]struct {
		changes jwt.MapClaims
		want    chat.Code
	}{
		"a good token":             {nil, ""},
		"one of several audiences": {jwt.MapClaims{"aud": []string{"other", audience}}, ""},
		"another audience":         {jwt.MapClaims{"aud": "other"}, chat.TokenInvalid},
		"no audience":              {jwt.MapClaims{"aud": nil}, chat.TokenInvalid},
		"another issuer":           {jwt.MapClaims{"iss": "https://evil.example"}, chat.TokenInvalid},
		"an expired token":         {jwt.MapClaims{"exp": b.time().Add(-time.Second).Unix()}, chat.TokenExpired},
		"no expiry":                {jwt.MapClaims{"exp": nil}, chat.TokenExpired},
		"a token of tomorrow":      {jwt.MapClaims{"nbf": b.time().Add(hour).Unix()}, chat.TokenInvalid},
		"no user":                  {jwt.MapClaims{"sub": ""}, chat.TokenInvalid},
		"a number for a user":      {jwt.MapClaims{"sub": 7}, chat.TokenInvalid},
	} {
		b.want(what, b.sign(c.changes), c.want)
	}
	good := b.sign(nil)
	b.want("a changed token", good[:len(good)-8]+"AAAAAAAA", chat.TokenInvalid)
	b.want("no token", "", chat.TokenInvalid)
	b.want("an endless token", strings.Repeat("a", maxTokenBytes+1), chat.TokenInvalid)
	unsigned, _ := jwt.NewWithClaims(jwt.SigningMethodNone, b.claims(nil)).SignedString(jwt.UnsafeAllowNoneSignatureType)
	b.want("a token without a signature", unsigned, chat.TokenInvalid)
	public, _ := b.issuer.Keypair.JWKS()
	confused, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, b.claims(nil)).SignedString(public)
	b.want("an HMAC with the public key", confused, chat.TokenInvalid)
	if n := b.reads.Load(); n != 1 {
		t.Errorf("the provider's keys were read %d times, want once", n)
	}
}

// TestES256: keys of several kinds are published, and of kinds that are not known.
func TestES256(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b.extra.Store(&jose.JSONWebKey{Key: private, KeyID: "ec", Algorithm: "ES256", Use: "sig"})
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, b.claims(nil))
	unsigned.Header["kid"] = "ec"
	text, err := unsigned.SignedString(private)
	if err != nil {
		t.Fatal(err)
	}
	b.want("a token with ES256", text, "")
	b.want("a token with RS256", b.sign(nil), "")
	delete(unsigned.Header, "kid")
	if text, err = unsigned.SignedString(private); err != nil {
		t.Fatal(err)
	}
	b.want("a token that names no key", text, "")
	unsigned.Header["kid"] = "none"
	if text, err = unsigned.SignedString(private); err != nil {
		t.Fatal(err)
	}
	b.want("a token that names another key", text, chat.TokenInvalid)
}

// TestRotation: a new key is good at once, and a removed one soon is not. Tokens with unknown keys do not have the keys
// read again and again.
func TestRotation(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	old := b.sign(nil)
	b.want("a token", old, "")
	b.rotate()
	fresh := b.sign(nil)
	b.want("a token of a new key, moments later", fresh, chat.TokenInvalid)
	b.now.Add(int64(fetchPause / time.Second))
	b.want("a token of a new key", fresh, "")
	b.want("a token that was good before", old, "")
	for range 20 {
		b.rotate()
		b.want("a token of an unknown key", b.sign(nil), chat.TokenInvalid)
	}
	if n := b.reads.Load(); n != 2 {
		t.Errorf("the keys were read %d times, want 2", n)
	}
	b.now.Add(60)
	b.want("a token whose key was removed, a minute later", old, chat.TokenInvalid)
}

// TestProviderAway: known keys stay good. Nothing can be said of tokens of other keys.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	b.away.Store(true)
	b.want("a token before any key is known", b.sign(nil), chat.Unavailable)
	b.away.Store(false)
	b.now.Add(int64(fetchPause / time.Second))
	b.want("a token once the provider is back", b.sign(nil), "")
	b.away.Store(true)
	b.now.Add(int64(2 * keysLast / time.Second))
	b.want("a token of a known key", b.sign(nil), "")
	b.keys.reads.Wait() // the reading in the background, which fails
	b.want("another token of a known key", b.sign(jwt.MapClaims{"jti": "2"}), "")
	b.rotate()
	b.now.Add(int64(fetchPause / time.Second))
	b.want("a token of an unknown key", b.sign(nil), chat.Unavailable)
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	text := b.sign(nil)
	b.want("a token", text, "")
	b.want("the token again", text, "")
	b.want("another one", b.sign(jwt.MapClaims{"jti": "2"}), "")
	want := chat.Registration{User: "ann", Name: "Ann A.", External: true}
	if len(b.registered) != 1 || b.registered[0] != want {
		t.Errorf("registered %+v, want once %+v", b.registered, want)
	}
	b.now.Add(int64(accountsLast / time.Second))
	for _, code := range []chat.Code{chat.Conflict, chat.InvalidArgument} {
		b.refuse = chat.Errorf(code, "user ann was deleted")
		b.want("a token of a user with "+string(code), text, chat.TokenInvalid)
	}
	b.refuse = chat.Errorf(chat.Unavailable, "redis is away")
	b.want("a token while the account cannot be read", text, chat.Unavailable)
	b.refuse = nil
	b.want("a token when it can", text, "")
}

func TestUserClaim(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.UserClaim = "email" })
	b.want("a token without an email", b.sign(nil), chat.TokenInvalid)
	b.want("an unverified email", b.sign(jwt.MapClaims{"email": "ann"}), chat.TokenInvalid)
	b.want("a verified email", b.sign(jwt.MapClaims{"email": "ann", "email_verified": true, "sub": "other"}), "")
}

// TestOver: tokens of the server itself are accepted beside those of the provider.
func TestOver(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	keys, err := token.FromSecret(strings.Repeat("s", 32))
	if err != nil {
		t.Fatal(err)
	}
	own, err := keys.ForService("backend", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	verify := b.Over(keys.Verify)
	if by, err := verify(t.Context(), own); err != nil || !by.Service {
		t.Errorf("the server's own token is of %+v, %v", by, err)
	}
	if by, err := verify(t.Context(), b.sign(nil)); err != nil || by.User != "ann" || by.Service {
		t.Errorf("the provider's token is of %+v, %v", by, err)
	}
	service := b.sign(jwt.MapClaims{"scope": "service"})
	if by, err := verify(t.Context(), service); err != nil || by.Service {
		t.Errorf("a token of the provider with a scope is of %+v, %v; want a user", by, err)
	}
	if _, err := b.Over(nil)(t.Context(), own); chat.CodeOf(err) != chat.TokenInvalid {
		t.Errorf("a token with an HMAC, without keys: %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := Config{JWKSURL: "https://id.example/keys", Issuer: "https://id.example", Audience: audience, UserClaim: "sub", Passwords: "on"}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"good":                   {func(*Config) {}, ""},
		"loopback":               {func(c *Config) { c.JWKSURL = "http://127.0.0.1:8080/keys" }, ""},
		"nothing":                {func(c *Config) { *c = Config{Passwords: "on"} }, ""},
		"http":                   {func(c *Config) { c.JWKSURL = "http://id.example/keys" }, "use https"},
		"no URL":                 {func(c *Config) { c.JWKSURL = "id.example" }, "no URL"},
		"no issuer":              {func(c *Config) { c.Issuer = "" }, "--auth-issuer"},
		"no audience":            {func(c *Config) { c.Audience = "" }, "--auth-audience"},
		"no keys":                {func(c *Config) { c.JWKSURL = "" }, "--auth-jwks-url"},
		"no passwords, no other": {func(c *Config) { *c = Config{Passwords: "off"} }, "no user can log in"},
	} {
		config := good
		c.change(&config)
		if err := config.Check(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Check() = %v, want %q", name, err, c.want)
		}
	}
}

// FuzzVerify: no text of a token is accepted but the provider's, and none crashes.
func FuzzVerify(f *testing.F) {
	keys := newKeySet("http://127.0.0.1:1", slog.New(slog.DiscardHandler))
	keys.fetch = func() ([]jose.JSONWebKey, error) { return nil, nil }
	f.Cleanup(keys.close)
	p := newProvider(Config{Issuer: "x", Audience: "x", UserClaim: "sub"}, nil, keys, time.Now)
	f.Add([]byte("eyJhbGciOiJSUzI1NiJ9.e30.AAAA"))
	f.Add(bytes.Repeat([]byte("."), 5))
	f.Fuzz(func(t *testing.T, text []byte) {
		if by, err := p.Over(nil)(t.Context(), string(text)); err == nil {
			t.Errorf("Verify(%q) = %+v", text, by)
		}
	})
}
