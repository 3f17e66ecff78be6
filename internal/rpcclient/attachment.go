package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Attachments = (*Client)(nil)

// CreateAttachment implements chat.Attachments. A repeated one announces another file; the first one goes unused.
func (c *Client) CreateAttachment(ctx context.Context, n chat.NewAttachment) (chat.Upload, error) {
	return ask(ctx, c, reads, imservice.Client.CreateAttachment, wire.CreateAttachmentRequest(n, caller(ctx), logging.RequestID(ctx)), wire.UploadOf)
}

// ConfirmAttachment implements chat.Attachments. A repeated one changes nothing.
func (c *Client) ConfirmAttachment(ctx context.Context, r chat.AttachmentRequest) (chat.Attachment, error) {
	return ask(ctx, c, reads, imservice.Client.ConfirmAttachment, wire.AttachmentRequest(r, caller(ctx), logging.RequestID(ctx)), wire.AttachmentOf)
}

// ReadAttachment implements chat.Attachments.
func (c *Client) ReadAttachment(ctx context.Context, r chat.AttachmentRequest) (chat.Download, error) {
	return ask(ctx, c, reads, imservice.Client.ReadAttachment, wire.AttachmentRequest(r, caller(ctx), logging.RequestID(ctx)), wire.DownloadOf)
}
