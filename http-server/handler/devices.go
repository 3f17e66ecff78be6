package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/devicelog"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Respond answers POST /api/devices/{device}/responses.
func (h *Handler) Respond(ctx context.Context, c *app.RequestContext) {
	var answer devicelog.Answer
	if err := h.readJSON(c, &answer); err != nil {
		reply.Fail(c, err)
		return
	}
	receipt, err := devicelog.Respond(ctx, h.service, c.Param("device"), answer)
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
