package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Moderation = (*Client)(nil)

// Suspend implements chat.Moderation. A repeated one changes nothing.
func (c *Client) Suspend(ctx context.Context, a chat.UserAction) (chat.Suspension, error) {
	return ask(ctx, c, reads, imservice.Client.Suspend, wire.SuspendRequest(a, caller(ctx), logging.RequestID(ctx)), wire.SuspendedOf)
}

// Restore implements chat.Moderation. A repeated one changes nothing.
func (c *Client) Restore(ctx context.Context, a chat.UserAction) error {
	return tell(ctx, c, reads, imservice.Client.Restore, wire.RestoreRequest(a, caller(ctx), logging.RequestID(ctx)), wire.RestoredOf)
}

// Suspensions implements chat.Moderation.
func (c *Client) Suspensions(ctx context.Context, r chat.SuspensionsRequest) (chat.SuspensionPage, error) {
	return ask(ctx, c, reads, imservice.Client.Suspensions,
		wire.SuspensionsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.SuspensionsOf)
}

// Audit implements chat.Moderation.
func (c *Client) Audit(ctx context.Context, r chat.AuditRequest) (chat.AuditPage, error) {
	return ask(ctx, c, reads, imservice.Client.Audit, wire.AuditRequest(r, caller(ctx), logging.RequestID(ctx)), wire.AuditOf)
}

// UserSessions implements chat.Moderation.
func (c *Client) UserSessions(ctx context.Context, user string) ([]chat.UserSession, error) {
	return ask(ctx, c, reads, imservice.Client.UserSessions, wire.UserSessionsRequest(user, caller(ctx), logging.RequestID(ctx)), wire.UserSessionsOf)
}

// EndSessions implements chat.Moderation. A repeated one changes nothing.
func (c *Client) EndSessions(ctx context.Context, a chat.UserAction, session string) error {
	return tell(ctx, c, reads, imservice.Client.EndSessions,
		wire.EndSessionsRequest(a, session, caller(ctx), logging.RequestID(ctx)), wire.SessionsEndedOf)
}

// ResetPassword implements chat.Moderation. A repeated one sets the same password, and is another entry of the audit log.
func (c *Client) ResetPassword(ctx context.Context, a chat.UserAction, password string) error {
	return tell(ctx, c, reads, imservice.Client.ResetPassword,
		wire.ResetPasswordRequest(a, password, caller(ctx), logging.RequestID(ctx)), wire.PasswordResetOf)
}

// AllRooms implements chat.Moderation.
func (c *Client) AllRooms(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return ask(ctx, c, reads, imservice.Client.AllRooms, wire.RoomsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RoomPageOf)
}

// Report implements chat.Moderation. A repeated one answers the first, while it is open.
func (c *Client) Report(ctx context.Context, r chat.NewReport) (chat.Report, error) {
	return ask(ctx, c, reads, imservice.Client.Report, wire.ReportRequest(r, caller(ctx), logging.RequestID(ctx)), wire.ReportOf)
}

// Reports implements chat.Moderation.
func (c *Client) Reports(ctx context.Context, r chat.ReportsRequest) (chat.ReportPage, error) {
	return ask(ctx, c, reads, imservice.Client.Reports, wire.ReportsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.ReportsOf)
}

// ResolveReport implements chat.Moderation. A repeated one changes nothing.
func (c *Client) ResolveReport(ctx context.Context, r chat.ReportChange) (chat.Report, error) {
	return ask(ctx, c, reads, imservice.Client.ResolveReport, wire.ResolveReportRequest(r, caller(ctx), logging.RequestID(ctx)), wire.ReportOf)
}

// Online implements chat.Moderation.
func (c *Client) Online(ctx context.Context, r chat.OnlineRequest) (chat.OnlinePage, error) {
	return ask(ctx, c, reads, imservice.Client.Online, wire.OnlineRequest(r, caller(ctx), logging.RequestID(ctx)), wire.OnlineOf)
}

// ExportUser implements chat.Moderation. A repeated one is another entry of the audit log.
func (c *Client) ExportUser(ctx context.Context, r chat.ExportRequest) (chat.UserExport, error) {
	return ask(ctx, c, reads, imservice.Client.ExportUser, wire.ExportUserRequest(r, caller(ctx), logging.RequestID(ctx)), wire.UserExportOf)
}
