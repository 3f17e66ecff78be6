package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/live"
)

// Presence answers GET /api/presence.
func (h *Handler) Presence(ctx context.Context, c *app.RequestContext) {
	chat := query(c, "chat")
	readers, err := h.live.Present(ctx, chat)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, presence(chat, readers))
}

func presence(chat string, readers []string) *api.PresenceResponse {
	return &api.PresenceResponse{Chat: chat, Readers: live.Listed(readers), Count: int64(len(readers))}
}
