package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Presence answers GET /api/presence.
func (h *Handler) Presence(ctx context.Context, c *app.RequestContext) {
	chat := query(c, "chat")
	readers, err := h.live.Present(ctx, chat)
	if err != nil {
		Fail(c, err)
		return
	}
	reply(c, consts.StatusOK, presence(chat, readers))
}

// maxPresent bounds the readers in an answer. All are counted.
const maxPresent = 1000

func presence(chat string, readers []string) *api.PresenceResponse {
	if readers == nil {
		readers = []string{}
	}
	return &api.PresenceResponse{Chat: chat, Readers: readers[:min(len(readers), maxPresent)], Count: int64(len(readers))}
}
