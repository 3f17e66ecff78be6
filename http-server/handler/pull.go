package handler

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Pull answers GET and POST /api/pull. Its arguments come from a JSON body, the query string, or both; the query
// string wins.
func (h *Handler) Pull(ctx context.Context, c *app.RequestContext) {
	request, wait, err := h.readPull(c)
	if err != nil {
		Fail(c, err)
		return
	}
	if c.IsHead() { // its client is not waiting for a message
		wait = 0
	}
	page, err := h.pull(ctx, request, wait)
	if err != nil {
		Fail(c, err)
		return
	}
	reply(c, consts.StatusOK, pullResponse(page))
}

// pull waits for a message where there is none and wait is positive, for as long as the client does.
func (h *Handler) pull(ctx context.Context, r chat.PullRequest, wait time.Duration) (chat.Page, error) {
	if wait == 0 {
		return h.service.Pull(ctx, r)
	}
	connected, over := whileConnected(ctx)
	defer over()
	return h.hub.Wait(connected, r, wait)
}

func (h *Handler) readPull(c *app.RequestContext) (chat.PullRequest, time.Duration, error) {
	var request api.PullRequest
	body, err := h.readBody(c)
	if err == nil && len(body) > 0 {
		err = decodeJSON(body, &request)
	}
	if err == nil {
		err = readPullQuery(c, &request)
	}
	if err != nil {
		return chat.PullRequest{}, 0, err
	}
	wait, err := duration("wait", request.Wait)
	if err == nil && wait > 0 && request.Reverse {
		err = chat.Errorf(chat.InvalidArgument, "wait is for forward pulls; with reverse there is nothing to wait for")
	}
	return chat.PullRequest{
		Chat: request.Chat, Cursor: request.Cursor, Limit: request.Limit, Reverse: request.Reverse,
		Reader: request.Reader, Unread: request.Unread,
	}, wait, err
}

// maxWait is the longest time that a request waits, or holds messages back.
const maxWait = time.Minute

// duration reads a time with a unit. "" is 0.
func duration(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, wrongType(name, "a time with its unit, like 25s or 500ms")
	case d < 0 || d > maxWait:
		return 0, chat.Errorf(chat.InvalidArgument, "%s is %v; it must be between 0s and 60s", name, d)
	}
	return d, nil
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

// query returns one parameter of the query string; names match without regard to case.
func query(c *app.RequestContext, wanted string) (found string) {
	c.QueryArgs().VisitAll(func(name, value []byte) {
		if strings.EqualFold(string(name), wanted) {
			found = string(value)
		}
	})
	return found
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

// noticeType is the type of a message that tells of a change of its room.
var noticeType = "notice"

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
		if m.Erased {
			answered.Erased = &m.Erased
		}
		if m.Notice != nil {
			answered.Type, answered.Event, answered.Users = &noticeType, new(string(m.Notice.Event)), m.Notice.Users
			if m.Notice.Name != "" {
				answered.Name = &m.Notice.Name
			}
		}
		response.Messages[i] = answered
	}
	return response
}
