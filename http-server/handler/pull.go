package handler

import (
	"context"
	"strconv"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Pull answers GET and POST /api/pull. Its arguments come from a JSON body, the query string, or both; the query
// string wins.
func (h *Handler) Pull(ctx context.Context, c *app.RequestContext) {
	request, err := h.readPull(c)
	if err != nil {
		Fail(c, err)
		return
	}
	page, err := h.service.Pull(ctx, request)
	if err != nil {
		Fail(c, err)
		return
	}
	reply(c, consts.StatusOK, pullResponse(page))
}

func (h *Handler) readPull(c *app.RequestContext) (chat.PullRequest, error) {
	var request api.PullRequest
	body, err := h.readBody(c)
	if err != nil {
		return chat.PullRequest{}, err
	}
	if len(body) > 0 {
		if err := decodeJSON(body, &request); err != nil {
			return chat.PullRequest{}, err
		}
	}
	if err := readPullQuery(c, &request); err != nil {
		return chat.PullRequest{}, err
	}
	return chat.PullRequest{
		Chat: request.Chat, Cursor: request.Cursor, Limit: request.Limit, Reverse: request.Reverse,
	}, nil
}

// readPullQuery sets what the query string names. Names that it does not know are left alone, as unknown fields of a
// JSON body are.
func readPullQuery(c *app.RequestContext, request *api.PullRequest) (err error) {
	c.QueryArgs().VisitAll(func(name, value []byte) {
		if err != nil {
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
		}
	})
	return err
}

func queryInt(name string, value []byte) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, wrongType(name, "a whole number")
	}
	return n, nil
}

func queryBool(name string, value []byte) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, wrongType(name, "true or false")
}

func pullResponse(page chat.Page) *api.PullResponse {
	response := &api.PullResponse{
		Messages: make([]*api.Message, len(page.Messages)), HasMore: page.HasMore, NextCursor: page.NextCursor,
	}
	all := make([]api.Message, len(page.Messages)) // one allocation instead of one for each
	for i := range page.Messages {
		m, answered := &page.Messages[i], &all[i]
		answered.Chat, answered.Text, answered.Sender, answered.SendTime = m.Chat, m.Text, m.Sender, m.SendTime
		if m.ID != "" {
			answered.Id = &m.ID
		}
		response.Messages[i] = answered
	}
	return response
}
