package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func ReadersRequest(id string, by chat.Caller, requestID string) *rpc.ReadersRequest {
	return &rpc.ReadersRequest{Chat: id, Meta: meta(by, requestID)}
}

func ReadersResponse(r chat.Receipts, err error) *rpc.ReadersResponse {
	code, text := outcome(err)
	response := &rpc.ReadersResponse{Code: code, Msg: text}
	if err == nil {
		response.Count = new(int64(r.Count))
	}
	for _, reading := range r.Readings {
		response.Readings = append(response.Readings, &rpc.Reading{Reader: reading.Reader, Cursor: reading.Cursor})
	}
	return response
}

func ReceiptsOf(r *rpc.ReadersResponse) (chat.Receipts, error) {
	receipts := chat.Receipts{Count: int(r.GetCount())}
	for _, reading := range r.Readings {
		receipts.Readings = append(receipts.Readings, chat.Reading{Reader: reading.Reader, Cursor: reading.Cursor})
	}
	return receipts, errorOf(r.Code, r.Msg)
}

func IgnoredRequest(user string, by chat.Caller, requestID string) *rpc.IgnoredRequest {
	return &rpc.IgnoredRequest{User: user, Meta: meta(by, requestID)}
}

func IgnoredResponse(users []string, err error) *rpc.IgnoredResponse {
	code, text := outcome(err)
	return &rpc.IgnoredResponse{Code: code, Msg: text, Users: users}
}

func IgnoredOf(r *rpc.IgnoredResponse) ([]string, error) { return r.Users, errorOf(r.Code, r.Msg) }

func IgnoreRequest(r chat.IgnoreRequest, by chat.Caller, requestID string) *rpc.IgnoreRequest {
	return &rpc.IgnoreRequest{User: r.User, Other: r.Other, Ignore: r.Ignore, Meta: meta(by, requestID)}
}

func IgnoreRequestOf(r *rpc.IgnoreRequest) chat.IgnoreRequest {
	return chat.IgnoreRequest{User: r.User, Other: r.Other, Ignore: r.Ignore}
}

func IgnoreResponse(err error) *rpc.IgnoreResponse {
	code, text := outcome(err)
	return &rpc.IgnoreResponse{Code: code, Msg: text}
}

func IgnoreOf(r *rpc.IgnoreResponse) error { return errorOf(r.Code, r.Msg) }

func InboxRequest(r chat.InboxRequest, by chat.Caller, requestID string) *rpc.InboxRequest {
	request := &rpc.InboxRequest{Reader: r.Reader, Cursor: r.Cursor, Limit: limit32(r.Limit), Meta: meta(by, requestID)}
	if r.Names {
		request.Names = &r.Names
	}
	return request
}

func InboxRequestOf(r *rpc.InboxRequest) chat.InboxRequest {
	return chat.InboxRequest{Reader: r.Reader, Cursor: r.Cursor, Limit: int64(r.Limit), Names: r.GetNames()}
}

func InboxResponse(inbox chat.Inbox, err error) *rpc.InboxResponse {
	if err != nil {
		code, text := status(err)
		return &rpc.InboxResponse{Code: code, Msg: text}
	}
	response := &rpc.InboxResponse{Msg: success, HasMore: &inbox.HasMore, NextCursor: &inbox.NextCursor}
	for _, e := range inbox.Entries {
		entry := &rpc.InboxEntry{Chat: e.Chat, Unread: int32(e.Unread), Cursor: e.Cursor, Name: optional(e.Name), Users: userNames(e.Users), Mentions: optional(int32(e.Mentions))}
		if e.Last != nil {
			entry.Last = new(message(*e.Last))
		}
		response.Entries = append(response.Entries, entry)
	}
	return response
}

