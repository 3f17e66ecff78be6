package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// pollWait is how long a server waits for a message before it answers that there is none.
const pollWait = 25 * time.Second

var errCutShort = errors.New("the server no longer waits")

// polled is the answer to one poll.
type polled struct {
	chat string
	page Page
}

// poll follows with a long-poll for each chat.
func (f *following) poll(ctx context.Context, s *server) *failure {
	pages, failures := make(chan polled), make(chan *failure, len(f.cursors))
	var chats sync.WaitGroup
	defer chats.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for chat, cursor := range f.cursors {
		chats.Go(func() { failures <- f.pollChat(ctx, s, PullRequest{Chat: chat, Cursor: cursor}, pages) })
	}
	for {
		select {
		case p := <-pages:
			f.accepted(s)
			if failed := f.page(s, told{Chat: p.chat, Page: p.page}); failed != nil {
				return failed
			}
		case failed := <-failures:
			return failed
		}
	}
}

// pollChat sends the pulled pages to the follower. The first pull does not wait, so that it is soon known whether the
// server answers.
func (f *following) pollChat(ctx context.Context, s *server, r PullRequest, to chan<- polled) *failure {
	for {
		var page Page
		asked := time.Now()
		if failed := f.client.attempt(ctx, r.request(), s, &page); failed != nil {
			return failed
		}
		waited := r.Wait > 0 && time.Since(asked) >= r.Wait-time.Second
		select {
		case to <- polled{r.Chat, page}:
		case <-ctx.Done():
			return &failure{err: ctx.Err()}
		}
		switch {
		case len(page.Messages) == 0 && r.Wait > 0 && !waited: // it stops, or knows no waiting
			return &failure{err: errCutShort, passes: true}
		case len(page.Messages) > 0 && !page.HasMore:
			if err := sleep(ctx, f.request.Batch); err != nil {
				return &failure{err: err}
			}
		}
		r.Cursor, r.Wait = max(r.Cursor, page.NextCursor), pollWait
	}
}
