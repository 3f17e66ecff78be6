package wire

import (
	"math"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// Caller converts the caller of a request; nil is anonymous. The expiry of the token stays in the gateway.
func Caller(by chat.Caller) *rpc.Caller {
	if by.User == "" && !by.Service {
		return nil
	}
	caller := &rpc.Caller{User: optional(by.User)}
	if by.Service {
		caller.Service = &by.Service
	}
	return caller
}

// CallerOf is the reverse.
func CallerOf(c *rpc.Caller) chat.Caller {
	if c == nil {
		return chat.Caller{}
	}
	return chat.Caller{User: c.GetUser(), Service: c.GetService()}
}

// Notice converts a message's notice, which may be nil.
func Notice(n *chat.Notice) *rpc.Notice {
	if n == nil {
		return nil
	}
	return &rpc.Notice{
		Event: string(n.Event), Users: n.Users, Name: optional(n.Name), Ref: optional(n.Ref), Emoji: optional(n.Emoji),
	}
}

// NoticeOf is the reverse.
func NoticeOf(n *rpc.Notice) *chat.Notice {
	if n == nil {
		return nil
	}
	return &chat.Notice{
		Event: chat.NoticeEvent(n.Event), Users: n.Users, Name: n.GetName(), Ref: n.GetRef(), Emoji: n.GetEmoji(),
	}
}

func EnterRequest(chats []string, by chat.Caller, requestID string) *rpc.EnterRequest {
	r := &rpc.EnterRequest{Chats: chats, Meta: meta(by, requestID)}
	if by.Renews {
		r.Session = &by.Session
	}
	return r
}

// EntererOf returns the caller of an EnterRequest.
func EntererOf(r *rpc.EnterRequest) chat.Caller {
	by := CallerOf(RequesterOf(r))
	by.Session, by.Renews = r.GetSession(), r.IsSetSession()
	return by
}

func EnterResponse(err error) *rpc.EnterResponse {
	code, text := outcome(err)
	return &rpc.EnterResponse{Code: code, Msg: text}
}

func EnteredOf(r *rpc.EnterResponse) error { return errorOf(r.Code, r.Msg) }

func CreateRoomRequest(r chat.NewRoom, by chat.Caller, requestID string) *rpc.CreateRoomRequest {
	return &rpc.CreateRoomRequest{
		Id: optional(r.ID), Name: optional(r.Name), Visibility: optional(string(r.Visibility)), Users: r.Users,
		As: optional(r.As), Meta: meta(by, requestID), Retention: retention(r.Retention),
	}
}

// retention converts a room's retention to microseconds; nil is the server's.
func retention(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(d.Microseconds())
}

// retentionOf is the reverse. A value too long for a duration becomes the longest one, which the rules refuse.
func retentionOf(micros int64) time.Duration {
	return time.Duration(max(min(micros, math.MaxInt64/1000), math.MinInt64/1000)) * time.Microsecond
}

func NewRoomOf(r *rpc.CreateRoomRequest) chat.NewRoom {
	return chat.NewRoom{
		ID: r.GetId(), Name: r.GetName(), Visibility: chat.Visibility(r.GetVisibility()), Users: r.Users, As: r.GetAs(),
		Retention: retentionOf(r.GetRetention()),
	}
}

func ChangeRoomRequest(r chat.RoomChange, by chat.Caller, requestID string) *rpc.ChangeRoomRequest {
	return &rpc.ChangeRoomRequest{
		Room: r.Room, Kind: string(r.Kind), Users: r.Users, Name: optional(r.Name), As: optional(r.As),
		Meta: meta(by, requestID), Visibility: optional(string(r.Visibility)), Retention: retention(r.Retention),
		Until: optional(r.Until), Reason: optional(r.Reason), SlowMode: retention(r.SlowMode), Ref: optional(r.Ref),
	}
}

func RoomChangeOf(r *rpc.ChangeRoomRequest) chat.RoomChange {
	return chat.RoomChange{
		Room: r.Room, Kind: chat.ChangeKind(r.Kind), Users: r.Users, Name: r.GetName(), As: r.GetAs(),
		Visibility: chat.Visibility(r.GetVisibility()), Retention: retentionOf(r.GetRetention()),
		Until: r.GetUntil(), Reason: r.GetReason(), SlowMode: retentionOf(r.GetSlowMode()), Ref: r.GetRef(), RequestID: RequestIDOf(r),
	}
}

func RoomRequest(r chat.RoomRequest, by chat.Caller, requestID string) *rpc.RoomRequest {
	request := &rpc.RoomRequest{Room: r.Room, As: optional(r.As), Meta: meta(by, requestID), Cursor: optional(r.Cursor)}
	if r.Limit != 0 {
		request.Limit = new(limit32(r.Limit))
	}
	return request
}

func RoomRequestOf(r *rpc.RoomRequest) chat.RoomRequest {
	return chat.RoomRequest{Room: r.Room, As: r.GetAs(), Limit: int64(r.GetLimit()), Cursor: r.GetCursor()}
}

func RoomResponse(made chat.Room, err error) *rpc.RoomResponse {
	code, text := outcome(err)
	response := &rpc.RoomResponse{Code: code, Msg: text, RetryAfter: retryAfter(err)}
	if err == nil {
		response.Room = room(made)
		if made.HasMore {
			response.HasMore, response.NextCursor = &made.HasMore, optional(made.NextCursor)
		}
	}
	return response
}

func room(r chat.Room) *rpc.Room {
	told := &rpc.Room{
		Id: r.ID, Name: r.Name, Visibility: string(r.Visibility), Created: r.Created, MemberCount: int32(r.Count),
		Role: optional(string(r.Role)), Retention: retention(r.Retention),
		Announce: optional(r.Rules.Announce), SlowMode: retention(r.Rules.SlowMode), Pins: r.Pins,
	}
	for _, m := range r.Members {
		told.Members = append(told.Members, &rpc.Member{User: m.User, Role: string(m.Role), Since: m.Since})
	}
	return told
}

func roomOf(r *rpc.Room) chat.Room {
	if r == nil {
		return chat.Room{}
	}
	told := chat.Room{
		ID: r.Id, Name: r.Name, Visibility: chat.Visibility(r.Visibility), Created: r.Created, Count: int(r.MemberCount),
		Role: chat.Role(r.GetRole()), Retention: retentionOf(r.GetRetention()), Pins: r.GetPins(),
		Rules: chat.RoomRules{Announce: r.GetAnnounce(), SlowMode: retentionOf(r.GetSlowMode())},
	}
	for _, m := range r.Members {
		told.Members = append(told.Members, chat.Member{User: m.User, Role: chat.Role(m.Role), Since: m.Since})
	}
	return told
}

func RoomOf(r *rpc.RoomResponse) (chat.Room, error) {
	room := roomOf(r.Room)
	room.HasMore, room.NextCursor = r.GetHasMore(), r.GetNextCursor()
	return room, errorAfter(r.Code, r.Msg, r.GetRetryAfter())
}

func RoomsRequest(r chat.RoomsRequest, by chat.Caller, requestID string) *rpc.RoomsRequest {
	return &rpc.RoomsRequest{
		As: optional(r.As), Cursor: optional(r.Cursor), Limit: limit32(r.Limit), Meta: meta(by, requestID),
	}
}

func RoomsRequestOf(r *rpc.RoomsRequest) chat.RoomsRequest {
	return chat.RoomsRequest{As: r.GetAs(), Cursor: r.GetCursor(), Limit: int64(r.Limit)}
}

func RoomsResponse(page chat.RoomPage, err error) *rpc.RoomsResponse {
	code, text := outcome(err)
	response := &rpc.RoomsResponse{Code: code, Msg: text}
	if err != nil {
		return response
	}
	for _, r := range page.Rooms {
		response.Rooms = append(response.Rooms, room(r))
	}
	response.HasMore, response.NextCursor = &page.HasMore, optional(page.NextCursor)
	return response
}

func RoomPageOf(r *rpc.RoomsResponse) (chat.RoomPage, error) {
	if err := errorOf(r.Code, r.Msg); err != nil {
		return chat.RoomPage{}, err
	}
	page := chat.RoomPage{HasMore: r.GetHasMore(), NextCursor: r.GetNextCursor()}
	for _, told := range r.Rooms {
		page.Rooms = append(page.Rooms, roomOf(told))
	}
	return page, nil
}
