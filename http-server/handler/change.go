package handler

import (
	"context"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Changes answers the routes that change messages.
type Changes struct {
	*Handler

	changes chat.Changes
}

// NewChanges returns the Changes of a part of the domain.
func NewChanges(h *Handler, changes chat.Changes) *Changes { return &Changes{h, changes} }

// ChangeQuery are the parameters of a change without a body.
var ChangeQuery = []string{"chat", "send_time", "sender", "id"}

// ReactionQuery are the parameters of a reaction without a body.
var ReactionQuery = append([]string{"emoji"}, ChangeQuery...)

// Edit answers PATCH /api/messages.
func (h *Changes) Edit(ctx context.Context, c *app.RequestContext) {
	h.change(ctx, c, chat.MessageEdited)
}

// Delete answers DELETE /api/messages.
func (h *Changes) Delete(ctx context.Context, c *app.RequestContext) {
	h.change(ctx, c, chat.MessageDeleted)
}

// React answers PUT /api/reactions.
func (h *Changes) React(ctx context.Context, c *app.RequestContext) {
	h.change(ctx, c, chat.MessageReacted)
}

// Unreact answers DELETE /api/reactions.
func (h *Changes) Unreact(ctx context.Context, c *app.RequestContext) {
	h.change(ctx, c, chat.MessageUnreacted)
}

// Thread answers GET /api/thread.
func (h *Changes) Thread(ctx context.Context, c *app.RequestContext) {
	request := chat.ThreadRequest{Chat: query(c, "chat"), Reader: query(c, "reader")}
	var err error
	for _, number := range []struct {
		name string
		into *int64
	}{{"send_time", &request.Ref}, {"cursor", &request.Cursor}, {"limit", &request.Limit}} {
		if value := query(c, number.name); value != "" && err == nil {
			*number.into, err = queryInt(number.name, []byte(value))
		}
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	page, err := h.changes.Thread(ctx, request)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	replyPage(c, request.Chat, &page)
}

// Versions answers GET /api/messages/history.
func (h *Changes) Versions(ctx context.Context, c *app.RequestContext) {
	asked := chat.VersionsRequest{Chat: query(c, "chat")}
	read := numbers{"send_time": &asked.Ref, "cursor": &asked.Cursor, "limit": &asked.Limit}
	page, ok := ask(ctx, c, &asked, read, h.changes.Versions)
	if !ok {
		return
	}
	answer := &api.VersionsResponse{Versions: make([]*api.MessageVersion, len(page.Versions)), HasMore: page.HasMore, NextCursor: page.NextCursor}
	for i, v := range page.Versions {
		answer.Versions[i] = &api.MessageVersion{SendTime: v.SendTime, Sender: v.Sender, Text: v.Text}
	}
	reply.JSON(c, consts.StatusOK, answer)
}

func (h *Changes) change(ctx context.Context, c *app.RequestContext, kind chat.NoticeEvent) {
	change, err := h.readChange(c, kind)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	receipt, err := h.changes.Change(ctx, change)
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

// readChange takes a change from a JSON body, the query string, or both; the query string wins.
func (h *Changes) readChange(c *app.RequestContext, kind chat.NoticeEvent) (chat.Change, error) {
	var request api.ChangeRequest
	body, err := readBody(c, h.config.MaxBodyBytes)
	if err == nil && (len(body) > 0 || len(c.URI().QueryString()) == 0) {
		err = decodeChange(body, &request)
	}
	if err == nil {
		err = readChangeQuery(c, &request)
	}
	if err == nil {
		request.Id, err = idOrKey(c, request.Id)
	}
	return chat.Change{
		Chat: request.Chat, Ref: request.SendTime, Kind: kind, Sender: request.Sender, ID: request.Id, Text: request.Text, Emoji: request.Emoji,
	}, err
}

func readChangeQuery(c *app.RequestContext, request *api.ChangeRequest) (err error) {
	c.QueryArgs().VisitAll(func(name, value []byte) {
		if err != nil || len(value) == 0 {
			return
		}
		switch strings.ToLower(string(name)) {
		case "chat":
			request.Chat = string(value)
		case "send_time":
			request.SendTime, err = queryInt("send_time", value)
		case "sender":
			request.Sender = string(value)
		case "emoji":
			request.Emoji = string(value)
		case "id":
			request.Id = string(value)
		}
	})
	return err
}

// idOrKey returns a request's id, or that of the header that means the same.
func idOrKey(c *app.RequestContext, id string) (string, error) {
	key := string(c.GetHeader(idempotencyKey))
	if key != "" && id != "" && id != key {
		return "", chat.Errorf(chat.InvalidArgument, "id and the header %s differ; give one of them", idempotencyKey)
	}
	if key != "" {
		return key, nil
	}
	return id, nil
}
