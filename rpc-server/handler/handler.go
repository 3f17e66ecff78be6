// Package handler answers IMService's methods from a chat.Service: Thrift in, Thrift out, and one log line.
package handler

import (
	"context"
	"log/slog"
	"time"

	"github.com/bytedance/gopkg/cloud/metainfo"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

// Handler implements rpc.IMService. What goes wrong is in a response's Code and Msg; its methods return no error.
type Handler struct {
	service chat.Service
	log     *slog.Logger
}

var _ rpc.IMService = (*Handler)(nil)

// New returns a Handler of service.
func New(service chat.Service, log *slog.Logger) *Handler {
	return &Handler{service: service, log: log}
}

// Send stores a message.
func (h *Handler) Send(ctx context.Context, r *rpc.SendRequest) (*rpc.SendResponse, error) {
	start := time.Now()
	receipt, err := h.service.Send(ctx, wire.MessageOf(r))
	h.logCall(ctx, "Send", start, err)
	return wire.SendResponse(receipt, err), nil
}

// Pull reads one page of a chat.
func (h *Handler) Pull(ctx context.Context, r *rpc.PullRequest) (*rpc.PullResponse, error) {
	start := time.Now()
	page, err := h.service.Pull(ctx, wire.PullRequestOf(r))
	h.logCall(ctx, "Pull", start, err)
	return wire.PullResponse(page, err), nil
}

// Ready says whether a message could be stored now.
func (h *Handler) Ready(ctx context.Context, _ *rpc.ReadyRequest) (*rpc.ReadyResponse, error) {
	start := time.Now()
	err := h.service.Ready(ctx)
	h.logCall(ctx, "Ready", start, err)
	return wire.ReadyResponse(err), nil
}

// logCall writes one line: with its cause where the server or Redis failed, at debug level where all went well or
// the client was wrong, because the gateway has a line for every request.
func (h *Handler) logCall(ctx context.Context, method string, start time.Time, err error) {
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
	attributes := []slog.Attr{slog.String("method", method), slog.Duration("duration", time.Since(start))}
	if id, ok := metainfo.GetValue(ctx, logging.RequestIDKey); ok {
		attributes = append(attributes, slog.String("id", id))
	}
	if err != nil {
		attributes = append(attributes, slog.String("code", string(chat.CodeOf(err))), slog.Any("error", err))
	}
	h.log.LogAttrs(ctx, level, "call", attributes...)
}
