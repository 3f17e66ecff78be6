package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Inboxes = (*Client)(nil)
	_ chat.Readers = (*Client)(nil)
)

// Readers implements chat.Readers.
func (c *Client) Readers(ctx context.Context, id string) (chat.Receipts, error) {
	return ask(ctx, c, reads, imservice.Client.Readers,
		wire.ReadersRequest(id, caller(ctx), logging.RequestID(ctx)), wire.ReceiptsOf)
}

// Ignored implements chat.Inboxes.
func (c *Client) Ignored(ctx context.Context, user string) ([]string, error) {
	return ask(ctx, c, reads, imservice.Client.Ignored,
		wire.IgnoredRequest(user, caller(ctx), logging.RequestID(ctx)), wire.IgnoredOf)
}

// Inbox implements chat.Inboxes.
func (c *Client) Inbox(ctx context.Context, r chat.InboxRequest) (chat.Inbox, error) {
	return ask(ctx, c, reads, imservice.Client.Inbox,
		wire.InboxRequest(r, caller(ctx), logging.RequestID(ctx)), wire.InboxOf)
}

// Unread implements chat.Inboxes.
func (c *Client) Unread(ctx context.Context, r chat.UnreadRequest) (chat.UnreadPage, error) {
	return ask(ctx, c, reads, imservice.Client.Unread,
		wire.UnreadRequest(r, caller(ctx), logging.RequestID(ctx)), wire.UnreadOf)
}

// Chats implements chat.Inboxes.
func (c *Client) Chats(ctx context.Context, r chat.ChatsRequest) ([]chat.Standing, error) {
	return ask(ctx, c, reads, imservice.Client.Chats,
		wire.ChatsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.ChatsOf)
}

// Ignore implements chat.Inboxes.
func (c *Client) Ignore(ctx context.Context, r chat.IgnoreRequest) error {
	return tell(ctx, c, reads, imservice.Client.Ignore,
		wire.IgnoreRequest(r, caller(ctx), logging.RequestID(ctx)), wire.IgnoreOf)
}
