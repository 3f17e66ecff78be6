package live

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Wait is a forward pull that waits for the first message at or past the cursor, for as long as wait, until ctx ends or
// the server is about to stop. Then it returns an empty page.
func (h *Hub) Wait(ctx context.Context, r chat.PullRequest, wait time.Duration) (chat.Page, error) {
	id, err := chat.ParseID(r.Chat)
	if err != nil {
		return chat.Page{}, err
	}
	w := &waiter{cursor: r.Cursor, woken: make(chan struct{}, 1)}
	var t *topic
	if err := h.join(id, w, &t); err != nil { // before the pull, so that nothing falls between
		return chat.Page{}, err
	}
	defer h.leave(t, w)
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		page, err := t.page(ctx, place{r.Chat, r.Cursor, r.Limit})
		if err != nil || len(page.Messages) > 0 {
			return pageOf(page), err
		}
		for !t.ahead(r.Cursor, page.seen) {
			select {
			case <-w.woken:
				continue
			case <-over.C:
			case <-h.draining:
			case <-ctx.Done():
			}
			return page.Page, nil
		}
	}
}

func pageOf(p *Page) chat.Page {
	if p == nil {
		return chat.Page{}
	}
	return p.Page
}

// waiter is a listener that is there for one page.
type waiter struct {
	cursor int64
	woken  chan struct{} // one element
}

func (w *waiter) hint(position int64) {
	if position < w.cursor {
		return
	}
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

func (*waiter) tell(chat.Event)   {}
func (*waiter) presence(*Present) {}
