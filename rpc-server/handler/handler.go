// Package handler answers IMService's methods from a chat.Service: Thrift in, Thrift out, and one log line.
package handler

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

// Service is the service behind the methods: chat.MessageService.
type Service interface {
	chat.Service
	SendAll(context.Context, []chat.Sending) []chat.SendResult
	PullAll(context.Context, []chat.Pulling) []chat.PullResult
}

// Services are the parts of the domain behind the methods. Methods of a nil part are refused; Messages and Live are always
// there. They differ from chat.Services in what only this server asks for, as batches.
type Services struct {
	Messages Service
	Live     chat.Live
	Accounts AccountService
	Inboxes  InboxService
	Rooms    Rooms

	Projections chat.Projections
	Words       chat.Words
	Webhooks    Webhooks
	Pushes      chat.Pushes
	Changes     chat.Changes
	Moderation  chat.Moderation
	Deliveries  chat.Deliveries
	Attachments chat.Attachments
}

// Handler implements rpc.IMService. An error is in a response's Code and Msg; the methods return no error.
type Handler struct {
	services Services
	log      *slog.Logger
	leaving  atomic.Bool

	maxFollowed int
	ended       chan struct{} // closed by EndWatches
	ending      sync.Once
}

var _ rpc.IMService = (*Handler)(nil)

// New returns a Handler of services.
func New(services Services, log *slog.Logger) *Handler {
	return &Handler{services: services, log: log, maxFollowed: maxFollowed, ended: make(chan struct{})}
}

// Send stores a message.
func (h *Handler) Send(ctx context.Context, r *rpc.SendRequest) (*rpc.SendResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	receipt, err := h.services.Messages.Send(from(ctx, r), wire.MessageOf(r))
	h.logCall(ctx, "Send", r.GetRequestId(), start, err)
	return wire.SendResponse(receipt, err), nil
}

// SendBatch stores many messages, each as Send does.
func (h *Handler) SendBatch(ctx context.Context, r *rpc.SendBatchRequest) (*rpc.SendBatchResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	messages := make([]chat.Sending, len(r.Requests))
	for i, request := range r.Requests {
		messages[i] = chat.Sending{Message: wire.MessageOf(request), By: wire.CallerOf(request.GetCaller())}
	}
	results := h.services.Messages.SendAll(ctx, messages)
	for i, all := 0, h.logsAll(ctx); i < len(results); i++ {
		if all || results[i].Err != nil {
			h.logCall(ctx, "Send", r.Requests[i].GetRequestId(), start, results[i].Err)
		}
	}
	return wire.SendBatchResponse(results), nil
}

// Pull reads one page of a chat.
func (h *Handler) Pull(ctx context.Context, r *rpc.PullRequest) (*rpc.PullResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	page, err := h.services.Messages.Pull(from(ctx, r), wire.PullRequestOf(r))
	h.logCall(ctx, "Pull", r.GetRequestId(), start, err)
	return wire.PullResponse(page, err), nil
}

// PullBatch reads many pages, each as Pull does.
func (h *Handler) PullBatch(ctx context.Context, r *rpc.PullBatchRequest) (*rpc.PullBatchResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	requests := make([]chat.Pulling, len(r.Requests))
	for i, request := range r.Requests {
		requests[i] = chat.Pulling{Request: wire.PullRequestOf(request), By: wire.CallerOf(request.GetCaller())}
	}
	responses := make([]*rpc.PullResponse, len(requests))
	all := h.logsAll(ctx)
	for i, result := range h.services.Messages.PullAll(ctx, requests) {
		if all || result.Err != nil {
			h.logCall(ctx, "Pull", r.Requests[i].GetRequestId(), start, result.Err)
		}
		responses[i] = wire.PullResponse(result.Page, result.Err)
	}
	return &rpc.PullBatchResponse{Responses: responses}, nil
}

// Ready says whether a message could be stored now.
func (h *Handler) Ready(ctx context.Context, r *rpc.ReadyRequest) (*rpc.ReadyResponse, error) {
	start := time.Now()
	r = orEmpty(r)
	err := h.services.Messages.Ready(ctx)
	h.logCall(ctx, "Ready", wire.RequestIDOf(r), start, err)
	return wire.ReadyResponse(err), nil
}

// Ping says whether to send calls here. It touches nothing else.
func (h *Handler) Ping(context.Context, *rpc.PingRequest) (*rpc.PingResponse, error) {
	if h.leaving.Load() {
		return wire.PingResponse(chat.Errorf(chat.Unavailable, "this rpc-server is about to stop")), nil
	}
	return wire.PingResponse(nil), nil
}

// Leave has Ping send further calls elsewhere. Those that come are answered all the same.
func (h *Handler) Leave() { h.leaving.Store(true) }

// EndWatches ends the streams of Watch, and those that come later at once.
func (h *Handler) EndWatches() { h.ending.Do(func() { close(h.ended) }) }

// orEmpty: a Thrift client can leave out a method's argument.
func orEmpty[R any](request *R) *R {
	if request == nil {
		return new(R)
	}
	return request
}

// logsAll says whether a call that goes well has a line too. A batch asks once.
func (h *Handler) logsAll(ctx context.Context) bool { return h.log.Enabled(ctx, slog.LevelDebug) }

// logCall writes one line. A failure of the server or of Redis has its cause. Success and errors of the client are at debug
// level, because the gateway logs every request.
func (h *Handler) logCall(ctx context.Context, method, requestID string, start time.Time, err error) {
	level := slog.LevelDebug
	switch chat.CodeOf(err) {
	case chat.Internal:
		level = slog.LevelError
	case chat.Unavailable, chat.DeadlineExceeded:
		level = slog.LevelWarn
	}
	if !h.log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{slog.String("method", method), logging.Took(start)}
	if requestID != "" {
		attributes = append(attributes, slog.String("id", requestID))
	}
	if err != nil {
		attributes = append(attributes, slog.String("code", string(chat.CodeOf(err))), slog.Any("error", err))
	}
	h.log.LogAttrs(ctx, level, "call", attributes...)
}
