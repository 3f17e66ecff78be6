package password

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The maxima for the parameters of a stored hash: it is checked before use.
const (
	maxMemory  = 1 << 20 // 1 GiB
	maxPasses  = 64
	maxThreads = 64
)

// parse is the reverse of format.
func parse(hash string) (p Parameters, salt, derived []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, nil, nil, errors.New("a stored password is no argon2id hash")
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, fmt.Errorf("a stored password is of another version of argon2: %q", parts[2])
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads); err != nil ||
		p.Memory > maxMemory || p.Passes < 1 || p.Passes > maxPasses || p.Threads < 1 || p.Threads > maxThreads {
		return p, nil, nil, fmt.Errorf("a stored password has invalid parameters: %q", parts[3])
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	derived, hashErr := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err := errors.Join(saltErr, hashErr); err != nil || len(derived) != hashBytes {
		return p, nil, nil, fmt.Errorf("a stored password is cut off or changed: %w", err)
	}
	return p, salt, derived, nil
}

// Locked returns the hash of no password: every login with it fails.
func Locked() string {
	salt, derived := make([]byte, saltBytes), make([]byte, hashBytes)
	_, _ = rand.Read(salt) // never fails
	_, _ = rand.Read(derived)
	return format(recommended, salt, derived)
}
