package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Inboxes = (*Client)(nil)
	_ chat.Readers = (*Client)(nil)
)

// Readers implements chat.Readers.
func (c *Client) Readers(ctx context.Context, id string) (chat.Receipts, error) {
	request := wire.ReadersRequest(id, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.ReadersResponse, error) {
		return s.kitex.Readers(ctx, request)
	})
	if err != nil {
		return chat.Receipts{}, callError(err, readError)
	}
	return wire.ReceiptsOf(response)
}

// Ignored implements chat.Inboxes.
func (c *Client) Ignored(ctx context.Context, user string) ([]string, error) {
	request := wire.IgnoredRequest(user, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.IgnoredResponse, error) {
		return s.kitex.Ignored(ctx, request)
	})
	if err != nil {
		return nil, callError(err, readError)
	}
	return wire.IgnoredOf(response)
}

// Inbox implements chat.Inboxes.
func (c *Client) Inbox(ctx context.Context, r chat.InboxRequest) (chat.Inbox, error) {
	request := wire.InboxRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.InboxResponse, error) {
		return s.kitex.Inbox(ctx, request)
	})
	if err != nil {
		return chat.Inbox{}, callError(err, readError)
	}
	return wire.InboxOf(response)
}

// Unread implements chat.Inboxes.
func (c *Client) Unread(ctx context.Context, reader string) ([]chat.Unread, error) {
	request := wire.UnreadRequest(reader, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.UnreadResponse, error) {
		return s.kitex.Unread(ctx, request)
	})
	if err != nil {
		return nil, callError(err, readError)
	}
	return wire.UnreadOf(response)
}

// Chats implements chat.Inboxes.
func (c *Client) Chats(ctx context.Context, reader string) ([]chat.Standing, error) {
	request := wire.ChatsRequest(reader, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.ChatsResponse, error) {
		return s.kitex.Chats(ctx, request)
	})
	if err != nil {
		return nil, callError(err, readError)
	}
	return wire.ChatsOf(response)
}

// Ignore implements chat.Inboxes.
func (c *Client) Ignore(ctx context.Context, r chat.IgnoreRequest) error {
	request := wire.IgnoreRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.IgnoreResponse, error) {
		return s.kitex.Ignore(ctx, request)
	})
	if err != nil {
		return callError(err, readError)
	}
	return wire.IgnoreOf(response)
}
