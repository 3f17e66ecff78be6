package password

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cheap parameters keep tests fast.
var cheap = Parameters{Memory: 8, Passes: 1, Threads: 1}

func TestHashAndVerify(t *testing.T) {
	h := newHasher(cheap, 2, argon2id)
	one, err := h.Hash(t.Context(), "correct horse")
	other, otherErr := h.Hash(t.Context(), "correct horse")
	if err != nil || otherErr != nil || one == other || !strings.HasPrefix(one, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("Hash() = %q, %v, and %q, %v; want two PHC strings that differ", one, err, other, otherErr)
	}
	for _, c := range []struct {
		password, hash string
		right, weak    bool
	}{
		{"correct horse", one, true, false},
		{"correct horse", other, true, false},
		{"wrong horse", one, false, false},
		{"", one, false, false},
		{"", "", false, false},
		{"correct horse", "", false, false},
	} {
		if right, weak, err := h.Verify(t.Context(), c.password, c.hash); right != c.right || weak != c.weak || err != nil {
			t.Errorf("Verify(%q, %q) = %v, %v, %v; want %v, %v", c.password, c.hash, right, weak, err, c.right, c.weak)
		}
	}
	stronger := newHasher(Parameters{Memory: 16, Passes: 1, Threads: 1}, 2, argon2id)
	if right, weak, err := stronger.Verify(t.Context(), "correct horse", one); !right || !weak || err != nil {
		t.Errorf("Verify() of an older hash = %v, %v, %v; want right and weak", right, weak, err)
	}
}

// TestAKnownHash checks the output of the reference implementation's command line: echo -n password | argon2 somesalt
// -id -t 2 -m 16 -p 1.
func TestAKnownHash(t *testing.T) {
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if right, weak, err := New().Verify(t.Context(), "password", known); !right || !weak || err != nil {
		t.Errorf("Verify() = %v, %v, %v; want right, by other parameters", right, weak, err)
	}
}

// TestUnknownUsersCostTheSame: one derivation with the same parameters, with and without a hash.
func TestUnknownUsersCostTheSame(t *testing.T) {
	var with []Parameters
	h := newHasher(recommended, 1, func(_, _ []byte, p Parameters) []byte {
		with = append(with, p)
		return make([]byte, hashBytes)
	})
	known, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{known, ""} {
		with = nil
		if _, _, err := h.Verify(t.Context(), "x", hash); err != nil || len(with) != 1 || with[0] != recommended {
			t.Errorf("Verify(%q) derives with %v, %v; want once, as recommended", hash, with, err)
		}
	}
	if right, _, err := h.Verify(t.Context(), "x", ""); right || err != nil { // even where the derived key equals the dummy's
		t.Errorf("Verify() of an unknown user = %v, %v; want no", right, err)
	}
}

func TestHashesThatAreNone(t *testing.T) {
	h := newHasher(cheap, 1, argon2id)
	good, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for name, hash := range map[string]string{
		"text":            "correct horse",
		"another kind":    strings.Replace(good, "argon2id", "argon2i", 1),
		"another version": strings.Replace(good, "v=19", "v=16", 1),
		"too much memory": strings.Replace(good, "m=8", "m=99999999", 1),
		"no pass":         strings.Replace(good, "t=1", "t=0", 1),
		"no thread":       strings.Replace(good, "p=1", "p=0", 1),
		"no parameters":   strings.Replace(good, "m=8,", "", 1),
		"cut off":         good[:len(good)-4],
		"too few parts":   good[:strings.LastIndexByte(good, '$')],
		"not base64":      good[:len(good)-4] + "!!!!",
	} {
		if right, _, err := h.Verify(t.Context(), "correct horse", hash); right || chat.CodeOf(err) != chat.Internal || strings.Contains(err.Error(), "horse") {
			t.Errorf("Verify(%s) = %v, %v; want an internal error that does not quote it", name, right, err)
		}
	}
}

// TestABoundedQueue: a few calls run, some wait, and the rest is rejected at once.
func TestABoundedQueue(t *testing.T) {
	const running = 2
	var now, most atomic.Int64
	hold := make(chan struct{})
	began := make(chan struct{}, running*(waiting+1))
	h := newHasher(cheap, running, func(_, _ []byte, _ Parameters) []byte {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		began <- struct{}{}
		<-hold
		now.Add(-1)
		return make([]byte, hashBytes)
	})
	results := make(chan error, running*(waiting+1))
	h.wait = time.Hour // no call is rejected for waiting too long
	hash := func(ctx context.Context) {
		_, err := h.Hash(ctx, "x")
		results <- err
	}
	for range running {
		go hash(t.Context())
	}
	for range running {
		<-began
	}
	gone, leave := context.WithCancel(t.Context())
	go hash(gone) // a call that waits and gives up
	leave()
	if err := <-results; chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Hash() of who gives up = %v, want unavailable", err)
	}
	h.line.queues[chat.HashToLogIn] = make([]chan struct{}, running*waiting) // the limit of waiting calls
	if _, err := h.Hash(t.Context(), "x"); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Hash() of one too many = %v, want unavailable", err)
	}
	h.line.queues[chat.HashToLogIn] = nil
	close(hold)
	for range running {
		if err := <-results; err != nil {
			t.Errorf("Hash() = %v, want nil", err)
		}
	}
	if _, err := h.Hash(t.Context(), "x"); err != nil || most.Load() != running || h.line.free != running {
		t.Errorf("Hash() afterwards = %v, %d at once, %d slots; want nil, %d, %d", err, most.Load(), h.line.free, running, running)
	}
}

func BenchmarkHash(b *testing.B) {
	h := New()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}
