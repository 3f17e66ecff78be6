package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// readRequest is api.ReadRequest, whose cursor may also be "end".
type readRequest struct {
	Chat   string             `json:"chat"`
	Reader string             `json:"reader"`
	Cursor *jsonobject.Cursor `json:"cursor"`
	Force  bool               `json:"force"`
}

// reads builds the domain's request from a request.
func reads(name, reader string, cursor *jsonobject.Cursor, force bool) chat.ReadRequest {
	at := cursor.OrZero()
	return chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: reader, Cursor: at.Position}, End: at.End, Force: force}
}

// Read answers POST /api/read.
func (h *Handler) Read(ctx context.Context, c *app.RequestContext) {
	var request readRequest
	if err := h.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	cursor, err := h.live.Read(ctx, reads(request.Chat, request.Reader, request.Cursor, request.Force))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.ReadResponse{Status: success, Cursor: cursor})
}
