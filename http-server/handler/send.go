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
	message, err := h.readMessage(c)
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

func (h *Handler) readMessage(c *app.RequestContext) (chat.Message, error) {
	var request api.SendRequest
	if err := h.readJSON(c, &request); err != nil {
		return chat.Message{}, err
	}
	if key := string(c.GetHeader(idempotencyKey)); key != "" {
		if request.Id != "" && request.Id != key {
			return chat.Message{}, chat.Errorf(chat.InvalidArgument, "id and the header %s differ; give one of them", idempotencyKey)
		}
		request.Id = key
	}
	return chat.Message{Chat: request.Chat, Text: request.Text, Sender: request.Sender, ID: request.Id}, nil
}
