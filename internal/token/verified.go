package token

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pullchat/pullchat/internal/chat"
)

// maxVerified tokens are remembered, those that were used last: some megabytes.
const maxVerified = 16384

// verified caches the users of valid tokens, by the tokens' SHA-256. A verification takes twenty times as long as a
// lookup, and a client sends the same token for minutes. Its entries hold only for the keys that verified them: other
// keys start with an empty cache.
type verified struct {
	mutex   sync.Mutex
	with    []key
	callers *simplelru.LRU[[sha256.Size]byte, chat.Caller]
}

func newVerified() *verified {
	callers, _ := simplelru.NewLRU[[sha256.Size]byte, chat.Caller](maxVerified, nil) // the only error is a size of 0
	return &verified{callers: callers}
}

// caller returns whose a token is, unless that is not known or the token has expired.
func (v *verified) caller(token [sha256.Size]byte, with []key, now time.Time) (chat.Caller, bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if !v.isWith(with) {
		return chat.Caller{}, false
	}
	known, found := v.callers.Get(token)
	if found && !now.Before(known.Expires) {
		v.callers.Remove(token)
		return chat.Caller{}, false
	}
	return known, found
}

// add remembers a token that was good with these keys.
func (v *verified) add(token [sha256.Size]byte, with []key, c chat.Caller) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if !v.isWith(with) {
		v.callers.Purge()
		v.with = with
	}
	v.callers.Add(token, c)
}

// isWith says whether these are the same keys, and not only alike: those that were read again are others.
func (v *verified) isWith(keys []key) bool {
	return len(keys) == len(v.with) && &keys[0] == &v.with[0]
}
