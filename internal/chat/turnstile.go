package chat

import "context"

// turnstile lets the changes of one message pass one by one, so that those of one server never meet at the store. Other
// messages may share its way.
type turnstile []chan struct{}

func newTurnstile() turnstile {
	ways := make(turnstile, 64)
	for i := range ways {
		ways[i] = make(chan struct{}, 1)
	}
	return ways
}

// enter waits for the message's turn. The caller calls leave at its end.
func (t turnstile) enter(ctx context.Context, id ID, position int64) (leave func(), err error) {
	at := uint64(position)
	for _, c := range []byte(id.canonical) {
		at = at*31 + uint64(c)
	}
	way := t[at%uint64(len(t))]
	select {
	case way <- struct{}{}:
		return func() { <-way }, nil
	case <-ctx.Done():
		return nil, Wrap(ctx.Err(), Unavailable, "too many requests change this message at once; nothing was changed, try again")
	}
}
