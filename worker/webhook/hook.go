package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pullchat/pullchat/internal/buildinfo"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
)

const (
	// answerBytes is how much of an answer is read, so that the connection can be used again.
	answerBytes = 64 << 10
	// longestPause bounds the pause that a receiver can ask for with Retry-After.
	longestPause = time.Hour
	// finishWithin is how long a request under way may take when the worker stops.
	finishWithin = 3 * time.Second
)

// hook is one webhook as it was last changed. It is a projection.Handler.
type hook struct {
	chat.Webhook
	sink     *Sink
	key, old *standardwebhooks.Webhook // old: the one before a rotation, or nil
	paused   atomic.Int64              // until when, by Retry-After, in nanoseconds since 1970
}

func newHook(s *Sink, w chat.Webhook) (*hook, error) {
	h := &hook{Webhook: w, sink: s}
	var err error
	if h.key, err = standardwebhooks.NewWebhook(w.Secret); err != nil {
		return nil, err
	}
	if w.Previous != "" {
		h.old, err = standardwebhooks.NewWebhook(w.Previous)
	}
	return h, err
}

// names reports whether the webhook is for a chat.
func (h *hook) names(name string) bool { return len(h.Chats) == 0 || slices.Contains(h.Chats, name) }

// wants reports whether the webhook is for an event. Its chats and events may have been others when the event was found.
func (h *hook) wants(e projection.Event) bool {
	kind := chat.WebhookMessages
	if notice := e.Last().Notice; notice != nil && !notice.IsChange() {
		kind = chat.WebhookNotices
	}
	return slices.Contains(h.Events, kind) && h.names(e.Chat)
}

// Handle posts events, one after the other.
func (h *hook) Handle(ctx context.Context, events []projection.Event) error {
	for i, e := range events {
		if !h.wants(e) {
			continue
		}
		err := ctx.Err()
		if err == nil {
			err = h.post(ctx, e)
		}
		if err != nil {
			return projection.Handled(i, err)
		}
	}
	return nil
}

// post posts an event. Every answer but a success is an error; 410 Gone also disables the webhook.
func (h *hook) post(ctx context.Context, e projection.Event) error {
	now := time.Now()
	if until := time.Unix(0, h.paused.Load()); now.Before(until) {
		return fmt.Errorf("the receiver asked with Retry-After to wait until %s", until.UTC().Format(time.RFC3339))
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	body := encode(e, h.Bursts)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the url cannot be used: %w", err)
	}
	if err := h.sign(request.Header, e.ID, now, body); err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Pullchat-Webhook/"+buildinfo.Get().Version)
	response, err := h.sink.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, answerBytes) // the content of the answer does not matter
	return h.judge(ctx, response)
}

// finishing returns a context that outlasts another one by finishWithin: a request that is cut off may have arrived, and would be
// repeated.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(finishWithin, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

// judge returns nil for a success.
func (h *hook) judge(ctx context.Context, response *http.Response) error {
	status := response.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("the receiver answered %d; redirects are not followed", status)
	case status == http.StatusGone:
		h.disable(ctx, "the receiver answered 410 Gone")
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			pause := min(time.Duration(min(seconds, int(longestPause.Seconds())))*time.Second, longestPause)
			h.paused.Store(time.Now().Add(pause).UnixNano())
		}
	}
	return fmt.Errorf("the receiver answered %d %s", status, http.StatusText(status))
}

// sign sets the headers of Standard Webhooks.
func (h *hook) sign(header http.Header, event string, now time.Time, body []byte) error {
	id := webhookID(event)
	signature, err := h.key.Sign(id, now, body)
	if err != nil {
		return err
	}
	if h.old != nil && now.UnixMicro() < h.PreviousUntil {
		old, err := h.old.Sign(id, now, body)
		if err != nil {
			return err
		}
		signature += " " + old
	}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// webhookID is an event's id as a header can have it. A full stop ends the id where it is signed (Standard Webhooks, "Signature
// scheme"), so none may be in it.
func webhookID(event string) string {
	return strings.ReplaceAll(url.PathEscape(event), ".", "%2E")
}

// gaveUp disables the webhook, unless it has been changed since it began to fail, and not long enough ago.
func (h *hook) gaveUp(ctx context.Context, since time.Time, err error) {
	if changed := time.UnixMicro(h.Changed); changed.After(since) {
		since = changed
	}
	if time.Since(since) < h.sink.config.WebhookGiveUp {
		return
	}
	h.disable(ctx, fmt.Sprintf("events could not be posted since %s; the last error: %v", since.UTC().Format(time.RFC3339), err))
}

// disable disables the webhook as it is. After a failure the next event tries again.
func (h *hook) disable(ctx context.Context, reason string) {
	call, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if err := h.sink.registry.DisableWebhook(call, h.ID, h.Changed, reason); err != nil {
		h.sink.log.Warn("a webhook cannot be disabled; retrying", "webhook", h.ID, "error", err)
		return
	}
	h.sink.log.Warn("a webhook was disabled", "webhook", h.ID, "reason", reason)
	h.sink.lookAgain()
}
