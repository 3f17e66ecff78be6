package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// fakeModeration is moderation, likewise.
type fakeModeration struct{ service *fakeService }

func (f fakeModeration) Suspend(_ context.Context, a chat.UserAction) (chat.Suspension, error) {
	return chat.Suspension{User: a.User, Reason: a.Reason, By: "backend", Since: 1}, f.service.err()
}

func (f fakeModeration) Restore(context.Context, chat.UserAction) error { return f.service.err() }

func (f fakeModeration) Suspensions(context.Context, chat.SuspensionsRequest) (chat.SuspensionPage, error) {
	return chat.SuspensionPage{Suspensions: []chat.Suspension{{User: "a", Reason: "spam", By: "backend", Since: 1}}, HasMore: true, NextCursor: "b"}, f.service.err()
}

func (f fakeModeration) Audit(context.Context, chat.AuditRequest) (chat.AuditPage, error) {
	return chat.AuditPage{Entries: []chat.AuditEntry{
		{At: 2, By: "backend", Action: chat.AuditRestore}, {At: 1, By: "backend", Action: chat.AuditSuspend, User: "a", Reason: "spam", RequestID: "id"},
	}, HasMore: true, NextCursor: 1}, f.service.err()
}

func (f fakeModeration) UserSessions(context.Context, string) ([]chat.UserSession, error) {
	return []chat.UserSession{{ID: "c2Vzc2lvbg", Used: 1, Expires: 2}}, f.service.err()
}

func (f fakeModeration) EndSessions(context.Context, chat.UserAction, string) error {
	return f.service.err()
}

func (f fakeModeration) ResetPassword(context.Context, chat.UserAction, string) error {
	return f.service.err()
}

func (f fakeModeration) AllRooms(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return fakeRooms(f).PublicRooms(ctx, r)
}

func (f fakeModeration) Report(_ context.Context, r chat.NewReport) (chat.Report, error) {
	return chat.Report{ID: 1, Chat: r.Chat, Ref: r.Ref, User: "b", By: "a", Reason: r.Reason, State: chat.ReportOpen}, f.service.err()
}

func (f fakeModeration) Reports(context.Context, chat.ReportsRequest) (chat.ReportPage, error) {
	return chat.ReportPage{Reports: []chat.Report{
		{ID: 1, Chat: "a:b", Ref: 1, User: "b", By: "a", Reason: "rude", Text: "x", State: chat.ReportOpen},
		{ID: 2, Chat: "a:b", User: "b", By: "a", Reason: "rude", State: chat.ReportResolved, Note: "warned", ResolvedBy: "backend", ResolvedAt: 3},
	}, HasMore: true, NextCursor: 3}, f.service.err()
}

func (f fakeModeration) ResolveReport(_ context.Context, c chat.ReportChange) (chat.Report, error) {
	return chat.Report{ID: c.ID, Chat: "a:b", User: "b", By: "a", Reason: "rude", State: c.State, ResolvedBy: "backend", ResolvedAt: 3}, f.service.err()
}

func (f fakeModeration) Online(context.Context, chat.OnlineRequest) (chat.OnlinePage, error) {
	return chat.OnlinePage{Users: []string{"a"}, HasMore: true, NextCursor: "7"}, f.service.err()
}

func (f fakeModeration) ExportUser(_ context.Context, r chat.ExportRequest) (chat.UserExport, error) {
	return chat.UserExport{
		Account: chat.Account{User: r.User, Name: "A", Created: 1}, Suspended: true,
		Rooms:    []chat.Room{{ID: "room", Visibility: chat.Public, Created: 1, Role: chat.Admin, Count: 1}},
		Messages: []chat.Message{{Chat: "a:b", Text: "x", Sender: r.User, SendTime: 1}}, HasMore: true, NextCursor: "1/a:b",
	}, f.service.err()
}
