package handler

import (
	"context"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/live"
)

// Pull answers GET and POST /api/pull. Its arguments come from a JSON body, the query string, or both; the query
// string wins.
func (h *Handler) Pull(ctx context.Context, c *app.RequestContext) {
	asked, wait, err := h.readPull(c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	if c.IsHead() { // HEAD does not wait for a message
		wait = 0
	}
	page, err := h.pull(ctx, c, asked, wait)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	replyPage(c, asked.Chat, &page)
}

// replyPage answers with a page, which it encodes directly into the response.
func replyPage(c *app.RequestContext, name string, page *chat.Page) {
	body := c.Response.BodyBuffer()
	encoded, err := entry.AppendPage(append(body.B[:0], '{'), name, page)
	body.B = encoded
	if err != nil {
		body.B = encoded[:0]
		reply.Fail(c, err)
		return
	}
	c.SetStatusCode(consts.StatusOK)
	c.Response.Header.SetContentType(reply.JSONType)
}

// pull waits for a message if there is none and wait is positive, while the client is connected.
func (h *Handler) pull(ctx context.Context, c *app.RequestContext, r chat.PullRequest, wait time.Duration) (chat.Page, error) {
	if wait == 0 {
		return h.service.Pull(ctx, r)
	}
	seat, err := h.config.Quota.Enter(ctx)
	if err != nil {
		return chat.Page{}, err
	}
	defer seat.Leave()
	connected, over := whileConnected(ctx)
	defer over()
	request.Wait(c)
	return h.wait(connected, r, wait)
}

func (h *Handler) readPull(c *app.RequestContext) (chat.PullRequest, time.Duration, error) {
	var request api.PullRequest
	body, err := readBody(c, h.config.MaxBodyBytes)
	if err == nil && len(body) > 0 {
		err = decodeJSON(body, &request)
	}
	if err == nil {
		err = readPullQuery(c, &request)
	}
	if err != nil {
		return chat.PullRequest{}, 0, err
	}
	wait, err := live.ParseDuration("wait", request.Wait)
	if err == nil && wait > 0 && request.Reverse {
		err = chat.Errorf(chat.InvalidArgument, "wait is for forward pulls; leave it out with reverse")
	}
	return chat.PullRequest{
		Chat: request.Chat, Cursor: request.Cursor, Limit: request.Limit, Reverse: request.Reverse,
		Reader: request.Reader, Unread: request.Unread, Raw: true,
	}, wait, err
}

// readPullQuery sets the arguments in the query string. It ignores unknown names, as readJSON does in a body. An empty
// parameter counts as missing, as on every route.
func readPullQuery(c *app.RequestContext, request *api.PullRequest) (err error) {
	c.QueryArgs().VisitAll(func(name, value []byte) {
		if err != nil || len(value) == 0 {
			return
		}
		switch strings.ToLower(string(name)) {
		case "chat":
			request.Chat = string(value)
		case "cursor":
			request.Cursor, err = queryInt("cursor", value)
		case "limit":
			request.Limit, err = queryInt("limit", value)
		case "reverse":
			request.Reverse, err = queryBool("reverse", value)
		case "reader":
			request.Reader = string(value)
		case "unread":
			request.Unread, err = queryBool("unread", value)
		case "wait":
			request.Wait = string(value)
		}
	})
	return err
}
