package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Attachments answers the routes of files.
type Attachments struct {
	*Handler
	attachments chat.Attachments
}

// NewAttachments returns the routes over attachments.
func NewAttachments(h *Handler, attachments chat.Attachments) *Attachments {
	return &Attachments{h, attachments}
}

func attachment(a chat.Attachment) *api.Attachment {
	return &api.Attachment{
		Id: a.ID, Chat: a.Chat, Sender: a.Sender, Name: a.Name, Bytes: a.Bytes, Type: a.Type, Sha256: given(a.SHA256), State: string(a.State),
		Created: a.Created, SendTime: given(a.SendTime),
	}
}

func answerSigned(c *app.RequestContext, status int, a chat.Attachment, signed chat.SignedRequest, err error) {
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.SignedAttachment{Attachment: attachment(a), Url: signed.URL, Method: signed.Method, Headers: signed.Headers, Expires: signed.Expires}
	if answer.Headers == nil {
		answer.Headers = map[string]string{}
	}
	reply.JSON(c, status, answer)
}

// Create answers POST /api/attachments.
func (a *Attachments) Create(ctx context.Context, c *app.RequestContext) {
	var request api.CreateAttachmentRequest
	err := a.readJSON(c, &request)
	var upload chat.Upload
	if err == nil {
		upload, err = a.attachments.CreateAttachment(ctx, chat.NewAttachment{
			Chat: request.Chat, Sender: request.Sender, Name: request.Name, Bytes: request.Bytes, Type: request.Type, SHA256: request.Sha256,
		})
	}
	answerSigned(c, consts.StatusCreated, upload.Attachment, upload.Request, err)
}

// Confirm answers POST /api/attachments/{attachment}.
func (a *Attachments) Confirm(ctx context.Context, c *app.RequestContext) {
	var request api.ConfirmAttachmentRequest
	err := a.readJSON(c, &request)
	var confirmed chat.Attachment
	if err == nil {
		confirmed, err = a.attachments.ConfirmAttachment(ctx, chat.AttachmentRequest{Chat: request.Chat, ID: c.Param("attachment"), As: request.As})
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, attachment(confirmed))
}

// Read answers GET /api/attachments/{attachment}. With redirect=true the answer leads to the file.
func (a *Attachments) Read(ctx context.Context, c *app.RequestContext) {
	redirect, err := false, error(nil)
	if asked := query(c, "redirect"); asked != "" {
		redirect, err = queryBool("redirect", []byte(asked))
	}
	var download chat.Download
	if err == nil {
		download, err = a.attachments.ReadAttachment(ctx, chat.AttachmentRequest{Chat: query(c, "chat"), ID: c.Param("attachment"), As: query(c, "as")})
	}
	if redirect && err == nil {
		c.Response.Header.Set("Location", download.Request.URL)
		c.SetStatusCode(consts.StatusFound)
		return
	}
	answerSigned(c, consts.StatusOK, download.Attachment, download.Request, err)
}
