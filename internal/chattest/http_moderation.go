package chattest

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Suspend implements chat.Moderation.
func (s OverHTTP) Suspend(ctx context.Context, a chat.UserAction) (chat.Suspension, error) {
	suspended, err := s.as(ctx).Suspend(ctx, a.User, a.Reason)
	return chat.Suspension(suspended), answered(err)
}

// Restore implements chat.Moderation.
func (s OverHTTP) Restore(ctx context.Context, a chat.UserAction) error {
	return answered(s.as(ctx).Restore(ctx, a.User, a.Reason))
}

// Suspensions implements chat.Moderation.
func (s OverHTTP) Suspensions(ctx context.Context, r chat.SuspensionsRequest) (chat.SuspensionPage, error) {
	read, err := s.as(ctx).Suspensions(ctx, r.Cursor, r.Limit)
	page := chat.SuspensionPage{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, suspended := range read.Suspensions {
		page.Suspensions = append(page.Suspensions, chat.Suspension(suspended))
	}
	return page, answered(err)
}

// Audit implements chat.Moderation.
func (s OverHTTP) Audit(ctx context.Context, r chat.AuditRequest) (chat.AuditPage, error) {
	read, err := s.as(ctx).Audit(ctx, r.Cursor, r.Limit)
	page := chat.AuditPage{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, e := range read.Entries {
		page.Entries = append(page.Entries, chat.AuditEntry{
			At: e.At, By: e.By, Action: chat.AuditAction(e.Action), User: e.User, Reason: e.Reason, RequestID: e.RequestID,
			ByUser: e.ByUser, Chat: e.Chat, Ref: e.SendTime,
		})
	}
	return page, answered(err)
}

// UserSessions implements chat.Moderation.
func (s OverHTTP) UserSessions(ctx context.Context, user string) ([]chat.UserSession, error) {
	read, err := s.as(ctx).UserSessions(ctx, user)
	sessions := make([]chat.UserSession, len(read))
	for i, session := range read {
		sessions[i] = chat.UserSession{ID: session.Session, Used: session.Used, Expires: session.Expires}
	}
	return sessions, answered(err)
}

// EndSessions implements chat.Moderation.
func (s OverHTTP) EndSessions(ctx context.Context, a chat.UserAction, session string) error {
	return answered(s.as(ctx).EndSessions(ctx, a.User, session, a.Reason))
}

// ResetPassword implements chat.Moderation.
func (s OverHTTP) ResetPassword(ctx context.Context, a chat.UserAction, password string) error {
	return answered(s.as(ctx).ResetPassword(ctx, a.User, password, a.Reason))
}

// AllRooms implements chat.Moderation.
func (s OverHTTP) AllRooms(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return roomPage(s.as(ctx).AllRooms(ctx, r.Cursor, r.Limit))
}
