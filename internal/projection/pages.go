package projection

import (
	"context"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/pullchat/pullchat/internal/chat"
)

// pages shares the reads of projections: those with the same cursor read a page once. It keeps the pages of two ticks.
type pages struct {
	source Source
	asking singleflight.Group

	mutex          sync.Mutex
	recent, before map[string]chat.Page
}

// pullLimit is how many messages a page has at most. The server may allow fewer.
const pullLimit = 100

// pull returns the page of a chat from a position on.
func (p *pages) pull(ctx context.Context, name string, from int64) (chat.Page, error) {
	key := name + " " + strconv.FormatInt(from, 10)
	if page, known := p.known(key); known {
		return page, nil
	}
	result, err, _ := p.asking.Do(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callWithin) // other projections share the page, and go on when this one stops
		defer cancel()
		page, err := p.source.Pull(ctx, chat.PullRequest{Chat: name, Cursor: from, Limit: pullLimit})
		if err == nil && page.Len() > 1 { // more than the event that its reader knows already
			p.keep(key, page)
		}
		return page, err
	})
	if err != nil {
		return chat.Page{}, err
	}
	page, _ := result.(chat.Page)
	return page, nil
}

func (p *pages) known(key string) (chat.Page, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	page, known := p.recent[key]
	if !known {
		page, known = p.before[key]
	}
	return page, known
}

func (p *pages) keep(key string, page chat.Page) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.recent == nil {
		p.recent = map[string]chat.Page{}
	}
	p.recent[key] = page
}

// turn forgets the pages of the tick before the last.
func (p *pages) turn() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.recent, p.before = nil, p.recent
}
