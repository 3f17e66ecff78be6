package history

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Recorder makes calls and keeps what came of them. It is safe for concurrent use.
type Recorder struct {
	began time.Time

	mutex   sync.Mutex
	history History
}

// NewRecorder begins a recording.
func NewRecorder() *Recorder { return &Recorder{began: time.Now()} }

// Send makes one attempt.
func (r *Recorder) Send(ctx context.Context, client int, service chat.Service, m chat.Message) Send {
	s := Send{Client: client, Call: time.Since(r.began), Message: m}
	receipt, err := service.Send(ctx, m)
	s.Return = time.Since(r.began)
	s.Outcome, s.Err = OutcomeOf(err), err
	if err == nil {
		s.Message.SendTime, s.Duplicate = receipt.SendTime, receipt.Duplicate
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.history.Sends = append(r.history.Sends, s)
	return s
}

// Pull makes one pull. follows says that it continues where the client's last one ended.
func (r *Recorder) Pull(ctx context.Context, client int, service chat.Service, request chat.PullRequest, follows bool) (chat.Page, error) {
	p := Pull{Client: client, Call: time.Since(r.began), Request: request, Follows: follows}
	page, err := service.Pull(ctx, request)
	if err != nil {
		return chat.Page{}, err
	}
	p.Return, p.Page = time.Since(r.began), page
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.history.Pulls = append(r.history.Pulls, p)
	return page, nil
}

// Finish reads every chat that was sent to, forward and in reverse, as a client with the given number, and returns
// the history. All other clients have ended.
func (r *Recorder) Finish(ctx context.Context, client int, service chat.Service) (History, error) {
	logs := make(map[string][]chat.Message)
	for _, s := range r.history.Sends {
		logs[s.Message.Chat] = nil
	}
	for name := range logs {
		log, err := r.read(ctx, client, service, chat.PullRequest{Chat: name, Limit: 100})
		if err != nil {
			return History{}, fmt.Errorf("read %s: %w", name, err)
		}
		logs[name] = log
		if _, err := r.read(ctx, client, service, chat.PullRequest{Chat: name, Limit: 100, Reverse: true}); err != nil {
			return History{}, fmt.Errorf("read %s in reverse: %w", name, err)
		}
	}
	r.history.Logs = logs
	return r.history, nil
}

func (r *Recorder) read(ctx context.Context, client int, service chat.Service, request chat.PullRequest) ([]chat.Message, error) {
	var messages []chat.Message
	for {
		page, err := r.Pull(ctx, client, service, request, false)
		if err != nil {
			return nil, err
		}
		messages = append(messages, page.Messages...)
		if !page.HasMore {
			return messages, nil
		}
		request.Cursor = page.NextCursor
	}
}
