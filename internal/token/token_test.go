package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	secretA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	secretB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func keysOf(t *testing.T, secret string, now time.Time) *Keys {
	t.Helper()
	keys, err := FromSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	keys.now = func() time.Time { return now }
	return keys
}

func mustSign(t *testing.T, text string, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func forUser(t *testing.T, k *Keys) string {
	t.Helper()
	text, err := k.ForUser("alice", "session", time.Minute)
	return mustSign(t, text, err)
}

func TestWhoATokenIsOf(t *testing.T) {
	keys := keysOf(t, secretA, noon)
	want := chat.Caller{User: "alice", Session: "session", Expires: noon.Add(time.Minute)}
	if got, err := keys.Verify(forUser(t, keys)); err != nil || got.User != want.User || got.Session != want.Session || got.Service || !got.Expires.Equal(want.Expires) {
		t.Errorf("Verify(a user's) = %+v, %v; want %+v", got, err, want)
	}
	text, err := keys.ForService("worker", time.Hour)
	if got, err := keys.Verify(mustSign(t, text, err)); err != nil || got.User != "worker" || !got.Service || got.Session != "" {
		t.Errorf("Verify(a service's) = %+v, %v; want worker, which acts for any user", got, err)
	}
}

func TestTokensExpire(t *testing.T) {
	text := forUser(t, keysOf(t, secretA, noon))
	for after, want := range map[time.Duration]chat.Code{
		0: "", time.Minute - time.Second: "", time.Minute: chat.TokenExpired, time.Hour: chat.TokenExpired, -time.Hour: "",
	} {
		if _, err := keysOf(t, secretA, noon.Add(after)).Verify(text); chat.CodeOf(err) != want {
			t.Errorf("Verify() after %v = %v, want %q", after, err, want)
		}
	}
	// An expired token that is also forged is not told to refresh.
	if _, err := keysOf(t, secretB, noon.Add(time.Hour)).Verify(text); chat.CodeOf(err) != chat.TokenInvalid {
		t.Errorf("Verify() of another key's token after its time = %v, want token_invalid", err)
	}
}

// TestKeysChange: tokens of the first key stay valid while the key is there, also as the second.
func TestKeysChange(t *testing.T) {
	before := keysOf(t, secretA, noon)
	both := keysOf(t, secretB+", "+secretA, noon)
	after := keysOf(t, secretB, noon)
	for _, c := range []struct {
		signs, verifies *Keys
		want            chat.Code
	}{
		{before, both, ""}, {both, both, ""}, {both, after, ""}, {before, after, chat.TokenInvalid}, {both, before, chat.TokenInvalid},
	} {
		if _, err := c.verifies.Verify(forUser(t, c.signs)); chat.CodeOf(err) != c.want {
			t.Errorf("Verify() while keys change = %v, want %q", err, c.want)
		}
	}
}

// forge makes a token by hand, with anything in it.
func forge(t *testing.T, header, claims map[string]any, secret string) string {
	t.Helper()
	encode := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	unsigned := encode(header) + "." + encode(claims)
	hash := sha256.New
	if header["alg"] == "HS384" {
		hash = sha512.New384 // as one who knows the secret would sign
	}
	mac := hmac.New(hash, []byte(secret))
	mac.Write([]byte(unsigned))
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestForgedTokens(t *testing.T) {
	keys := keysOf(t, secretA, noon)
	kid := keys.source()[0].id
	header := func(changes ...any) map[string]any {
		return with(map[string]any{"alg": "HS256", "typ": "JWT", "kid": kid}, changes...)
	}
	good := map[string]any{"iss": "pullchat", "sub": "alice", "sid": "session", "iat": noon.Unix(), "exp": noon.Unix() + 60}
	claims := func(changes ...any) map[string]any { return with(good, changes...) }
	if _, err := keys.Verify(forge(t, header(), claims(), secretA)); err != nil {
		t.Fatalf("Verify(the good one) = %v; the others prove nothing", err)
	}
	signed := forge(t, header(), claims(), secretA)
	parts := strings.Split(signed, ".")
	last := map[bool]string{true: "A", false: "E"}[!strings.HasSuffix(signed, "A")]
	for name, text := range map[string]string{
		"nothing":               "",
		"text":                  "let me in",
		"dots":                  "..",
		"alg none":              forge(t, header("alg", "none"), claims(), secretA),
		"alg none, unsigned":    strings.Join(strings.Split(forge(t, header("alg", "none"), claims(), secretA), ".")[:2], ".") + ".",
		"alg HS384":             forge(t, header("alg", "HS384"), claims(), secretA),
		"alg RS256":             forge(t, header("alg", "RS256"), claims(), secretA),
		"another secret":        forge(t, header(), claims(), secretB),
		"no signature":          parts[0] + "." + parts[1] + ".",
		"other claims":          parts[0] + "." + strings.Split(forge(t, header(), claims("sub", "bob"), secretA), ".")[1] + "." + parts[2],
		"another signature":     signed[:len(signed)-1] + last,
		"bits that say nothing": signed[:len(signed)-1] + unused(signed[len(signed)-1]),
		"no kid":                forge(t, header("kid", nil), claims(), secretA),
		"an unknown kid":        forge(t, header("kid", "00000000"), claims(), secretA),
		"a kid that is none":    forge(t, header("kid", 7), claims(), secretA),
		"another issuer":        forge(t, header(), claims("iss", "another"), secretA),
		"another, expired":      forge(t, header(), claims("iss", "another", "exp", noon.Unix()-1), secretA),
		"no issuer":             forge(t, header(), claims("iss", nil), secretA),
		"no end":                forge(t, header(), claims("exp", nil), secretA),
		"no subject":            forge(t, header(), claims("sub", nil), secretA),
		"no session":            forge(t, header(), claims("sid", nil), secretA),
		"an unknown scope":      forge(t, header(), claims("scope", "admin"), secretA),
		"a scope that is none":  forge(t, header(), claims("scope", []string{"service"}), secretA),
		"an end that is a text": forge(t, header(), claims("exp", "tomorrow"), secretA),
	} {
		got, err := keys.Verify(text)
		if chat.CodeOf(err) != chat.TokenInvalid || got != (chat.Caller{}) {
			t.Errorf("Verify(%s) = %+v, %v; want nobody and token_invalid", name, got, err)
		}
	}
}

// unused is another last character for the same bytes: 32 bytes take 42 characters and two thirds of one.
func unused(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, last)^1:][:1]
}

