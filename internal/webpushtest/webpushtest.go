// Package webpushtest plays the browser of Web Push in tests: it makes the keys of a subscription, and decrypts the
// notifications.
package webpushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Device is a browser that has subscribed.
type Device struct {
	key  *ecdh.PrivateKey
	auth []byte
}

// NewDevice returns a Device with keys of its own.
func NewDevice(t testing.TB) *Device {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &Device{key: key, auth: make([]byte, 16)}
	_, _ = rand.Read(d.auth) // it never fails
	return d
}

// P256DH is the public key of the subscription, base64url.
func (d *Device) P256DH() string {
	return base64.RawURLEncoding.EncodeToString(d.key.PublicKey().Bytes())
}

// Auth is the secret of the subscription, base64url.
func (d *Device) Auth() string { return base64.RawURLEncoding.EncodeToString(d.auth) }

// Decrypt returns the text of a push message: RFC 8188 with the keys of RFC 8291.
func (d *Device) Decrypt(body []byte) ([]byte, error) {
	if len(body) < 21+65 || body[20] != 65 || len(body) > 4096 {
		return nil, fmt.Errorf("%d bytes are not a message", len(body))
	}
	salt, sender, sealed := body[:16], body[21:86], body[86:]
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := d.key.ECDH(public)
	if err != nil {
		return nil, err
	}
	derive := func(secret, salt []byte, info string, size int) []byte {
		key, deriveErr := hkdf.Key(sha256.New, secret, salt, info, size)
		err = errors.Join(err, deriveErr)
		return key
	}
	ikm := derive(shared, d.auth, "WebPush: info\x00"+string(d.key.PublicKey().Bytes())+string(sender), 32)
	key := derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce := derive(ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	padded, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(padded), "\x00")
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("the last record has no end")
	}
	return []byte(strings.TrimSuffix(text, "\x02")), nil
}
