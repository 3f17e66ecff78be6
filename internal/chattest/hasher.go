package chattest

import (
	"context"
	"strings"
	"sync/atomic"
)

// PlainHasher is a chat.Hasher that costs nothing, hides nothing, and counts.
type PlainHasher struct {
	Generation       string // hashes of another one are weak
	Hashes, Verifies atomic.Int64
}

// Hash implements chat.Hasher.
func (h *PlainHasher) Hash(_ context.Context, password string) (string, error) {
	h.Hashes.Add(1)
	return "plain" + h.Generation + "$" + password, nil
}

// Verify implements chat.Hasher.
func (h *PlainHasher) Verify(_ context.Context, password, hash string) (right, weak bool, err error) {
	h.Verifies.Add(1)
	generation, known, found := strings.Cut(hash, "$")
	return found && known == password, found && generation != "plain"+h.Generation, nil
}
