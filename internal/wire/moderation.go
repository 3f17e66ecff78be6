package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func suspensionTo(s chat.Suspension) *rpc.Suspension {
	return &rpc.Suspension{User: s.User, Reason: s.Reason, By: s.By, Since: s.Since}
}

func suspensionOf(s *rpc.Suspension) chat.Suspension {
	return chat.Suspension{User: s.GetUser(), Reason: s.GetReason(), By: s.GetBy(), Since: s.GetSince()}
}

func SuspendRequest(a chat.UserAction, by chat.Caller, requestID string) *rpc.SuspendRequest {
	return &rpc.SuspendRequest{User: a.User, Reason: a.Reason, Meta: meta(by, requestID)}
}

func SuspendActionOf(r *rpc.SuspendRequest) chat.UserAction {
	return chat.UserAction{User: r.User, Reason: r.Reason, RequestID: RequestIDOf(r)}
}

func SuspendResponse(s chat.Suspension, err error) *rpc.SuspendResponse {
	code, text := outcome(err)
	response := &rpc.SuspendResponse{Code: code, Msg: text}
	if err == nil {
		response.Suspension = suspensionTo(s)
	}
	return response
}

func SuspendedOf(r *rpc.SuspendResponse) (chat.Suspension, error) {
	if err := errorOf(r.Code, r.Msg); err != nil || r.Suspension == nil {
		return chat.Suspension{}, err
	}
	return suspensionOf(r.Suspension), nil
}

func RestoreRequest(a chat.UserAction, by chat.Caller, requestID string) *rpc.RestoreRequest {
	return &rpc.RestoreRequest{User: a.User, Reason: optional(a.Reason), Meta: meta(by, requestID)}
}

func RestoreActionOf(r *rpc.RestoreRequest) chat.UserAction {
	return chat.UserAction{User: r.User, Reason: r.GetReason(), RequestID: RequestIDOf(r)}
}

func RestoreResponse(err error) *rpc.RestoreResponse {
	code, text := outcome(err)
	return &rpc.RestoreResponse{Code: code, Msg: text}
}

func RestoredOf(r *rpc.RestoreResponse) error { return errorOf(r.Code, r.Msg) }

func SuspensionsRequest(r chat.SuspensionsRequest, by chat.Caller, requestID string) *rpc.SuspensionsRequest {
	return &rpc.SuspensionsRequest{Cursor: optional(r.Cursor), Limit: optional(r.Limit), Meta: meta(by, requestID)}
}

func SuspensionsRequestOf(r *rpc.SuspensionsRequest) chat.SuspensionsRequest {
	return chat.SuspensionsRequest{Cursor: r.GetCursor(), Limit: r.GetLimit()}
}

func SuspensionsResponse(p chat.SuspensionPage, err error) *rpc.SuspensionsResponse {
	code, text := outcome(err)
	return &rpc.SuspensionsResponse{
		Code: code, Msg: text, Suspensions: convertTo(p.Suspensions, suspensionTo), HasMore: optional(p.HasMore), Cursor: optional(p.NextCursor),
	}
}

func SuspensionsOf(r *rpc.SuspensionsResponse) (chat.SuspensionPage, error) {
	return chat.SuspensionPage{
		Suspensions: convert(r.Suspensions, suspensionOf), HasMore: r.GetHasMore(), NextCursor: r.GetCursor(),
	}, errorOf(r.Code, r.Msg)
}

func auditTo(e chat.AuditEntry) *rpc.AuditEntry {
	return &rpc.AuditEntry{
		At: e.At, By: e.By, Action: string(e.Action), User: optional(e.User), Reason: optional(e.Reason), RequestId: optional(e.RequestID),
		ByUser: optional(e.ByUser), Chat: optional(e.Chat), Ref: optional(e.Ref),
	}
}

