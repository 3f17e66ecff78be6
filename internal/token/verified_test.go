package token

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestVerifiedTokensExpire: a token that was good a moment ago is refused in the second in which it expires, also by the
// Keys that remember it.
func TestVerifiedTokensExpire(t *testing.T) {
	keys := keysOf(t, secretA, noon)
	text := forUser(t, keys)
	for _, c := range []struct {
		after time.Duration
		want  chat.Code
	}{{0, ""}, {0, ""}, {time.Minute - time.Second, ""}, {time.Minute, chat.TokenExpired}, {time.Minute, chat.TokenExpired}, {time.Hour, chat.TokenExpired}} {
		keys.now = func() time.Time { return noon.Add(c.after) }
		got, err := keys.Verify(text)
		if chat.CodeOf(err) != c.want || (err == nil) != (got.User == "alice") {
			t.Errorf("Verify() after %v = %+v, %v; want %q", c.after, got, err, c.want)
		}
	}
}

// TestVerifiedTokensGoWithTheirKey: a valid token is refused as soon as its key is gone, and valid again with the key.
func TestVerifiedTokensGoWithTheirKey(t *testing.T) {
	name := filepath.Join(t.TempDir(), "keys")
	write(t, name, secretA)
	f, err := readFile(name, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	keys := newKeys(f.Get)
	text := forUser(t, keys)
	for i, step := range []struct {
		content string
		want    chat.Code
	}{
		{secretA, ""}, {secretA + "\n" + secretB, ""}, {secretB + "\n" + secretA, ""}, {secretB, chat.TokenInvalid}, {secretA, ""},
	} {
		write(t, name, step.content)
		f.Refresh()
		for range 2 {
			if _, err := keys.Verify(forUser(t, keys)); err != nil { // the new key's, which is remembered from now on
				t.Errorf("step %d: Verify() of a new token = %v", i, err)
			}
			if _, err := keys.Verify(text); chat.CodeOf(err) != step.want {
				t.Errorf("step %d: Verify() with the keys %q = %v, want %q", i, step.content, err, step.want)
			}
		}
	}
}

// TestVerifiedTokensAreToldApart: each token has its own entry, and a refused token stays refused.
func TestVerifiedTokensAreToldApart(t *testing.T) {
	keys := keysOf(t, secretA, noon)
	service, err := keys.ForService("alice", time.Minute)
	mustSign(t, service, err)
	user := forUser(t, keys)
	forged := user[:len(user)-2] + map[bool]string{true: "AA", false: "QQ"}[user[len(user)-2:] != "AA"]
	for range 2 {
		if got, err := keys.Verify(user); err != nil || got.Service || got.Session != "session" {
			t.Errorf("Verify(a user's) = %+v, %v", got, err)
		}
		if got, err := keys.Verify(service); err != nil || !got.Service {
			t.Errorf("Verify(a service's) = %+v, %v", got, err)
		}
		if got, err := keys.Verify(forged); chat.CodeOf(err) != chat.TokenInvalid {
			t.Errorf("Verify(a forged one) = %+v, %v; want token_invalid", got, err)
		}
	}
	if known := keys.verified.callers.Len(); known != 2 {
		t.Errorf("%d tokens are remembered, want the two good ones", known)
	}
}

// TestVerifiedTokensAreBounded: many tokens at once, from many requests; all are good, and no more are remembered than may be.
func TestVerifiedTokensAreBounded(t *testing.T) {
	keys := keysOf(t, secretA, noon)
	var asking sync.WaitGroup
	for part := range 4 {
		asking.Go(func() {
			for i := range maxVerified/4 + 100 {
				user := fmt.Sprintf("u%d.%d", part, i)
				text, err := keys.ForUser(user, "session", time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				for range 2 {
					if got, err := keys.Verify(text); err != nil || got.User != user {
						t.Errorf("Verify(the token of %s) = %+v, %v", user, got, err)
					}
				}
			}
		})
	}
	asking.Wait()
	if known := keys.verified.callers.Len(); known != maxVerified {
		t.Errorf("%d tokens are remembered, want %d", known, maxVerified)
	}
}

// TestKnownTokensAreLookedUp: a known token is not verified again.
func TestKnownTokensAreLookedUp(t *testing.T) {
	keys := keysOf(t, secretA, noon)
	text := forUser(t, keys)
	if _, err := keys.Verify(text); err != nil {
		t.Fatal(err)
	}
	if allocated := testing.AllocsPerRun(100, func() { _, _ = keys.Verify(text) }); allocated > 1 {
		t.Errorf("Verify() of a known token allocates %v times, want it looked up", allocated)
	}
}

func BenchmarkVerify(b *testing.B) {
	keys, err := FromSecret(secretA)
	if err != nil {
		b.Fatal(err)
	}
	text, err := keys.ForUser("alice", "session", time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			_, _ = keys.Verify(text)
		}
	})
	b.Run("unknown", func(b *testing.B) {
		for b.Loop() {
			_, _ = keys.verify(text, keys.source())
		}
	})
}
