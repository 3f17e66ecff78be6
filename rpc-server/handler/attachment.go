package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// ofAttachments is ask of attachments.
func ofAttachments[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, chat.Attachments) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Attachments, "attachments", method, r, do)
}

// CreateAttachment announces a file.
func (h *Handler) CreateAttachment(ctx context.Context, r *rpc.CreateAttachmentRequest) (*rpc.AttachmentResponse, error) {
	r = orEmpty(r)
	upload, err := ofAttachments(ctx, h, "CreateAttachment", r, func(ctx context.Context, a chat.Attachments) (chat.Upload, error) {
		return a.CreateAttachment(ctx, wire.CreateAttachmentOf(r))
	})
	return wire.AttachmentResponse(upload.Attachment, upload.Request, err), nil
}

// ConfirmAttachment compares the uploaded file with the announced one.
func (h *Handler) ConfirmAttachment(ctx context.Context, r *rpc.AttachmentRequest) (*rpc.AttachmentResponse, error) {
	r = orEmpty(r)
	confirmed, err := ofAttachments(ctx, h, "ConfirmAttachment", r, func(ctx context.Context, a chat.Attachments) (chat.Attachment, error) {
		return a.ConfirmAttachment(ctx, wire.AttachmentRequestOf(r))
	})
	return wire.AttachmentResponse(confirmed, chat.SignedRequest{}, err), nil
}

// ReadAttachment returns where a file can be downloaded.
func (h *Handler) ReadAttachment(ctx context.Context, r *rpc.AttachmentRequest) (*rpc.AttachmentResponse, error) {
	r = orEmpty(r)
	download, err := ofAttachments(ctx, h, "ReadAttachment", r, func(ctx context.Context, a chat.Attachments) (chat.Download, error) {
		return a.ReadAttachment(ctx, wire.AttachmentRequestOf(r))
	})
	return wire.AttachmentResponse(download.Attachment, download.Request, err), nil
}
