// Package password hashes and verifies passwords with argon2id, a few at a time. Each takes 19 MB and some tens of
// milliseconds, and the server must store messages meanwhile.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/pullchat/pullchat/internal/chat"
)

// Parameters of a hash, as RFC 9106 names them.
type Parameters struct {
	Memory  uint32 // m, in KiB
	Passes  uint32 // t
	Threads uint8  // p
}

// recommended by OWASP's Password Storage Cheat Sheet for argon2id, among others.
var recommended = Parameters{Memory: 19456, Passes: 2, Threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
)

// waiting is how many calls may wait in each queue for each one that runs. waitAtMost is the longest wait
// with the hash itself: an rpc-server's callers give up after 1.7 s, and Redis is asked before and after.
const (
	waiting    = 32
	waitAtMost = time.Second
)

// Hasher is a chat.Hasher. It is safe for concurrent use.
type Hasher struct {
	parameters Parameters
	derive     func(password, salt []byte, p Parameters) []byte
	line       *line
	wait       time.Duration
	unknown    string // a hash that no password has
}

var _ chat.Hasher = (*Hasher)(nil)

// New returns a Hasher with the recommended parameters. It uses half of the processors, so that logins leave CPU for
// messages.
func New() *Hasher {
	return newHasher(recommended, max(1, runtime.GOMAXPROCS(0)/2), argon2id)
}

func newHasher(p Parameters, running int, derive func(password, salt []byte, p Parameters) []byte) *Hasher {
	return &Hasher{
		parameters: p, derive: derive,
		line: newLine(running, running*waiting), wait: waitAtMost,
		unknown: format(p, make([]byte, saltBytes), make([]byte, hashBytes)),
	}
}

func argon2id(password, salt []byte, p Parameters) []byte {
	return argon2.IDKey(password, salt, p.Passes, p.Memory, p.Threads, hashBytes)
}

// Hash implements chat.Hasher. The hash is in the PHC string format, which names its parameters.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: on an error it ends the process
	hash, err := h.make(ctx, password, salt, h.parameters)
	if err != nil {
		return "", err
	}
	return format(h.parameters, salt, hash), nil
}

// Verify implements chat.Hasher.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (right, weak bool, err error) {
	known := hash != ""
	if !known {
		hash = h.unknown
	}
	p, salt, want, err := parse(hash)
	if err != nil {
		return false, false, err
	}
	got, err := h.make(ctx, password, salt, p)
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(got, want) == 1 && known
	return right, p != h.parameters, nil
}

// make waits for its turn and derives a hash.
func (h *Hasher) make(ctx context.Context, password string, salt []byte, p Parameters) ([]byte, error) {
	if !h.line.enter(ctx, chat.HashPurposeOf(ctx), h.wait) {
		return nil, errBusy()
	}
	began := time.Now()
	defer func() { h.line.leave(time.Since(began)) }()
	return h.derive([]byte(password), salt, p), nil
}

func errBusy() error {
	return chat.Errorf(chat.Unavailable, "too many passwords are being checked at once; try again")
}

// format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash, in base64 without padding
// (github.com/P-H-C/phc-string-format).
func format(p Parameters, salt, hash []byte) string {
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Threads, text(salt), text(hash))
}
