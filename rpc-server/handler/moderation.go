package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// ofModeration is ask of moderation.
func ofModeration[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, chat.Moderation) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Moderation, "suspensions", method, r, do)
}

// Suspend suspends a user.
func (h *Handler) Suspend(ctx context.Context, r *rpc.SuspendRequest) (*rpc.SuspendResponse, error) {
	r = orEmpty(r)
	return wire.SuspendResponse(ofModeration(ctx, h, "Suspend", r, func(ctx context.Context, m chat.Moderation) (chat.Suspension, error) {
		return m.Suspend(ctx, wire.SuspendActionOf(r))
	})), nil
}

// Restore ends a suspension.
func (h *Handler) Restore(ctx context.Context, r *rpc.RestoreRequest) (*rpc.RestoreResponse, error) {
	r = orEmpty(r)
	_, err := ofModeration(ctx, h, "Restore", r, func(ctx context.Context, m chat.Moderation) (struct{}, error) {
		return done(m.Restore(ctx, wire.RestoreActionOf(r)))
	})
	return wire.RestoreResponse(err), nil
}

// Suspensions returns a page of the suspended users.
func (h *Handler) Suspensions(ctx context.Context, r *rpc.SuspensionsRequest) (*rpc.SuspensionsResponse, error) {
	r = orEmpty(r)
	return wire.SuspensionsResponse(ofModeration(ctx, h, "Suspensions", r, func(ctx context.Context, m chat.Moderation) (chat.SuspensionPage, error) {
		return m.Suspensions(ctx, wire.SuspensionsRequestOf(r))
	})), nil
}

// Audit returns a page of the audit log.
func (h *Handler) Audit(ctx context.Context, r *rpc.AuditRequest) (*rpc.AuditResponse, error) {
	r = orEmpty(r)
	return wire.AuditResponse(ofModeration(ctx, h, "Audit", r, func(ctx context.Context, m chat.Moderation) (chat.AuditPage, error) {
		return m.Audit(ctx, wire.AuditRequestOf(r))
	})), nil
}

// UserSessions returns the sessions of a user.
func (h *Handler) UserSessions(ctx context.Context, r *rpc.UserSessionsRequest) (*rpc.UserSessionsResponse, error) {
	r = orEmpty(r)
	return wire.UserSessionsResponse(ofModeration(ctx, h, "UserSessions", r, func(ctx context.Context, m chat.Moderation) ([]chat.UserSession, error) {
		return m.UserSessions(ctx, r.User)
	})), nil
}

// EndSessions ends sessions of a user.
func (h *Handler) EndSessions(ctx context.Context, r *rpc.EndSessionsRequest) (*rpc.EndSessionsResponse, error) {
	r = orEmpty(r)
	_, err := ofModeration(ctx, h, "EndSessions", r, func(ctx context.Context, m chat.Moderation) (struct{}, error) {
		return done(m.EndSessions(ctx, wire.EndSessionsActionOf(r), r.GetSession()))
	})
	return wire.EndSessionsResponse(err), nil
}

// ResetPassword replaces the password of a user.
func (h *Handler) ResetPassword(ctx context.Context, r *rpc.ResetPasswordRequest) (*rpc.ResetPasswordResponse, error) {
	r = orEmpty(r)
	_, err := ofModeration(ctx, h, "ResetPassword", r, func(ctx context.Context, m chat.Moderation) (struct{}, error) {
		return done(m.ResetPassword(ctx, wire.ResetPasswordActionOf(r), r.Password))
	})
	return wire.ResetPasswordResponse(err), nil
}

// AllRooms returns a page of all rooms.
func (h *Handler) AllRooms(ctx context.Context, r *rpc.RoomsRequest) (*rpc.RoomsResponse, error) {
	r = orEmpty(r)
	return wire.RoomsResponse(ofModeration(ctx, h, "AllRooms", r, func(ctx context.Context, m chat.Moderation) (chat.RoomPage, error) {
		return m.AllRooms(ctx, wire.RoomsRequestOf(r))
	})), nil
}

// Report makes a report.
func (h *Handler) Report(ctx context.Context, r *rpc.ReportRequest) (*rpc.ReportResponse, error) {
	r = orEmpty(r)
	return wire.ReportResponse(ofModeration(ctx, h, "Report", r, func(ctx context.Context, m chat.Moderation) (chat.Report, error) {
		return m.Report(ctx, wire.NewReportOf(r))
	})), nil
}

// Reports returns a page of reports.
func (h *Handler) Reports(ctx context.Context, r *rpc.ReportsRequest) (*rpc.ReportsResponse, error) {
	r = orEmpty(r)
	return wire.ReportsResponse(ofModeration(ctx, h, "Reports", r, func(ctx context.Context, m chat.Moderation) (chat.ReportPage, error) {
		return m.Reports(ctx, wire.ReportsRequestOf(r))
	})), nil
}

// ResolveReport resolves a report.
func (h *Handler) ResolveReport(ctx context.Context, r *rpc.ResolveReportRequest) (*rpc.ReportResponse, error) {
	r = orEmpty(r)
	return wire.ReportResponse(ofModeration(ctx, h, "ResolveReport", r, func(ctx context.Context, m chat.Moderation) (chat.Report, error) {
		return m.ResolveReport(ctx, wire.ReportChangeOf(r))
	})), nil
}

// Online returns a page of the users who are online.
func (h *Handler) Online(ctx context.Context, r *rpc.OnlineRequest) (*rpc.OnlineResponse, error) {
	r = orEmpty(r)
	return wire.OnlineResponse(ofModeration(ctx, h, "Online", r, func(ctx context.Context, m chat.Moderation) (chat.OnlinePage, error) {
		return m.Online(ctx, wire.OnlineRequestOf(r))
	})), nil
}

// ExportUser returns a page of a user's data.
func (h *Handler) ExportUser(ctx context.Context, r *rpc.ExportUserRequest) (*rpc.ExportUserResponse, error) {
	r = orEmpty(r)
	return wire.ExportUserResponse(ofModeration(ctx, h, "ExportUser", r, func(ctx context.Context, m chat.Moderation) (chat.UserExport, error) {
		return m.ExportUser(ctx, wire.ExportRequestOf(r))
	})), nil
}
