package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func RestraintsRequest(r chat.RestraintsRequest, by chat.Caller, requestID string) *rpc.RestraintsRequest {
	return &rpc.RestraintsRequest{
		Room: r.Room, Kind: string(r.Kind), As: optional(r.As), Cursor: optional(r.Cursor), Limit: optional(r.Limit), Meta: meta(by, requestID),
	}
}

func RestraintsRequestOf(r *rpc.RestraintsRequest) chat.RestraintsRequest {
	return chat.RestraintsRequest{
		Room: r.Room, Kind: chat.RestraintKind(r.Kind), As: r.GetAs(), Cursor: r.GetCursor(), Limit: r.GetLimit(),
	}
}

func RestraintsResponse(p chat.RestraintPage, err error) *rpc.RestraintsResponse {
	code, text := outcome(err)
	return &rpc.RestraintsResponse{
		Code: code, Msg: text, HasMore: optional(p.HasMore), Cursor: optional(p.NextCursor),
		Restraints: convertTo(p.Restraints, func(r chat.Restraint) *rpc.Restraint {
			return &rpc.Restraint{User: r.User, Until: r.Until, Since: r.Since, By: r.By, Reason: optional(r.Reason)}
		}),
	}
}

// RestraintsOf reads the answer to a request for restraints of a kind.
func RestraintsOf(kind chat.RestraintKind) func(*rpc.RestraintsResponse) (chat.RestraintPage, error) {
	return func(r *rpc.RestraintsResponse) (chat.RestraintPage, error) {
		return chat.RestraintPage{
			HasMore: r.GetHasMore(), NextCursor: r.GetCursor(),
			Restraints: convert(r.Restraints, func(r *rpc.Restraint) chat.Restraint {
				return chat.Restraint{Kind: kind, User: r.GetUser(), Until: r.GetUntil(), Since: r.GetSince(), By: r.GetBy(), Reason: r.GetReason()}
			}),
		}, errorOf(r.Code, r.Msg)
	}
}
