package chattest

import (
	"context"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

func attachmentFrom(a client.Attachment) chat.Attachment {
	return chat.Attachment{
		ID: a.ID, Chat: a.Chat, Sender: a.Sender, Name: a.Name, Bytes: a.Bytes, Type: a.Type, SHA256: a.SHA256,
		State: chat.AttachmentState(a.State), Created: a.Created, SendTime: a.SendTime,
	}
}

func signedFrom(s client.SignedAttachment) chat.SignedRequest {
	return chat.SignedRequest{URL: s.URL, Method: s.Method, Headers: s.Headers, Expires: s.Expires}
}

// CreateAttachment implements chat.Attachments.
func (s OverHTTP) CreateAttachment(ctx context.Context, n chat.NewAttachment) (chat.Upload, error) {
	signed, err := s.as(ctx).CreateAttachment(ctx, client.NewAttachment(n))
	return chat.Upload{Attachment: attachmentFrom(signed.Attachment), Request: signedFrom(signed)}, answered(err)
}

// ConfirmAttachment implements chat.Attachments.
func (s OverHTTP) ConfirmAttachment(ctx context.Context, r chat.AttachmentRequest) (chat.Attachment, error) {
	confirmed, err := s.as(ctx).ConfirmAttachment(ctx, r.Chat, r.ID, r.As)
	return attachmentFrom(confirmed), answered(err)
}

// ReadAttachment implements chat.Attachments.
func (s OverHTTP) ReadAttachment(ctx context.Context, r chat.AttachmentRequest) (chat.Download, error) {
	signed, err := s.as(ctx).ReadAttachment(ctx, r.Chat, r.ID, r.As)
	return chat.Download{Attachment: attachmentFrom(signed.Attachment), Request: signedFrom(signed)}, answered(err)
}
