package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	keysLast      = 15 * time.Minute // until they are read again, so that a key which the provider has removed ends
	fetchPause    = 10 * time.Second // between two readings, whatever key ids tokens name
	fetchTimeout  = 5 * time.Second
	maxKeyBytes   = 1 << 20
	maxKeys       = 100
	maxTokenBytes = 16 << 10
)

// algorithms are those of a provider's tokens. A token cannot choose another one.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256}

// errNoKey is the error for a token that none of the provider's keys has signed.
var errNoKey = errors.New("the token's key is not a key of the provider")

// keySet verifies signatures with the keys that a provider publishes (RFC 7517). It reads them when a token names a key that
// it does not know, at most once in fetchPause, and again in the background when they are old. While the provider is away,
// the known keys stay good. It implements oidc.KeySet.
type keySet struct {
	url   string
	log   *slog.Logger
	now   func() time.Time
	fetch func() ([]jose.JSONWebKey, error)
	stop  func()         // ends a fetch
	reads sync.WaitGroup // under way

	mutex   sync.Mutex
	keys    []jose.JSONWebKey
	read    time.Time     // when keys were read
	tried   time.Time     // when the latest reading began
	failed  error         // of the latest reading, or nil
	reading chan struct{} // closed when the reading under way has ended; nil: none is under way
}

func newKeySet(url string, log *slog.Logger) *keySet {
	ctx, stop := context.WithCancel(context.Background())
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}, Timeout: fetchTimeout}
	fetch := func() ([]jose.JSONWebKey, error) { return fetchKeys(ctx, client, url) }
	return &keySet{url: url, log: log, now: time.Now, fetch: fetch, stop: stop}
}

// close ends a reading that is under way, and waits for its end.
func (k *keySet) close() {
	k.stop()
	k.reads.Wait()
}

// VerifySignature returns the payload of a token. The error is errNoKey, another fault of the token, or Unavailable if the
// keys cannot be read.
func (k *keySet) VerifySignature(ctx context.Context, text string) ([]byte, error) {
	token, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return nil, err
	}
	if len(token.Signatures) != 1 {
		return nil, errors.New("the token does not have one signature")
	}
	candidates, err := k.find(ctx, token.Signatures[0].Header)
	if err != nil {
		return nil, err
	}
	for i := range candidates {
		if payload, err := token.Verify(&candidates[i]); err == nil {
			return payload, nil
		}
	}
	return nil, errNoKey
}

// find returns the keys that may have signed a token: not none.
func (k *keySet) find(ctx context.Context, header jose.Header) ([]jose.JSONWebKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	found := matching(k.keys, header)
	old, paused := k.now().Sub(k.read) >= keysLast, k.now().Sub(k.tried) < fetchPause
	if k.reading == nil && !paused && (old || len(found) == 0) {
		k.begin()
	}
	if len(found) > 0 {
		return found, nil
	}
	if reading := k.reading; reading != nil {
		k.mutex.Unlock()
		select {
		case <-reading:
		case <-ctx.Done():
		}
		k.mutex.Lock()
		found = matching(k.keys, header)
	}
	switch {
	case len(found) > 0:
		return found, nil
	case k.failed != nil:
		return nil, chat.Wrap(k.failed, chat.Unavailable, "the keys of the identity provider cannot be read; try again")
	case ctx.Err() != nil:
		return nil, chat.Wrap(ctx.Err(), chat.Unavailable, "the keys of the identity provider cannot be read in time; try again")
	}
	return nil, errNoKey
}

// matching returns the keys of the header's key id, or all where it has none.
func matching(keys []jose.JSONWebKey, header jose.Header) (found []jose.JSONWebKey) {
	for _, key := range keys {
		if (header.KeyID == "" || key.KeyID == header.KeyID) && (key.Algorithm == "" || key.Algorithm == header.Algorithm) {
			found = append(found, key)
		}
	}
	return found
}

// begin reads the keys in the background. The mutex is held.
func (k *keySet) begin() {
	k.reading, k.tried = make(chan struct{}), k.now()
	k.reads.Go(func() {
		keys, err := k.fetch()
		k.mutex.Lock()
		defer k.mutex.Unlock()
		k.failed = err
		if err == nil {
			k.keys, k.read = keys, k.now()
		} else {
			k.log.Warn("the keys of the identity provider cannot be read; the known keys stay valid", "url", k.url, "known", len(k.keys), "error", err)
		}
		close(k.reading)
		k.reading = nil
	})
}

// fetchKeys returns the provider's keys for signatures.
func fetchKeys(ctx context.Context, client *http.Client, url string) ([]jose.JSONWebKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the provider answers %s", response.Status)
	}
	var all struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxKeyBytes)).Decode(&all); err != nil {
		return nil, fmt.Errorf("the provider's keys are no JSON Web Key Set: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range all.Keys[:min(len(all.Keys), maxKeys)] {
		var key jose.JSONWebKey
		// A set may have keys of kinds that are not used here (RFC 7517, 5).
		if err := json.Unmarshal(raw, &key); err == nil && key.IsPublic() && key.Use != "enc" {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the provider publishes no public key for signatures")
	}
	return keys, nil
}
