package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// idempotencyKey is the header that means the same as a message's id
// (draft-ietf-httpapi-idempotency-key-header).
const idempotencyKey = "Idempotency-Key"

// success is the status in the answer to a successful change.
const success = "success"

// Send answers POST /api/send.
func (h *Handler) Send(ctx context.Context, c *app.RequestContext) {
	body, err := readBody(c, h.config.MaxBodyBytes)
	if err == nil && isArray(body) {
		h.sendAll(ctx, c, body)
		return
	}
	var message chat.Message
	if err == nil {
		message, err = readMessage(c, body)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	receipt, err := h.service.Send(ctx, message)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	response := &api.SendResponse{Status: success, SendTime: receipt.SendTime}
	if receipt.Duplicate {
		response.Duplicate = &receipt.Duplicate
	}
	reply.JSON(c, consts.StatusOK, response)
}

func readMessage(c *app.RequestContext, body []byte) (chat.Message, error) {
	var request api.SendRequest
	if err := decodeChange(body, &request); err != nil {
		return chat.Message{}, err
	}
	id, err := idOrKey(c, request.Id)
	if err != nil {
		return chat.Message{}, err
	}
	return messageOf(&request, id), nil
}

func messageOf(r *api.SendRequest, id string) chat.Message {
	return chat.Message{Chat: r.Chat, Text: r.Text, Sender: r.Sender, ID: id, Content: contentOf(r)}
}

// contentOf returns the content of a send beside its text; nil for none.
func contentOf(r *api.SendRequest) *chat.Content {
	if r.ReplyTo == 0 && len(r.Mentions) == 0 && r.ContentType == "" && len(r.Body) == 0 && len(r.Metadata) == 0 {
		return nil
	}
	return &chat.Content{ReplyTo: r.ReplyTo, Mentions: r.Mentions, Type: r.ContentType, Body: objectOf(r.Body), Metadata: objectOf(r.Metadata)}
}

// objectOf returns an object of a request; "" for null.
func objectOf(raw []byte) chat.Object {
	if string(raw) == "null" {
		return ""
	}
	return chat.Object(raw)
}
