package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Read answers POST /api/read.
func (h *Handler) Read(ctx context.Context, c *app.RequestContext) {
	var request api.ReadRequest
	if err := h.readJSON(c, &request); err != nil {
		Fail(c, err)
		return
	}
	cursor, err := h.live.Read(ctx, chat.ReadRequest{
		Chat: request.Chat, Reading: chat.Reading{Reader: request.Reader, Cursor: request.Cursor},
	})
	if err != nil {
		Fail(c, err)
		return
	}
	reply(c, consts.StatusOK, &api.ReadResponse{Status: success, Cursor: cursor})
}
