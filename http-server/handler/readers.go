package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Readers answers GET /api/readers.
func (i *Inboxes) Readers(ctx context.Context, c *app.RequestContext) {
	chat := query(c, "chat")
	receipts, err := i.readers.Readers(ctx, chat)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	response := &api.ReadersResponse{
		Chat: chat, Readers: make([]*api.Receipt, len(receipts.Readings)), Count: int64(receipts.Count),
	}
	for k, r := range receipts.Readings {
		response.Readers[k] = &api.Receipt{Reader: r.Reader, Cursor: r.Cursor}
	}
	reply.JSON(c, consts.StatusOK, response)
}
