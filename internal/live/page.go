package live

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Bounds of a chat's cache.
const (
	maxPages     = 8
	maxPageBytes = 32 << 10
)

// page reads a page from a cursor. Followers at the same place share one pull and its page. A woken follower takes the
// messages of hints, if it lacks nothing else. woken is false for a follower's first page, and after a failure.
func (c *followedChat) page(ctx context.Context, at pageRequest, woken bool) (*Page, error) {
	kept, seen := c.kept(at)
	if kept == nil && woken {
		kept = c.brought(at)
	}
	if kept != nil {
		return kept, nil
	}
	// A pull that began before the last hint may lack its message, so followers share a pull only for one position.
	read, err, _ := c.pulls.Do(at.key(seen), func() (any, error) {
		if kept, _ := c.kept(at); kept != nil { // cached by a pull that has ended since
			return kept, nil
		}
		began := time.Now()
		pulled, err := c.hub.log.Pull(c.hub.admission.asService(context.WithoutCancel(ctx)), chat.PullRequest{Chat: at.name, Cursor: at.cursor, Limit: at.limit})
		if err != nil {
			return nil, err
		}
		page := &Page{Page: pulled, Chat: at.name, at: at, seen: seen, read: began}
		if c.keep(page) {
			c.hub.warms(c)
		}
		return page, nil
	})
	if err != nil {
		return nil, err
	}
	return read.(*Page), nil //nolint:errcheck // created above
}

// kept returns the cached page for a request, or nil, and the chat's number of changes.
func (c *followedChat) kept(at pageRequest) (page *Page, changes int64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, p := range c.pages {
		if p.at == at && time.Since(p.read) < c.hub.config.PageLasts {
			return p, c.changes
		}
	}
	return nil, c.changes
}

// keep caches the page if other followers may want it, and reports whether it did.
func (c *followedChat) keep(p *Page) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.share(p)
}

// share is keep while the mutex is held.
func (c *followedChat) share(p *Page) bool {
	if len(p.Messages) == 0 || len(c.listeners) < 2 {
		return false
	}
	c.pages = append(c.pages, p)
	size := 0
	for i, page := range slices.Backward(c.pages) {
		size += page.size()
		if kept := len(c.pages) - i; kept > maxPages || kept > 1 && size > maxPageBytes {
			c.pages = append([]*Page(nil), c.pages[i+1:]...)
			break
		}
	}
	return true
}

// keepsSince drops pages and a tail from before a time. It reports whether some are left.
func (c *followedChat) keepsSince(oldest time.Time) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.pages = slices.DeleteFunc(c.pages, func(p *Page) bool { return p.read.Before(oldest) })
	if len(c.pages) == 0 {
		c.pages = nil
	}
	if c.tail != nil && c.tail.came.Before(oldest) {
		c.tail = nil
	}
	return c.pages != nil || c.tail != nil
}

// pageRequest is the start and the maximum length of a page.
type pageRequest struct {
	name   string // the follower's name for the chat
	cursor int64
	limit  int64
}

// key identifies a pull of a chat after a number of changes.
func (p pageRequest) key(changes int64) string {
	key := strconv.AppendInt(append([]byte(p.name), ' '), p.cursor, 10)
	key = strconv.AppendInt(append(key, ' '), p.limit, 10)
	return string(strconv.AppendInt(append(key, ' '), changes, 10))
}

// Page is a page of a chat for its followers. It is shared, and must not be changed.
type Page struct {
	chat.Page
	Chat string // the follower's name for the chat

	at      pageRequest
	seen    int64 // the chat's number of changes before the pull
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
