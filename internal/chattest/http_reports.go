package chattest

import (
	"context"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

func reportFrom(r client.Report, err error) (chat.Report, error) {
	return chat.Report{
		ID: r.Report, Chat: r.Chat, Ref: r.SendTime, User: r.User, By: r.By, Reason: r.Reason, Text: r.Text, State: chat.ReportState(r.State),
		Note: r.Note, ResolvedBy: r.ResolvedBy, ResolvedAt: r.ResolvedAt,
	}, answered(err)
}

// Report implements chat.Moderation.
func (s OverHTTP) Report(ctx context.Context, r chat.NewReport) (chat.Report, error) {
	return reportFrom(s.as(ctx).Report(ctx, client.NewReport{Chat: r.Chat, SendTime: r.Ref, User: r.User, Reason: r.Reason, As: r.As}))
}

// Reports implements chat.Moderation.
func (s OverHTTP) Reports(ctx context.Context, r chat.ReportsRequest) (chat.ReportPage, error) {
	read, err := s.as(ctx).Reports(ctx, string(r.State), r.Cursor, r.Limit)
	page := chat.ReportPage{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, one := range read.Reports {
		report, _ := reportFrom(one, nil)
		page.Reports = append(page.Reports, report)
	}
	return page, answered(err)
}

// ResolveReport implements chat.Moderation.
func (s OverHTTP) ResolveReport(ctx context.Context, c chat.ReportChange) (chat.Report, error) {
	return reportFrom(s.as(ctx).ResolveReport(ctx, c.ID, c.Note))
}

// Online implements chat.Moderation.
func (s OverHTTP) Online(ctx context.Context, r chat.OnlineRequest) (chat.OnlinePage, error) {
	read, err := s.as(ctx).Online(ctx, r.Cursor, r.Limit)
	return chat.OnlinePage(read), answered(err)
}

// ExportUser implements chat.Moderation.
func (s OverHTTP) ExportUser(ctx context.Context, r chat.ExportRequest) (chat.UserExport, error) {
	read, err := s.as(ctx).ExportUser(ctx, r.User, r.Cursor, r.Limit, r.Reason)
	page := chat.UserExport{Suspended: read.Suspended, HasMore: read.HasMore, NextCursor: read.NextCursor}
	if a := read.Account; a != nil {
		page.Account = chat.Account{User: a.User, Name: a.Name, Created: a.Created}
	}
	for _, one := range read.Rooms {
		r, _ := roomFrom(one, nil)
		page.Rooms = append(page.Rooms, r)
	}
	for i := range read.Messages {
		page.Messages = append(page.Messages, messageFrom(read.Messages[i]))
	}
	return page, answered(err)
}
