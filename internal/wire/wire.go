// Package wire is the border between the domain and Thrift: every conversion, both ways, for the server and the
// client of IMService.
package wire

import (
	"math"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// success is the Msg of a call that worked, as clients of this IDL expect it.
const success = "success"

// SendRequest is what a client sends. The request id may be "".
func SendRequest(m chat.Message, by chat.Caller, requestID string) *rpc.SendRequest {
	return new(sendRequest).of(&Sending{Message: m, By: by, RequestID: requestID})
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// MessageOf is what the server makes of a request; a missing message is an empty one, which the domain refuses.
func MessageOf(r *rpc.SendRequest) chat.Message {
	if r == nil || r.Message == nil {
		return chat.Message{}
	}
	return messageOf(r.Message)
}

func message(m chat.Message) rpc.Message {
	wired := rpc.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, SendTime: m.SendTime, Id: optional(m.ID), Notice: Notice(m.Notice)}
	if m.Erased {
		wired.Erased = &m.Erased
	}
	return wired
}

func messageOf(m *rpc.Message) chat.Message {
	return chat.Message{
		Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.GetId(), SendTime: m.SendTime, Notice: NoticeOf(m.Notice), Erased: m.GetErased(),
	}
}

// SendResponse is what the server answers.
func SendResponse(receipt chat.Receipt, err error) *rpc.SendResponse {
	return new(sendResponse(&chat.SendResult{Receipt: receipt, Err: err}))
}

// ReceiptOf is what a client makes of the answer.
func ReceiptOf(r *rpc.SendResponse) (chat.Receipt, error) {
	if err := errorOf(r.Code, r.Msg); err != nil {
		return chat.Receipt{}, err
	}
	return chat.Receipt{SendTime: r.GetSendTime(), Duplicate: r.GetDuplicate()}, nil
}

// PullRequest is what a client sends. A limit that Thrift's i32 cannot hold is above every maximum, or negative.
func PullRequest(r chat.PullRequest, by chat.Caller, requestID string) *rpc.PullRequest {
	limit := max(math.MinInt32, min(r.Limit, math.MaxInt32))
	request := &rpc.PullRequest{
		Chat: r.Chat, Cursor: r.Cursor, Limit: int32(limit), Reverse: &r.Reverse, RequestId: optional(requestID),
		Reader: optional(r.Reader), Caller: Caller(by),
	}
	if r.Unread {
		request.Unread = &r.Unread
	}
	if r.Raw {
		request.Entries = &r.Raw
	}
	return request
}

// PullRequestOf is what the server makes of a request.
func PullRequestOf(r *rpc.PullRequest) chat.PullRequest {
	if r == nil {
		return chat.PullRequest{}
	}
	return chat.PullRequest{
		Chat: r.Chat, Cursor: r.Cursor, Limit: int64(r.Limit), Reverse: r.GetReverse(),
		Reader: r.GetReader(), Unread: r.GetUnread(), Raw: r.GetEntries(),
	}
}

// PullResponse is what the server answers.
func PullResponse(page chat.Page, err error) *rpc.PullResponse {
	if err != nil {
		code, text := status(err)
		return &rpc.PullResponse{Code: code, Msg: text}
	}
	if page.Entries != nil {
		return &rpc.PullResponse{
			Msg: success, Entries: packEntries(page.Entries), HasMore: &page.HasMore, NextCursor: &page.NextCursor,
		}
	}
	all := make([]rpc.Message, len(page.Messages)) // one allocation instead of one for each
	messages := make([]*rpc.Message, len(page.Messages))
	for i, m := range page.Messages {
		all[i] = message(m)
		messages[i] = &all[i]
	}
	return &rpc.PullResponse{
		Msg: success, Messages: messages, HasMore: &page.HasMore, NextCursor: &page.NextCursor,
	}
}

// PageOf is what a client makes of the answer.
func PageOf(r *rpc.PullResponse) (chat.Page, error) {
	if err := errorOf(r.Code, r.Msg); err != nil {
		return chat.Page{}, err
	}
	page := chat.Page{HasMore: r.GetHasMore(), NextCursor: r.GetNextCursor()}
	if len(r.Entries) > 0 {
		entries, err := entriesOf(r.Entries)
		if err != nil {
			return chat.Page{}, chat.AsError(err)
		}
		page.Entries = entries
		return page, nil
	}
	if len(r.Messages) > 0 {
		page.Messages = make([]chat.Message, len(r.Messages))
	}
	for i, m := range r.Messages {
		page.Messages[i] = messageOf(m)
	}
	return page, nil
}

// ReadyResponse is what the server answers.
func ReadyResponse(err error) *rpc.ReadyResponse {
	if err != nil {
		code, text := status(err)
		return &rpc.ReadyResponse{Code: code, Msg: text}
	}
	return &rpc.ReadyResponse{Msg: success}
}

// ReadyOf is what a client makes of the answer.
func ReadyOf(r *rpc.ReadyResponse) error { return errorOf(r.Code, r.Msg) }

// PingResponse is what the server answers.
func PingResponse(err error) *rpc.PingResponse {
	if err != nil {
		code, text := status(err)
		return &rpc.PingResponse{Code: code, Msg: text}
	}
	return &rpc.PingResponse{Msg: success}
}

// PingOf is what a client makes of the answer.
func PingOf(r *rpc.PingResponse) error { return errorOf(r.Code, r.Msg) }
