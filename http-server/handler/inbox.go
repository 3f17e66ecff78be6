package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// InboxService are the readers of chats and their inboxes.
type InboxService interface {
	chat.Inboxes
	chat.Readers
}

// Inboxes answers the routes of readers.
type Inboxes struct {
	*Handler

	readers InboxService
}

// NewInboxes returns the Inboxes of readers.
func NewInboxes(h *Handler, readers InboxService) *Inboxes { return &Inboxes{h, readers} }

// Inbox answers GET /api/inbox.
func (i *Inboxes) Inbox(ctx context.Context, c *app.RequestContext) {
	request, err := readInbox(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	inbox, err := i.readers.Inbox(ctx, request)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	response := &api.InboxResponse{
		Chats: make([]*api.InboxEntry, len(inbox.Entries)), HasMore: inbox.HasMore, NextCursor: inbox.NextCursor,
	}
	for k, e := range inbox.Entries {
		response.Chats[k] = &api.InboxEntry{Chat: e.Chat, Unread: int64(e.Unread), Mentions: int64(e.Mentions), Cursor: e.Cursor}
		if e.Last != nil {
			response.Chats[k].LastMessage = answeredMessage(e.Last)
		}
		if e.Name != "" {
			response.Chats[k].Name = &inbox.Entries[k].Name
		}
		for _, u := range e.Users {
			response.Chats[k].Users = append(response.Chats[k].Users, &api.UserName{User: u.User, Name: u.Name})
		}
	}
	reply.JSON(c, consts.StatusOK, response)
}

func readInbox(ctx context.Context, c *app.RequestContext) (r chat.InboxRequest, err error) {
	r.Names = true
	if r.Reader, err = chat.ActingReader(ctx, query(c, "reader")); err != nil {
		return r, err
	}
	if cursor := query(c, "cursor"); cursor != "" {
		r.Cursor, err = queryInt("cursor", []byte(cursor))
	}
	if limit := query(c, "limit"); err == nil && limit != "" {
		r.Limit, err = queryInt("limit", []byte(limit))
	}
	return r, err
}

// Unread answers GET /api/unread.
func (i *Inboxes) Unread(ctx context.Context, c *app.RequestContext) {
	request, err := readInbox(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	page, err := i.readers.Unread(ctx, chat.UnreadRequest{Reader: request.Reader, Cursor: request.Cursor, Limit: request.Limit})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	response := &api.UnreadResponse{
		Chats: make([]*api.UnreadChat, len(page.Chats)), HasMore: page.HasMore, NextCursor: page.NextCursor,
	}
	for k, u := range page.Chats {
		response.Chats[k] = &api.UnreadChat{Chat: u.Chat, Unread: int64(u.Count), Mentions: int64(u.Mentions)}
	}
	reply.JSON(c, consts.StatusOK, response)
}
