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
