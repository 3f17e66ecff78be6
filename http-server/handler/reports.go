package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

func answeredReport(r chat.Report) *api.Report {
	return &api.Report{
		Report: r.ID, Chat: r.Chat, SendTime: some(r.Ref), User: r.User, By: r.By, Reason: r.Reason, Text: given(r.Text), State: string(r.State),
		Note: given(r.Note), ResolvedBy: given(r.ResolvedBy), ResolvedAt: some(r.ResolvedAt),
	}
}

func answerReport(c *app.RequestContext, status int, r chat.Report, err error) {
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, status, answeredReport(r))
}

// Report answers POST /api/reports.
func (m *Moderation) Report(ctx context.Context, c *app.RequestContext) {
	var request api.ReportRequest
	if err := m.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	made, err := m.moderation.Report(ctx, chat.NewReport{
		Chat: request.Chat, Ref: request.SendTime, User: request.User, Reason: request.Reason, As: query(c, "as"),
	})
	answerReport(c, consts.StatusCreated, made, err)
}

// Reports answers GET /api/reports.
func (m *Moderation) Reports(ctx context.Context, c *app.RequestContext) {
	asked := chat.ReportsRequest{State: chat.ReportState(query(c, "state"))}
	page, ok := ask(ctx, c, &asked, numbers{"cursor": &asked.Cursor, "limit": &asked.Limit}, m.moderation.Reports)
	if !ok {
		return
	}
	answer := &api.ReportsResponse{Reports: make([]*api.Report, len(page.Reports)), HasMore: page.HasMore, NextCursor: page.NextCursor}
	for i, r := range page.Reports {
		answer.Reports[i] = answeredReport(r)
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// ResolveReport answers PATCH /api/reports/{report}.
func (m *Moderation) ResolveReport(ctx context.Context, c *app.RequestContext) {
	id, err := queryInt("report", []byte(c.Param("report")))
	var request api.ChangeReportRequest
	if err == nil {
		err = m.readJSON(c, &request)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	resolved, err := m.moderation.ResolveReport(ctx, chat.ReportChange{ID: id, State: chat.ReportState(request.State), Note: request.Note})
	answerReport(c, consts.StatusOK, resolved, err)
}

// Online answers GET /api/online.
func (m *Moderation) Online(ctx context.Context, c *app.RequestContext) {
	asked := chat.OnlineRequest{Cursor: query(c, "cursor")}
	page, ok := ask(ctx, c, &asked, numbers{"limit": &asked.Limit}, m.moderation.Online)
	if !ok {
		return
	}
	if page.Users == nil {
		page.Users = []string{}
	}
	reply.JSON(c, consts.StatusOK, &api.OnlineResponse{Users: page.Users, HasMore: page.HasMore, NextCursor: page.NextCursor})
}

// ExportUser answers GET /api/users/{user}/export.
func (m *Moderation) ExportUser(ctx context.Context, c *app.RequestContext) {
	asked := chat.ExportRequest{User: c.Param("user"), Cursor: query(c, "cursor"), Reason: query(c, "reason")}
	page, ok := ask(ctx, c, &asked, numbers{"limit": &asked.Limit}, m.moderation.ExportUser)
	if !ok {
		return
	}
	answer := &api.UserExport{
		Messages: make([]*api.Message, len(page.Messages)), HasMore: page.HasMore, NextCursor: page.NextCursor, Suspended: some(page.Suspended),
	}
	if a := page.Account; a.User != "" {
		answer.Account = &api.Account{User: a.User, Name: a.Name, Created: a.Created}
	}
	for _, r := range page.Rooms {
		answer.Rooms = append(answer.Rooms, room(r))
	}
	for i := range page.Messages {
		answer.Messages[i] = answeredMessage(&page.Messages[i])
	}
	reply.JSON(c, consts.StatusOK, answer)
}
