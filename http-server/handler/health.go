package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
)

// Ping answers GET /ping: the process lives.
func (h *Handler) Ping(_ context.Context, c *app.RequestContext) {
	reply.JSON(c, consts.StatusOK, map[string]string{"message": "pong"})
}

// Ready answers GET /readyz: a message can be stored, and this process is not about to stop.
func (h *Handler) Ready(draining <-chan struct{}) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		select {
		case <-draining:
			reply.Fail(c, chat.Errorf(chat.Unavailable, "this http-server is stopping"))
			return
		default:
		}
		if err := h.service.Ready(ctx); err != nil {
			reply.Fail(c, err)
			return
		}
		reply.JSON(c, consts.StatusOK, map[string]string{"status": "ready"})
	}
}
