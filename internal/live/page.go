package live

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Bounds of a topic's cache.
const (
	maxPages     = 8
	maxPageBytes = 32 << 10
)

// page reads a page from a cursor. Followers at the same place share one pull and its page. A woken follower takes the
// messages of hints, if it lacks nothing else. woken is false for a follower's first page, and after a failure.
func (t *topic) page(ctx context.Context, at place, woken bool) (*Page, error) {
	kept, seen := t.kept(at)
	if kept == nil && woken {
		kept = t.brought(at)
	}
	if kept != nil {
		return kept, nil
	}
	// A pull that began before the last hint may lack its message, so followers share a pull only for one position.
	read, err, _ := t.pulls.Do(at.key(seen), func() (any, error) {
		if kept, _ := t.kept(at); kept != nil { // cached by a pull that has ended since
			return kept, nil
		}
		began := time.Now()
		pulled, err := t.hub.log.Pull(t.hub.admission.asService(context.WithoutCancel(ctx)), chat.PullRequest{Chat: at.name, Cursor: at.cursor, Limit: at.limit})
		if err != nil {
			return nil, err
		}
		page := &Page{Page: pulled, Chat: at.name, at: at, seen: seen, read: began}
		if t.keep(page) {
			t.hub.warms(t)
		}
		return page, nil
	})
	if err != nil {
		return nil, err
	}
	return read.(*Page), nil //nolint:errcheck // created above
}

// kept returns the cached page of a place, or nil, and the topic's number of changes.
func (t *topic) kept(at place) (page *Page, changes int64) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, p := range t.pages {
		if p.at == at && time.Since(p.read) < t.hub.config.PageLasts {
			return p, t.changes
		}
	}
	return nil, t.changes
}

// keep caches the page if other followers may want it, and reports whether it did.
func (t *topic) keep(p *Page) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.share(p)
}

// share is keep while the mutex is held.
func (t *topic) share(p *Page) bool {
	if len(p.Messages) == 0 || len(t.listeners) < 2 {
		return false
	}
	t.pages = append(t.pages, p)
	size := 0
	for i, page := range slices.Backward(t.pages) {
		size += page.size()
		if kept := len(t.pages) - i; kept > maxPages || kept > 1 && size > maxPageBytes {
			t.pages = append([]*Page(nil), t.pages[i+1:]...)
			break
		}
	}
	return true
}

// keepsSince drops pages and a tail from before a time. It reports whether some are left.
func (t *topic) keepsSince(oldest time.Time) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.pages = slices.DeleteFunc(t.pages, func(p *Page) bool { return p.read.Before(oldest) })
	if len(t.pages) == 0 {
		t.pages = nil
	}
	if t.tail != nil && t.tail.came.Before(oldest) {
		t.tail = nil
	}
	return t.pages != nil || t.tail != nil
}

// place is the start and the maximum length of a page.
type place struct {
	name   string // the follower's name for the chat
	cursor int64
	limit  int64
}

// key identifies a pull of a topic after a number of changes.
func (p place) key(changes int64) string {
	key := strconv.AppendInt(append([]byte(p.name), ' '), p.cursor, 10)
	key = strconv.AppendInt(append(key, ' '), p.limit, 10)
	return string(strconv.AppendInt(append(key, ' '), changes, 10))
}

// Page is a page of a chat for its followers. It is shared, and must not be changed.
type Page struct {
	chat.Page
	Chat string // the follower's name for the chat

	at      place
	seen    int64 // the topic's number of changes before the pull
	read    time.Time
	once    sync.Once
	encoded []byte
}

// without returns the page without messages of ignored users: the same page if it has none.
func (p *Page) without(ignored map[string]bool) *Page {
	ignores := func(m chat.Message) bool { return m.Head().Hidden(ignored) }
	if !slices.ContainsFunc(p.Messages, ignores) {
		return p
	}
	left := &Page{Page: p.Page, Chat: p.Chat, at: p.at, seen: p.seen, read: p.read}
	left.Messages = slices.DeleteFunc(slices.Clone(p.Messages), ignores)
	return left
}

// Encoded returns encode's result for the page, which is computed once for all followers that share the page.
func (p *Page) Encoded(encode func(*Page) []byte) []byte {
	p.once.Do(func() { p.encoded = encode(p) })
	return p.encoded
}

// size estimates the page's memory.
func (p *Page) size() (bytes int) {
	for i := range p.Messages {
		bytes += 100 + len(p.Messages[i].Text)
	}
	return bytes
}
