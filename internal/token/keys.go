package token

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
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
	return newKeys(func() []key { return keys }), nil
}

// FromFile returns the Keys of AUTH_KEY_FILE: one secret in each line, of which the first signs. The file is read again
// when it changes; what cannot be used leaves the old keys.
func FromFile(name string, log *slog.Logger) (*Keys, error) {
	f := &file{name: name, log: log, now: time.Now}
	f.checked = f.now()
	if err := f.read(); err != nil {
		return nil, err
	}
	return newKeys(f.get), nil
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

// fileCheck is how often a file is looked at, at most.
const fileCheck = time.Second

// file has the keys of a file as it is, or as it was when it could last be used.
type file struct {
	name string
	log  *slog.Logger
	now  func() time.Time

	mutex   sync.Mutex
	keys    []key
	tried   os.FileInfo // the file that was tried last; nil where there was none
	checked time.Time
}

func (f *file) get() []key {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if now := f.now(); now.Sub(f.checked) >= fileCheck {
		f.checked = now
		f.refresh()
	}
	return f.keys
}

// refresh reads a file that has changed since it was tried last, so that a broken one gives one warning.
func (f *file) refresh() {
	info, err := os.Stat(f.name)
	if err != nil {
		info = nil
	}
	if same(info, f.tried) {
		return
	}
	if err := f.read(); err != nil {
		f.log.Warn("the new keys cannot be used; the old ones stay", "error", err)
		return
	}
	f.log.Info("the keys were read again", "file", f.name)
}

func (f *file) read() error {
	f.tried = nil
	if info, err := os.Stat(f.name); err == nil {
		f.tried = info
	}
	text, err := os.ReadFile(f.name)
	if err != nil {
		return err
	}
	keys, err := parse(strings.Split(string(text), "\n"))
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	f.keys = keys
	return nil
}

func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
