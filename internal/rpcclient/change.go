package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Changes = (*Client)(nil)

// Change implements chat.Changes. A change is repeated without an ID too, except an edit: another edit may have come between.
func (c *Client) Change(ctx context.Context, change chat.Change) (chat.Receipt, error) {
	repeatable := change.ID != "" || change.Kind != chat.MessageEdited
	return ask(ctx, c, kind{repeatable, changeError}, imservice.Client.ChangeMessage,
		wire.ChangeMessageRequest(change, caller(ctx), logging.RequestID(ctx)), wire.ReceiptOf)
}

// Thread implements chat.Changes.
func (c *Client) Thread(ctx context.Context, r chat.ThreadRequest) (chat.Page, error) {
	return ask(ctx, c, reads, imservice.Client.Thread,
		wire.ThreadRequest(r, caller(ctx), logging.RequestID(ctx)), wire.PageOf)
}

// Versions implements chat.Changes.
func (c *Client) Versions(ctx context.Context, r chat.VersionsRequest) (chat.VersionPage, error) {
	return ask(ctx, c, reads, imservice.Client.Versions,
		wire.VersionsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.VersionPageOf)
}

func changeError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; it is unknown whether the message was changed; try again with the same id")
}
