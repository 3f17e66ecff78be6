package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// InboxService are the readers of chats and their inboxes: chat.InboxService.
type InboxService interface {
	chat.Inboxes
	chat.Readers
}

// ofReaders is ask of readers.
func ofReaders[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, InboxService) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Inboxes, "readers", method, r, do)
}

// Readers returns how far the readers of a chat have read.
func (h *Handler) Readers(ctx context.Context, r *rpc.ReadersRequest) (*rpc.ReadersResponse, error) {
	r = orEmpty(r)
	return wire.ReadersResponse(ofReaders(ctx, h, "Readers", r, func(ctx context.Context, readers InboxService) (chat.Receipts, error) {
		return readers.Readers(ctx, r.Chat)
	})), nil
}

// Ignored returns the users that a user ignores.
func (h *Handler) Ignored(ctx context.Context, r *rpc.IgnoredRequest) (*rpc.IgnoredResponse, error) {
	r = orEmpty(r)
	return wire.IgnoredResponse(ofReaders(ctx, h, "Ignored", r, func(ctx context.Context, readers InboxService) ([]string, error) {
		return readers.Ignored(ctx, r.User)
	})), nil
}

// Inbox returns a page of a user's chats.
func (h *Handler) Inbox(ctx context.Context, r *rpc.InboxRequest) (*rpc.InboxResponse, error) {
	r = orEmpty(r)
	return wire.InboxResponse(ofReaders(ctx, h, "Inbox", r, func(ctx context.Context, readers InboxService) (chat.Inbox, error) {
		return readers.Inbox(ctx, wire.InboxRequestOf(r))
	})), nil
}

// Unread returns how much a reader has to read.
func (h *Handler) Unread(ctx context.Context, r *rpc.UnreadRequest) (*rpc.UnreadResponse, error) {
	r = orEmpty(r)
	return wire.UnreadResponse(ofReaders(ctx, h, "Unread", r, func(ctx context.Context, readers InboxService) (chat.UnreadPage, error) {
		return readers.Unread(ctx, wire.UnreadRequestOf(r))
	})), nil
}

// Chats returns all of a user's chats.
func (h *Handler) Chats(ctx context.Context, r *rpc.ChatsRequest) (*rpc.ChatsResponse, error) {
	r = orEmpty(r)
	return wire.ChatsResponse(ofReaders(ctx, h, "Chats", r, func(ctx context.Context, readers InboxService) ([]chat.Standing, error) {
		return readers.Chats(ctx, wire.ChatsRequestOf(r))
	})), nil
}

// Ignore has a user ignore another one, or no longer.
func (h *Handler) Ignore(ctx context.Context, r *rpc.IgnoreRequest) (*rpc.IgnoreResponse, error) {
	r = orEmpty(r)
	_, err := ofReaders(ctx, h, "Ignore", r, func(ctx context.Context, readers InboxService) (struct{}, error) {
		return done(readers.Ignore(ctx, wire.IgnoreRequestOf(r)))
	})
	return wire.IgnoreResponse(err), nil
}
