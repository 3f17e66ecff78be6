package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/metrics"
)

// Moderation answers the routes of services for moderation.
type Moderation struct {
	*Handler
	moderation chat.Moderation
}

// NewModeration returns the routes over moderation.
func NewModeration(h *Handler, moderation chat.Moderation) *Moderation {
	return &Moderation{Handler: h, moderation: moderation}
}

func suspension(s chat.Suspension) *api.Suspension {
	return &api.Suspension{User: s.User, Reason: s.Reason, By: s.By, Since: s.Since}
}

// Suspend answers PUT /api/admin/users/{user}/suspension.
func (m *Moderation) Suspend(ctx context.Context, c *app.RequestContext) {
	var request api.SuspendRequest
	if err := m.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	suspended, err := m.moderation.Suspend(ctx, chat.UserAction{User: c.Param("user"), Reason: request.Reason})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, suspension(suspended))
}

// Restore answers DELETE /api/admin/users/{user}/suspension.
func (m *Moderation) Restore(ctx context.Context, c *app.RequestContext) {
	if err := m.moderation.Restore(ctx, chat.UserAction{User: c.Param("user"), Reason: query(c, "reason")}); err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// Suspensions answers GET /api/admin/suspensions.
func (m *Moderation) Suspensions(ctx context.Context, c *app.RequestContext) {
	asked := chat.SuspensionsRequest{Cursor: query(c, "cursor")}
	page, ok := ask(ctx, c, &asked, numbers{"limit": &asked.Limit}, m.moderation.Suspensions)
	if !ok {
		return
	}
	answer := &api.SuspensionsResponse{Suspensions: make([]*api.Suspension, len(page.Suspensions)), HasMore: page.HasMore, NextCursor: page.NextCursor}
	for i, s := range page.Suspensions {
		answer.Suspensions[i] = suspension(s)
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// Audit answers GET /api/audit.
func (m *Moderation) Audit(ctx context.Context, c *app.RequestContext) {
	var asked chat.AuditRequest
	page, ok := ask(ctx, c, &asked, numbers{"cursor": &asked.Cursor, "limit": &asked.Limit}, m.moderation.Audit)
	if !ok {
		return
	}
	answer := &api.AuditResponse{Entries: make([]*api.AuditEntry, len(page.Entries)), HasMore: page.HasMore, NextCursor: page.NextCursor}
	for i, e := range page.Entries {
		answer.Entries[i] = &api.AuditEntry{
			At: e.At, By: e.By, Action: string(e.Action), User: given(e.User), Reason: given(e.Reason), RequestId: given(e.RequestID),
			Chat: given(e.Chat),
		}
		if e.ByUser {
			answer.Entries[i].ByUser = &e.ByUser
		}
		if e.Ref > 0 {
			answer.Entries[i].SendTime = &e.Ref
		}
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// Sessions answers GET /api/admin/users/{user}/sessions.
func (m *Moderation) Sessions(ctx context.Context, c *app.RequestContext) {
	sessions, err := m.moderation.UserSessions(ctx, c.Param("user"))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.UserSessionsResponse{Sessions: make([]*api.UserSession, len(sessions))}
	for i, s := range sessions {
		answer.Sessions[i] = &api.UserSession{Session: s.ID, Used: s.Used, Expires: s.Expires}
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// EndSessions answers DELETE /api/admin/users/{user}/sessions, and the route of one session.
func (m *Moderation) EndSessions(ctx context.Context, c *app.RequestContext) {
	err := m.moderation.EndSessions(ctx, chat.UserAction{User: c.Param("user"), Reason: query(c, "reason")}, c.Param("session"))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// ResetPassword answers PUT /api/admin/users/{user}/password.
func (m *Moderation) ResetPassword(ctx context.Context, c *app.RequestContext) {
	var request api.ResetPasswordRequest
	err := m.readJSON(c, &request)
	if err == nil {
		err = m.moderation.ResetPassword(ctx, chat.UserAction{User: c.Param("user"), Reason: request.Reason}, request.Password)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// Rooms answers GET /api/admin/rooms.
func (m *Moderation) Rooms(ctx context.Context, c *app.RequestContext) {
	listRooms(ctx, c, m.moderation.AllRooms)
}

// Metrics answers GET /api/admin/metrics: those of this http-server, for services.
func (m *Moderation) Metrics(ctx context.Context, c *app.RequestContext) {
	if by, _ := chat.CallerOf(ctx); !by.Service {
		reply.Fail(c, chat.ForServices())
		return
	}
	text, on, err := m.config.Metrics.Text()
	switch {
	case err != nil:
		reply.Fail(c, err)
	case !on:
		reply.Fail(c, chat.Errorf(chat.NotFound, "metrics are off: start http-server with METRICS_ADDR, such as 127.0.0.1:9090"))
	default:
		c.Data(consts.StatusOK, metrics.TextType, text)
	}
}
