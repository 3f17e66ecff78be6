package live

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// Wait is a forward pull that waits for the first message at or past the cursor. It returns an empty page after wait, when
// ctx ends, or when the server is about to stop. If the caller's token expires first, the error is ErrExpired.
func (h *Hub) Wait(ctx context.Context, r chat.PullRequest, wait time.Duration) (chat.Page, error) {
	id, err := chat.ParseID(r.Chat)
	if err != nil {
		return chat.Page{}, err
	}
	w := &waiter{cursor: r.Cursor, woken: make(chan struct{}, 1), asked: h.admission.asked != nil}
	var c *followedChat
	if err := h.join(id, w, &c); err != nil { // before the pull, so that nothing falls between
		return chat.Page{}, err
	}
	defer h.leave(c, w)
	by, _ := chat.CallerOf(ctx)
	if err := h.admission.enter(ctx, by, id, r.Chat); err != nil {
		return chat.Page{}, err
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	expired := expiry(by)
	defer expired.Stop()
	if r.Reader != "" {
		return h.waitAs(ctx, c, w, r, over.C, expired.C)
	}
	for woken := false; ; woken = true {
		if Expired(by) {
			return chat.Page{}, ErrExpired
		}
		page, err := c.page(ctx, pageRequest{r.Chat, r.Cursor, r.Limit}, woken)
		if err == nil && (page.mayRevoke(by.User) || w.doubted.Swap(false)) {
			err = h.admission.enter(ctx, by, id, r.Chat)
		}
		if err == nil && woken && len(page.Messages) > 0 {
			err = h.admission.good(ctx, by)
		}
		if err != nil {
			return chat.Page{}, err
		}
		if len(page.Messages) > 0 {
			return page.Page, nil
		}
		for !c.ahead(r.Cursor, page.seen) && !w.doubted.Load() {
			select {
			case <-w.woken:
				continue
			case <-expired.C:
				return chat.Page{}, ErrExpired
			case <-over.C:
			case <-h.draining:
			case <-ctx.Done():
			}
			return page.Page, nil
		}
	}
}

// waitAs is Wait for a reader. The pulls are not shared, because readers ignore different users. Each pull checks the
// reader's access.
func (h *Hub) waitAs(ctx context.Context, c *followedChat, w *waiter, r chat.PullRequest, over, expired <-chan time.Time) (chat.Page, error) {
	by, _ := chat.CallerOf(ctx)
	for {
		if Expired(by) {
			return chat.Page{}, ErrExpired
		}
		w.doubted.Store(false)
		seen := c.seen()
		page, err := h.log.Pull(ctx, r)
		if err != nil || page.Len() > 0 {
			return page, err
		}
		r.Cursor, r.Unread = page.NextCursor, false // past hidden messages
		if page.HasMore {
			continue
		}
		for !c.ahead(r.Cursor, seen) && !w.doubted.Load() {
			select {
			case <-w.woken:
				continue
			case <-expired:
				return chat.Page{}, ErrExpired
			case <-over:
			case <-h.draining:
			case <-ctx.Done():
			}
			return page, nil
		}
	}
}

// expiry returns a timer for the expiry of a caller's token; without an expiry it never fires.
func expiry(by chat.Caller) *time.Timer {
	if by.Expires.IsZero() {
		return time.NewTimer(math.MaxInt64)
	}
	return time.NewTimer(time.Until(by.Expires))
}

// waiter is a listener that is there for one page.
type waiter struct {
	cursor  int64
	woken   chan struct{} // one element
	doubted atomic.Bool   // a user may have lost access to the chat
	asked   bool          // the access is checked
}

func (w *waiter) hint(position int64) {
	if position >= w.cursor {
		w.look()
	}
}

func (w *waiter) look() { events.Ring(w.woken) }

func (w *waiter) tell(e chat.Event) {
	if e.Kind != chat.MembersChanged || !w.asked {
		return
	}
	w.doubted.Store(true)
	w.look()
}

func (*waiter) presence(*Present) {}

// maxWait is the longest wait and the longest batch.
const maxWait = time.Minute

// ParseDuration reads the wait of a pull or the batch of a follow, such as "25s". "" is 0. name is the client's name
// for it.
func ParseDuration(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, chat.Errorf(chat.InvalidArgument, "%s is not a time with its unit, like 25s or 500ms", name)
	case d < 0 || d > maxWait:
		return 0, chat.Errorf(chat.InvalidArgument, "%s is %v; it must be between 0s and 60s", name, d)
	}
	return d, nil
}
