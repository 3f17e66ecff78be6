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

	Delivered *int64 `json:"delivered"`
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
	response, err := h.read(ctx, request)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, response)
}

// read moves the cursor first: reading implies delivery.
func (h *Handler) read(ctx context.Context, r readRequest) (*api.ReadResponse, error) {
	response := &api.ReadResponse{Status: success}
	var err error
	if r.Delivered == nil || r.Cursor != nil || r.Force {
		response.Cursor, err = h.live.Read(ctx, reads(r.Chat, r.Reader, r.Cursor, r.Force))
	}
	if err != nil || r.Delivered == nil {
		return response, err
	}
	if h.config.Deliveries == nil {
		return nil, chat.Errorf(chat.NotFound, "this server keeps no receipts")
	}
	at, err := h.config.Deliveries.Deliver(ctx, chat.Delivery{Chat: r.Chat, Reader: r.Reader, Position: *r.Delivered})
	response.Cursor, response.Delivered = at.Cursor, &at.Position
	return response, err
}

// Receipts answers GET /api/receipts.
func (h *Handler) Receipts(ctx context.Context, c *app.RequestContext) {
	request := chat.MessageReceiptsRequest{Chat: query(c, "chat")}
	var err error
	if at := query(c, "send_time"); at != "" {
		request.Ref, err = queryInt("send_time", []byte(at))
	}
	var receipts chat.MessageReceipts
	if err == nil {
		receipts, err = h.config.Deliveries.Receipts(ctx, request)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.MessageReceiptsResponse{
		Chat: request.Chat, SendTime: request.Ref, Recipients: int64(receipts.Recipients),
		Delivered: int64(len(receipts.DeliveredTo)), Read: int64(len(receipts.ReadBy)),
		DeliveredTo: orNone(receipts.DeliveredTo), ReadBy: orNone(receipts.ReadBy),
	})
}

// orNone is never null in JSON.
func orNone(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
