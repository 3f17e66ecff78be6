package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func attachmentTo(a chat.Attachment) *rpc.Attachment {
	return &rpc.Attachment{
		Id: a.ID, Chat: a.Chat, Sender: a.Sender, Name: a.Name, Bytes: a.Bytes, Type: a.Type, Sha256: optional(a.SHA256), State: string(a.State),
		Created: a.Created, SendTime: optional(a.SendTime),
	}
}

func attachmentOf(a *rpc.Attachment) chat.Attachment {
	if a == nil {
		return chat.Attachment{}
	}
	return chat.Attachment{
		ID: a.GetId(), Chat: a.GetChat(), Sender: a.GetSender(), Name: a.GetName(), Bytes: a.GetBytes(), Type: a.GetType(), SHA256: a.GetSha256(),
		State: chat.AttachmentState(a.GetState()), Created: a.GetCreated(), SendTime: a.GetSendTime(),
	}
}

func CreateAttachmentRequest(n chat.NewAttachment, by chat.Caller, requestID string) *rpc.CreateAttachmentRequest {
	return &rpc.CreateAttachmentRequest{
		Chat: n.Chat, Sender: optional(n.Sender), Name: n.Name, Bytes: n.Bytes, Type: n.Type, Sha256: optional(n.SHA256), Meta: meta(by, requestID),
	}
}

func CreateAttachmentOf(r *rpc.CreateAttachmentRequest) chat.NewAttachment {
	return chat.NewAttachment{Chat: r.Chat, Sender: r.GetSender(), Name: r.Name, Bytes: r.Bytes, Type: r.Type, SHA256: r.GetSha256()}
}

func AttachmentRequest(r chat.AttachmentRequest, by chat.Caller, requestID string) *rpc.AttachmentRequest {
	return &rpc.AttachmentRequest{Chat: r.Chat, Id: r.ID, As: optional(r.As), Meta: meta(by, requestID)}
}

func AttachmentRequestOf(r *rpc.AttachmentRequest) chat.AttachmentRequest {
	return chat.AttachmentRequest{Chat: r.Chat, ID: r.Id, As: r.GetAs()}
}

// AttachmentResponse answers with an attachment, and where the request has a URL with that.
func AttachmentResponse(a chat.Attachment, signed chat.SignedRequest, err error) *rpc.AttachmentResponse {
	code, text := outcome(err)
	response := &rpc.AttachmentResponse{Code: code, Msg: text}
	if err != nil {
		return response
	}
	response.Attachment = attachmentTo(a)
	if signed.URL != "" {
		response.Signed = &rpc.SignedRequest{Url: signed.URL, Method: signed.Method, Headers: signed.Headers, Expires: signed.Expires}
	}
	return response
}

func AttachmentOf(r *rpc.AttachmentResponse) (chat.Attachment, error) {
	return attachmentOf(r.Attachment), errorOf(r.Code, r.Msg)
}

func signedOf(r *rpc.AttachmentResponse) chat.SignedRequest {
	s := r.Signed
	if s == nil {
		return chat.SignedRequest{}
	}
	return chat.SignedRequest{URL: s.GetUrl(), Method: s.GetMethod(), Headers: s.GetHeaders(), Expires: s.GetExpires()}
}

func UploadOf(r *rpc.AttachmentResponse) (chat.Upload, error) {
	return chat.Upload{Attachment: attachmentOf(r.Attachment), Request: signedOf(r)}, errorOf(r.Code, r.Msg)
}

func DownloadOf(r *rpc.AttachmentResponse) (chat.Download, error) {
	return chat.Download{Attachment: attachmentOf(r.Attachment), Request: signedOf(r)}, errorOf(r.Code, r.Msg)
}
