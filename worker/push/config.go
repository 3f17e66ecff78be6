package push

import (
	"crypto/ecdh"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config is the configuration of push notifications. Kong reads it.
type Config struct {
	VAPIDPrivateKey string `name:"vapid-private-key" env:"VAPID_PRIVATE_KEY" secret:"" placeholder:"KEY" help:"Private key that signs Web Push requests; pullchat vapid makes one. Empty: no Web Push."`
	VAPIDSubject    string `name:"vapid-subject" env:"VAPID_SUBJECT" placeholder:"MAIL|URL" help:"Contact of the operator for push services: a mail address or an https URL. Needed with VAPID_PRIVATE_KEY."`

	FCMKeyFile  string `name:"fcm-key-file" env:"FCM_KEY_FILE" placeholder:"FILE" help:"Key of a service account for Firebase Cloud Messaging (FCM), in JSON. Empty: no FCM."`
	FCMEndpoint string `name:"fcm-endpoint" env:"FCM_ENDPOINT" default:"https://fcm.googleapis.com" placeholder:"URL" help:"URL of FCM."`

	PushText    string         `name:"push-text" env:"PUSH_TEXT" default:"on" enum:"on,off" placeholder:"on|off" help:"Whether notifications contain the text of messages."`
	PushTTL     time.Duration  `name:"push-ttl" env:"PUSH_TTL" default:"24h" placeholder:"DURATION" help:"How long after a message a notification may still be sent."`
	PushUrgency string         `name:"push-urgency" env:"PUSH_URGENCY" default:"high" enum:"very-low,low,normal,high" placeholder:"LEVEL" help:"The urgency of notifications: ${enum}."`
	PushAbsent  time.Duration  `name:"push-absent" env:"PUSH_ABSENT" default:"3s" placeholder:"DURATION" help:"How long after the last message of a burst the worker looks for absent members who have not read it."`
	PushAllow   []netip.Prefix `name:"push-allow" env:"PUSH_ALLOW" placeholder:"CIDR,..." help:"Private networks in which endpoints may be."`

	Notified func(kind, outcome string) `kong:"-"` // counts the outcome of a notification; nil: it is not counted

	Roots *x509.CertPool `kong:"-"` // sign the certificates of push services; nil means the system's
}

// Validate names every value that cannot work. Kong calls it.
func (c Config) Validate() error {
	switch {
	case c.PushTTL < time.Second || c.PushTTL > 28*24*time.Hour:
		return fmt.Errorf("--push-ttl is %s; it must be from 1s to 672h", c.PushTTL)
	case c.PushAbsent < 0 || c.PushAbsent > time.Minute:
		return fmt.Errorf("--push-absent is %s; it must be from 0s to 1m", c.PushAbsent)
	}
	if _, err := c.vapid(); err != nil {
		return err
	}
	if u, err := url.Parse(c.FCMEndpoint); err != nil || u.Host == "" {
		return errors.New("--fcm-endpoint is not a URL")
	}
	return nil
}

// vapid is the identity of a sender in Web Push (RFC 8292).
type vapid struct{ public, private, subject string }

// vapid returns the identity, or nil without a key.
func (c Config) vapid() (*vapid, error) {
	if c.VAPIDPrivateKey == "" {
		return nil, nil //nolint:nilnil // there may be none
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(c.VAPIDPrivateKey, "="))
	if err != nil {
		return nil, errors.New("--vapid-private-key is not base64url; pullchat vapid makes a key")
	}
	key, err := ecdh.P256().NewPrivateKey(raw)
	if err != nil {
		return nil, errors.New("--vapid-private-key is no key of P-256; pullchat vapid makes one")
	}
	subject := strings.TrimPrefix(c.VAPIDSubject, "mailto:")
	if !strings.HasPrefix(subject, "https://") && (!strings.Contains(subject, "@") || strings.ContainsAny(subject, " \r\n")) {
		return nil, errors.New("--vapid-subject is neither a mail address nor an https URL")
	}
	encode := base64.RawURLEncoding.EncodeToString
	return &vapid{public: encode(key.PublicKey().Bytes()), private: encode(raw), subject: subject}, nil
}

// NewVAPID returns a new pair of keys, as VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY have them.
func NewVAPID(generate func() (*ecdh.PrivateKey, error)) (public, private string, err error) {
	key, err := generate()
	if err != nil {
		return "", "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode(key.PublicKey().Bytes()), encode(key.Bytes()), nil
}

// serviceAccount is the key file of a service account, as far as it matters.
type serviceAccount struct {
	Type         string `json:"type"`
	Project      string `json:"project_id"`
	Email        string `json:"client_email"`
	PrivateKey   string `json:"private_key"`
	PrivateKeyID string `json:"private_key_id"`
	TokenURL     string `json:"token_uri"`
}

// account reads the key file of FCM; nil without one.
func (c Config) account() (*serviceAccount, error) {
	if c.FCMKeyFile == "" {
		return nil, nil //nolint:nilnil // there may be none
	}
	text, err := os.ReadFile(c.FCMKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--fcm-key-file: %w", err)
	}
	account := &serviceAccount{}
	if err := json.Unmarshal(text, account); err != nil {
		return nil, errors.New("--fcm-key-file is not JSON")
	}
	if account.Type != "service_account" || account.Project == "" || account.Email == "" || account.PrivateKey == "" || account.TokenURL == "" {
		return nil, errors.New("--fcm-key-file is no key of a service account: type, project_id, client_email, private_key and token_uri are needed")
	}
	return account, nil
}