func auditOf(e *rpc.AuditEntry) chat.AuditEntry {
	return chat.AuditEntry{
		At: e.GetAt(), By: e.GetBy(), Action: chat.AuditAction(e.GetAction()), User: e.GetUser(), Reason: e.GetReason(), RequestID: e.GetRequestId(),
		ByUser: e.GetByUser(), Chat: e.GetChat(), Ref: e.GetRef(),
	}
}

func AuditRequest(r chat.AuditRequest, by chat.Caller, requestID string) *rpc.AuditRequest {
	return &rpc.AuditRequest{Cursor: optional(r.Cursor), Limit: optional(r.Limit), Meta: meta(by, requestID)}
}

func AuditRequestOf(r *rpc.AuditRequest) chat.AuditRequest {
	return chat.AuditRequest{Cursor: r.GetCursor(), Limit: r.GetLimit()}
}

func AuditResponse(p chat.AuditPage, err error) *rpc.AuditResponse {
	code, text := outcome(err)
	return &rpc.AuditResponse{
		Code: code, Msg: text, Entries: convertTo(p.Entries, auditTo), HasMore: optional(p.HasMore), Cursor: optional(p.NextCursor),
	}
}

func AuditOf(r *rpc.AuditResponse) (chat.AuditPage, error) {
	return chat.AuditPage{Entries: convert(r.Entries, auditOf), HasMore: r.GetHasMore(), NextCursor: r.GetCursor()}, errorOf(r.Code, r.Msg)
}

func UserSessionsRequest(user string, by chat.Caller, requestID string) *rpc.UserSessionsRequest {
	return &rpc.UserSessionsRequest{User: user, Meta: meta(by, requestID)}
}

func UserSessionsResponse(sessions []chat.UserSession, err error) *rpc.UserSessionsResponse {
	code, text := outcome(err)
	return &rpc.UserSessionsResponse{Code: code, Msg: text, Sessions: convertTo(sessions, func(s chat.UserSession) *rpc.UserSession {
		return &rpc.UserSession{Id: s.ID, Used: s.Used, Expires: s.Expires}
	})}
}

func UserSessionsOf(r *rpc.UserSessionsResponse) ([]chat.UserSession, error) {
	return convert(r.Sessions, func(s *rpc.UserSession) chat.UserSession {
		return chat.UserSession{ID: s.GetId(), Used: s.GetUsed(), Expires: s.GetExpires()}
	}), errorOf(r.Code, r.Msg)
}

func EndSessionsRequest(a chat.UserAction, session string, by chat.Caller, requestID string) *rpc.EndSessionsRequest {
	return &rpc.EndSessionsRequest{User: a.User, Session: optional(session), Reason: optional(a.Reason), Meta: meta(by, requestID)}
}

func EndSessionsActionOf(r *rpc.EndSessionsRequest) chat.UserAction {
	return chat.UserAction{User: r.User, Reason: r.GetReason(), RequestID: RequestIDOf(r)}
}

func EndSessionsResponse(err error) *rpc.EndSessionsResponse {
	code, text := outcome(err)
	return &rpc.EndSessionsResponse{Code: code, Msg: text}
}

func SessionsEndedOf(r *rpc.EndSessionsResponse) error { return errorOf(r.Code, r.Msg) }

func ResetPasswordRequest(a chat.UserAction, password string, by chat.Caller, requestID string) *rpc.ResetPasswordRequest {
	return &rpc.ResetPasswordRequest{User: a.User, Password: password, Reason: optional(a.Reason), Meta: meta(by, requestID)}
}

func ResetPasswordActionOf(r *rpc.ResetPasswordRequest) chat.UserAction {
	return chat.UserAction{User: r.User, Reason: r.GetReason(), RequestID: RequestIDOf(r)}
}

func ResetPasswordResponse(err error) *rpc.ResetPasswordResponse {
	code, text := outcome(err)
	return &rpc.ResetPasswordResponse{Code: code, Msg: text}
}

func PasswordResetOf(r *rpc.ResetPasswordResponse) error { return errorOf(r.Code, r.Msg) }
