package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Signal answers POST /api/signal.
func (h *Handler) Signal(ctx context.Context, c *app.RequestContext) {
	var request api.SignalRequest
	if err := h.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	err := h.live.Signal(ctx, chat.Signal{Chat: request.Chat, Sender: request.Sender, Type: request.Type, Data: request.Data})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.SignalResponse{Status: success})
}
