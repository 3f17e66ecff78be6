package token

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pullchat/pullchat/internal/reload"
)

// minSecretBytes is the least that HS256 wants (RFC 7518, 3.2).
const minSecretBytes = 32

// maxKeys at once: one that signs, and one whose tokens have not all expired yet.
const maxKeys = 2

type key struct {
	id     string // the token's kid
	secret []byte
}

// FromSecret returns the Keys of AUTH_SECRET: one secret, or two with a comma between, of which the first signs.
func FromSecret(secret string) (*Keys, error) {
	keys, err := parse(strings.Split(secret, ","))
	if err != nil {
		return nil, err
	}
	current := new(atomic.Pointer[[]key])
	current.Store(&keys)
	k := newKeys(func() []key { return *current.Load() })
	k.secret = current
	return k, nil
}

// Reload takes the secrets of a configuration that Check accepts, or reads the file again if it has changed. A configuration
// with the keys in another place changes nothing: that needs a restart.
func (k *Keys) Reload(c Config) {
	if k.file != nil {
		k.file.Refresh()
	}
	if k.secret == nil {
		return
	}
	next, err := parse(strings.Split(c.AuthSecret, ","))
	if err == nil && !slices.EqualFunc(next, k.source(), func(a, b key) bool { return bytes.Equal(a.secret, b.secret) }) {
		k.secret.Store(&next)
	}
}

// FromFile returns the Keys of AUTH_KEY_FILE: one secret in each line, of which the first signs. The file is read again
// when it changes; an invalid file leaves the old keys.
func FromFile(name string, log *slog.Logger) (*Keys, error) {
	f, err := readFile(name, log)
	if err != nil {
		return nil, err
	}
	k := newKeys(f.Get)
	k.file = f
	return k, nil
}

func readFile(name string, log *slog.Logger) (*reload.Value[[]key], error) {
	return reload.New(log, "key file", func() ([]key, error) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		keys, err := parse(strings.Split(string(text), "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return keys, nil
	}, name)
}

// parse leaves out blank lines and the space around secrets. Its errors do not quote them.
func parse(secrets []string) ([]key, error) {
	var keys []key
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		if secret == "" {
			continue
		}
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("a secret has %d bytes; it needs %d at least (openssl rand -base64 32 makes a good one)", len(secret), minSecretBytes)
		}
		sum := sha256.Sum256([]byte(secret))
		keys = append(keys, key{id: hex.EncodeToString(sum[:4]), secret: []byte(secret)})
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("there is no secret")
	case len(keys) > maxKeys:
		return nil, fmt.Errorf("there are %d secrets; %d at most: the one that signs, and the one before it", len(keys), maxKeys)
	case len(keys) == maxKeys && keys[0].id == keys[1].id:
		return nil, errors.New("the two secrets are the same")
	}
	return keys, nil
}
