package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tmaxmax/go-sse"
)

// stream follows over server-sent events.
func (f *following) stream(parent context.Context, s *server, token string) *failure {
	ctx, guard, release := f.guard(parent)
	defer release()
	r, err := f.streamRequest(ctx, s)
	if err != nil {
		return &failure{err: err}
	}
	authorize(r.Header, token)
	response, err := f.client.lasting.Do(r)
	if err != nil {
		return guard.broken(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		if err != nil {
			return guard.broken(ctx, err)
		}
		return answered(s, &answer{response.StatusCode, response.Status, response.Header, body})
	}
	guard.answered()
	f.accepted(s)
	// Text before the end without an empty line is half an event, which the parser would yield after io.EOF.
	body := heard{whole{response.Body}, guard}
	for event, err := range sse.Read(body, &sse.ReadConfig{MaxEventSize: maxEvent}) {
		if errors.Is(err, bufio.ErrTooLong) {
			return strange(s, fmt.Errorf("an event is longer than %d bytes", maxEvent))
		}
		if err != nil {
			return guard.broken(ctx, err)
		}
		if failed := f.event(s, event); failed != nil {
			return failed
		}
	}
	return &failure{err: errEnded, passes: true}
}

// streamRequest sends every chat's cursor in Last-Event-ID, as browsers do after a break.
func (f *following) streamRequest(ctx context.Context, s *server) (*http.Request, error) {
	query := url.Values{"chat": slices.Sorted(maps.Keys(f.cursors))}
	var positions []string
	for _, chat := range query["chat"] {
		positions = append(positions, fmt.Sprintf("%s=%d", url.PathEscape(chat), f.cursors[chat]))
	}
	if f.request.Inbox { // messages of chats that the id lacks come again, and are skipped
		query, positions = url.Values{"inbox": {"true"}}, []string{f.lastID}
	}
	if f.request.Reader != "" {
		query.Set("reader", f.request.Reader)
	}
	if f.request.Presence {
		query.Set("presence", "true")
	}
	if f.request.Batch > 0 {
		query.Set("batch", f.request.Batch.String())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/stream?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Cache-Control", "no-cache")
	if id := strings.Join(positions, ";"); id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	return r, nil
}

func (f *following) event(s *server, e sse.Event) *failure {
	if e.Data == "" {
		return nil
	}
	var t told
	if err := json.Unmarshal([]byte(e.Data), &t); err != nil {
		return strange(s, err)
	}
	t.Signal, t.Type = t.Type, e.Type
	failed := f.take(s, t)
	if t.Type == "messages" && failed == nil {
		f.lastID = e.LastEventID
	}
	return failed
}

// whole is a body that has no regular end.
type whole struct{ io.Reader }

func (w whole) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errEnded
	}
	return n, err
}
