package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func reportTo(r chat.Report) *rpc.Report {
	return &rpc.Report{
		Id: r.ID, Chat: r.Chat, Ref: optional(r.Ref), User: r.User, By: r.By, Reason: r.Reason, Text: optional(r.Text),
		State: string(r.State), Note: optional(r.Note), ResolvedBy: optional(r.ResolvedBy), ResolvedAt: optional(r.ResolvedAt),
	}
}

func reportOf(r *rpc.Report) chat.Report {
	if r == nil {
		return chat.Report{}
	}
	return chat.Report{
		ID: r.GetId(), Chat: r.GetChat(), Ref: r.GetRef(), User: r.GetUser(), By: r.GetBy(), Reason: r.GetReason(), Text: r.GetText(),
		State: chat.ReportState(r.GetState()), Note: r.GetNote(), ResolvedBy: r.GetResolvedBy(), ResolvedAt: r.GetResolvedAt(),
	}
}

func ReportRequest(r chat.NewReport, by chat.Caller, requestID string) *rpc.ReportRequest {
	return &rpc.ReportRequest{
		Chat: r.Chat, Ref: optional(r.Ref), User: optional(r.User), Reason: r.Reason, As: optional(r.As), Meta: meta(by, requestID),
	}
}

func NewReportOf(r *rpc.ReportRequest) chat.NewReport {
	return chat.NewReport{Chat: r.Chat, Ref: r.GetRef(), User: r.GetUser(), Reason: r.Reason, As: r.GetAs()}
}

func ReportResponse(made chat.Report, err error) *rpc.ReportResponse {
	code, text := outcome(err)
	response := &rpc.ReportResponse{Code: code, Msg: text, RetryAfter: retryAfter(err)}
	if err == nil {
		response.Report = reportTo(made)
	}
	return response
}

func ReportOf(r *rpc.ReportResponse) (chat.Report, error) {
	return reportOf(r.Report), errorAfter(r.Code, r.Msg, r.GetRetryAfter())
}

func ResolveReportRequest(c chat.ReportChange, by chat.Caller, requestID string) *rpc.ResolveReportRequest {
	return &rpc.ResolveReportRequest{Id: c.ID, State: string(c.State), Note: optional(c.Note), Meta: meta(by, requestID)}
}

func ReportChangeOf(r *rpc.ResolveReportRequest) chat.ReportChange {
	return chat.ReportChange{ID: r.Id, State: chat.ReportState(r.State), Note: r.GetNote(), RequestID: RequestIDOf(r)}
}

func ReportsRequest(r chat.ReportsRequest, by chat.Caller, requestID string) *rpc.ReportsRequest {
	return &rpc.ReportsRequest{State: optional(string(r.State)), Cursor: optional(r.Cursor), Limit: optional(r.Limit), Meta: meta(by, requestID)}
}

func ReportsRequestOf(r *rpc.ReportsRequest) chat.ReportsRequest {
	return chat.ReportsRequest{State: chat.ReportState(r.GetState()), Cursor: r.GetCursor(), Limit: r.GetLimit()}
}

func ReportsResponse(p chat.ReportPage, err error) *rpc.ReportsResponse {
	code, text := outcome(err)
	return &rpc.ReportsResponse{
		Code: code, Msg: text, Reports: convertTo(p.Reports, reportTo), HasMore: optional(p.HasMore), Cursor: optional(p.NextCursor),
	}
}

func ReportsOf(r *rpc.ReportsResponse) (chat.ReportPage, error) {
	return chat.ReportPage{Reports: convert(r.Reports, reportOf), HasMore: r.GetHasMore(), NextCursor: r.GetCursor()}, errorOf(r.Code, r.Msg)
}

func OnlineRequest(r chat.OnlineRequest, by chat.Caller, requestID string) *rpc.OnlineRequest {
	return &rpc.OnlineRequest{Cursor: optional(r.Cursor), Limit: optional(r.Limit), Meta: meta(by, requestID)}
}

func OnlineRequestOf(r *rpc.OnlineRequest) chat.OnlineRequest {
	return chat.OnlineRequest{Cursor: r.GetCursor(), Limit: r.GetLimit()}
}

func OnlineResponse(p chat.OnlinePage, err error) *rpc.OnlineResponse {
	code, text := outcome(err)
	return &rpc.OnlineResponse{Code: code, Msg: text, Users: p.Users, HasMore: optional(p.HasMore), Cursor: optional(p.NextCursor)}
}

func OnlineOf(r *rpc.OnlineResponse) (chat.OnlinePage, error) {
	return chat.OnlinePage{Users: r.Users, HasMore: r.GetHasMore(), NextCursor: r.GetCursor()}, errorOf(r.Code, r.Msg)
}

func ExportUserRequest(r chat.ExportRequest, by chat.Caller, requestID string) *rpc.ExportUserRequest {
	return &rpc.ExportUserRequest{
		User: r.User, Cursor: optional(r.Cursor), Limit: optional(r.Limit), Reason: optional(r.Reason), Meta: meta(by, requestID),
	}
}

func ExportRequestOf(r *rpc.ExportUserRequest) chat.ExportRequest {
	return chat.ExportRequest{
		User: r.User, Cursor: r.GetCursor(), Limit: r.GetLimit(), Reason: r.GetReason(), RequestID: RequestIDOf(r),
	}
}

func ExportUserResponse(e chat.UserExport, err error) *rpc.ExportUserResponse {
	code, text := outcome(err)
	response := &rpc.ExportUserResponse{
		Code: code, Msg: text, Suspended: optional(e.Suspended), Rooms: convertTo(e.Rooms, room),
		Messages: convertTo(e.Messages, func(m chat.Message) *rpc.Message {
			wired := message(m)
			return &wired
		}), HasMore: optional(e.HasMore), Cursor: optional(e.NextCursor),
	}
	if e.Account.User != "" {
		response.Account = account(e.Account)
	}
	return response
}

func UserExportOf(r *rpc.ExportUserResponse) (chat.UserExport, error) {
	return chat.UserExport{
		Account: accountOf(r.Account), Suspended: r.GetSuspended(), Rooms: convert(r.Rooms, roomOf), Messages: convert(r.Messages, messageOf),
		HasMore: r.GetHasMore(), NextCursor: r.GetCursor(),
	}, errorOf(r.Code, r.Msg)
}
