package projection

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/pullchat/pullchat/internal/chat"
)

// waiting is a source whose pulls wait.
type waiting struct {
	Source
	release chan struct{}
}

func (w waiting) Pull(ctx context.Context, _ chat.PullRequest) (chat.Page, error) {
	select {
	case <-w.release:
		return chat.Page{Messages: make([]chat.Message, 2)}, nil
	case <-ctx.Done():
		return chat.Page{}, ctx.Err()
	}
}

// TestSharedPage: projections that share a page get it also when the projection that asked for it stops.
func TestSharedPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pages{source: waiting{release: make(chan struct{})}}
		first, stop := context.WithCancel(t.Context())
		go func() { _, _ = p.pull(first, "room", 1) }()
		synctest.Wait()
		got := make(chan error, 1)
		go func() {
			page, err := p.pull(t.Context(), "room", 1)
			if err == nil && page.Len() != 2 {
				t.Errorf("the page has %d messages, want 2", page.Len())
			}
			got <- err
		}()
		synctest.Wait()
		stop()
		synctest.Wait()
		close(p.source.(waiting).release)
		if err := <-got; err != nil {
			t.Errorf("the page is %v", err)
		}
	})
}
