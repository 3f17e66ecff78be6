package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// ChangeMessage changes a message that was sent.
func (h *Handler) ChangeMessage(ctx context.Context, r *rpc.ChangeMessageRequest) (*rpc.SendResponse, error) {
	r = orEmpty(r)
	return wire.SendResponse(ask(ctx, h, h.services.Changes, "changes of messages", "ChangeMessage", r,
		func(ctx context.Context, changes chat.Changes) (chat.Receipt, error) {
			return changes.Change(ctx, wire.ChangeOf(r))
		})), nil
}

// Thread reads a page of the answers to a message.
func (h *Handler) Thread(ctx context.Context, r *rpc.ThreadRequest) (*rpc.PullResponse, error) {
	r = orEmpty(r)
	return wire.PullResponse(ask(ctx, h, h.services.Changes, "changes of messages", "Thread", r,
		func(ctx context.Context, changes chat.Changes) (chat.Page, error) {
			return changes.Thread(ctx, wire.ThreadRequestOf(r))
		})), nil
}

// Versions reads a page of the texts that a message has had.
func (h *Handler) Versions(ctx context.Context, r *rpc.VersionsRequest) (*rpc.VersionsResponse, error) {
	r = orEmpty(r)
	return wire.VersionsResponse(ask(ctx, h, h.services.Changes, "changes of messages", "Versions", r,
		func(ctx context.Context, changes chat.Changes) (chat.VersionPage, error) {
			return changes.Versions(ctx, wire.VersionsRequestOf(r))
		})), nil
}