// with returns a map with changes: names and values, nil to leave one out.
func with(base map[string]any, changes ...any) map[string]any {
	changed := maps.Clone(base)
	for i := 0; i < len(changes); i += 2 {
		name := changes[i].(string)
		if changes[i+1] == nil {
			delete(changed, name)
			continue
		}
		changed[name] = changes[i+1]
	}
	return changed
}

func TestSecrets(t *testing.T) {
	for _, c := range []struct{ secret, want string }{
		{secretA, ""},
		{secretA + "," + secretB, ""},
		{" " + secretA + " , ", ""},
		{secretA[1:], "a secret has 31 bytes; it needs 32 at least"},
		{secretA + ",short", "a secret has 5 bytes"},
		{secretA + "," + secretB + "," + secretA + "c", "there are 3 secrets"},
		{secretA + "," + secretA, "the two secrets are the same"},
		{"", "there is no secret"},
		{" , ", "there is no secret"},
	} {
		got := ""
		if _, err := FromSecret(c.secret); err != nil {
			got = err.Error()
		}
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || strings.Contains(got, "aaaa") {
			t.Errorf("FromSecret(%q) = %q, want %q and no secret in it", c.secret, got, c.want)
		}
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreReadAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	if _, err := FromFile(name, logger); err == nil {
		t.Error("FromFile(no file) = nil, want an error")
	}
	write(t, name, "short\n")
	if _, err := FromFile(name, logger); err == nil {
		t.Error("FromFile(a short secret) = nil, want an error")
	}
	write(t, name, secretA+"\n")
	f, err := readFile(name, logger)
	if err != nil {
		t.Fatal(err)
	}
	first := func() string {
		f.Refresh()
		return string(f.Get()[0].secret)
	}
	for _, step := range []struct{ content, want, logs string }{
		{secretB + "\n\n" + secretA + "\n", secretB, "read again"},
		{"short", secretB, "cannot be used"},
		{"", secretB, "cannot be used"},
		{secretA, secretA, "read again"},
	} {
		log.Reset()
		write(t, name, step.content)
		if got := first(); got != step.want || !strings.Contains(log.String(), step.logs) {
			t.Errorf("with %q the first key is %q and the log %q, want %q and %q", step.content, got, &log, step.want, step.logs)
		}
		log.Reset()
		if first(); log.Len() > 0 {
			t.Errorf("a file that has not changed is logged: %s", &log)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	for range 3 {
		if got := first(); got != secretA {
			t.Errorf("without the file the key is %q, want it to stay", got)
		}
	}
	if warned := strings.Count(log.String(), "cannot be used"); warned != 1 {
		t.Errorf("that the file is gone is logged %d times, want once: %s", warned, &log)
	}
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	write(t, file, secretA)
	for name, c := range map[string]struct {
		config Config
		keys   bool
		want   string
	}{
		"nothing":        {Config{}, false, ""},
		"a secret":       {Config{AuthSecret: secretA}, true, ""},
		"a file":         {Config{AuthKeyFile: file}, true, ""},
		"both":           {Config{AuthSecret: secretA, AuthKeyFile: file}, false, "exclude each other"},
		"a short secret": {Config{AuthSecret: "short"}, false, "--auth-secret: a secret has 5 bytes"},
		"no file":        {Config{AuthKeyFile: file + ".none"}, false, "auth-key-file: "},
	} {
		keys, err := c.config.Keys(slog.New(slog.DiscardHandler))
		if (keys != nil) != c.keys || (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Keys(%s) = %v, %v; want keys %v, %q", name, keys, err, c.keys, c.want)
		}
	}
}