func InboxOf(r *rpc.InboxResponse) (chat.Inbox, error) {
	inbox := chat.Inbox{HasMore: r.GetHasMore(), NextCursor: r.GetNextCursor()}
	for _, e := range r.Entries {
		entry := chat.InboxEntry{Chat: e.Chat, Unread: int(e.Unread), Cursor: e.Cursor, Name: e.GetName(), Users: userNamesOf(e.Users), Mentions: int(e.GetMentions())}
		if e.Last != nil {
			entry.Last = new(messageOf(e.Last))
		}
		inbox.Entries = append(inbox.Entries, entry)
	}
	return inbox, errorOf(r.Code, r.Msg)
}

func UnreadRequest(r chat.UnreadRequest, by chat.Caller, requestID string) *rpc.UnreadRequest {
	request := &rpc.UnreadRequest{Reader: r.Reader, Meta: meta(by, requestID)}
	if r.Cursor != 0 {
		request.Cursor = &r.Cursor
	}
	if limit := limit32(r.Limit); limit != 0 {
		request.Limit = &limit
	}
	return request
}

func UnreadRequestOf(r *rpc.UnreadRequest) chat.UnreadRequest {
	return chat.UnreadRequest{Reader: r.Reader, Cursor: r.GetCursor(), Limit: int64(r.GetLimit())}
}

func UnreadResponse(page chat.UnreadPage, err error) *rpc.UnreadResponse {
	code, text := outcome(err)
	response := &rpc.UnreadResponse{Code: code, Msg: text}
	for _, u := range page.Chats {
		response.Chats = append(response.Chats, &rpc.Unread{Chat: u.Chat, Count: int32(u.Count), Mentions: optional(int32(u.Mentions))})
	}
	if page.HasMore {
		response.HasMore, response.NextCursor = &page.HasMore, &page.NextCursor
	}
	return response
}

func UnreadOf(r *rpc.UnreadResponse) (page chat.UnreadPage, err error) {
	for _, u := range r.Chats {
		page.Chats = append(page.Chats, chat.Unread{Chat: u.Chat, Count: int(u.Count), Mentions: int(u.GetMentions())})
	}
	page.HasMore, page.NextCursor = r.GetHasMore(), r.GetNextCursor()
	return page, errorOf(r.Code, r.Msg)
}

// ChatsRequest is a client's request.
func ChatsRequest(r chat.ChatsRequest, by chat.Caller, requestID string) *rpc.ChatsRequest {
	request := &rpc.ChatsRequest{Reader: r.Reader, Meta: meta(by, requestID)}
	if r.Names {
		request.Names = &r.Names
	}
	return request
}

// ChatsRequestOf decodes a client's request at the server.
func ChatsRequestOf(r *rpc.ChatsRequest) chat.ChatsRequest {
	return chat.ChatsRequest{Reader: r.Reader, Names: r.GetNames()}
}

func ChatsResponse(chats []chat.Standing, err error) *rpc.ChatsResponse {
	code, text := outcome(err)
	response := &rpc.ChatsResponse{Code: code, Msg: text}
	for _, c := range chats {
		response.Chats = append(response.Chats, &rpc.Standing{Chat: c.Chat, Cursor: c.Cursor, Name: optional(c.Name), Users: userNames(c.Users)})
	}
	return response
}

func ChatsOf(r *rpc.ChatsResponse) (chats []chat.Standing, err error) {
	for _, c := range r.Chats {
		chats = append(chats, chat.Standing{Chat: c.Chat, Cursor: c.Cursor, Title: chat.Title{Name: c.GetName(), Users: userNamesOf(c.Users)}})
	}
	return chats, errorOf(r.Code, r.Msg)
}

func userNames(users []chat.UserName) (names []*rpc.UserName) {
	for _, u := range users {
		names = append(names, &rpc.UserName{User: u.User, Name: u.Name})
	}
	return names
}

func userNamesOf(names []*rpc.UserName) (users []chat.UserName) {
	for _, u := range names {
		users = append(users, chat.UserName{User: u.User, Name: u.Name})
	}
	return users
}
