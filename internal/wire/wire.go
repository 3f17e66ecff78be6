// Package wire converts between the domain and Thrift, both ways, for the client and the server of IMService.
//
// Names say the direction. A client builds a call with XRequest and reads the answer with YOf, such as SendRequest and
// ReceiptOf. A server reads the call with ZOf and builds the answer with XResponse, such as MessageOf and SendResponse.
// Functions of an answer take the error of the call, and return the error that the answer carries. A request id may be "".
// A limit beyond Thrift's i32 is sent as the nearest i32, which is above every maximum, or negative.
package wire

import (
	"math"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// success is the Msg of a successful call, as clients of this IDL expect it.
const success = "success"

func SendRequest(m chat.Message, by chat.Caller, requestID string) *rpc.SendRequest {
	return new(sendRequest).of(&Sending{Message: m, By: by, RequestID: requestID})
}

// optional returns nil for the zero value.
func optional[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// MessageOf returns an empty message for a missing one; the domain refuses it.
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
	addContent(&wired, m.Content)
	addState(&wired, m.State)
	return wired
}

func messageOf(m *rpc.Message) chat.Message {
	return chat.Message{
		Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.GetId(), SendTime: m.SendTime, Notice: NoticeOf(m.Notice), Erased: m.GetErased(),
		Content: contentOf(m), State: stateOf(m),
	}
}

func SendResponse(receipt chat.Receipt, err error) *rpc.SendResponse {
	return new(sendResponse(&chat.SendResult{Receipt: receipt, Err: err}))
}

func ReceiptOf(r *rpc.SendResponse) (chat.Receipt, error) {
	if err := errorAfter(r.Code, r.Msg, r.GetRetryAfter()); err != nil {
		return chat.Receipt{}, err
	}
	return chat.Receipt{SendTime: r.GetSendTime(), Duplicate: r.GetDuplicate()}, nil
}

// limit32 is a page's limit as Thrift has it: one that it cannot hold becomes the nearest.
func limit32(limit int64) int32 { return int32(max(math.MinInt32, min(limit, math.MaxInt32))) }

func PullRequest(r chat.PullRequest, by chat.Caller, requestID string) *rpc.PullRequest {
	request := &rpc.PullRequest{
		Chat: r.Chat, Cursor: r.Cursor, Limit: limit32(r.Limit), Reverse: &r.Reverse, RequestId: optional(requestID),
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

func PullRequestOf(r *rpc.PullRequest) chat.PullRequest {
	if r == nil {
		return chat.PullRequest{}
	}
	return chat.PullRequest{
		Chat: r.Chat, Cursor: r.Cursor, Limit: int64(r.Limit), Reverse: r.GetReverse(),
		Reader: r.GetReader(), Unread: r.GetUnread(), Raw: r.GetEntries(),
	}
}

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

func ReadyRequest(requestID string) *rpc.ReadyRequest {
	return &rpc.ReadyRequest{Meta: meta(chat.Caller{}, requestID)}
}

func ReadyResponse(err error) *rpc.ReadyResponse {
	if err != nil {
		code, text := status(err)
		return &rpc.ReadyResponse{Code: code, Msg: text}
	}
	return &rpc.ReadyResponse{Msg: success}
}

func ReadyOf(r *rpc.ReadyResponse) error { return errorOf(r.Code, r.Msg) }

func PingResponse(err error) *rpc.PingResponse {
	if err != nil {
		code, text := status(err)
		return &rpc.PingResponse{Code: code, Msg: text}
	}
	return &rpc.PingResponse{Msg: success}
}

func PingOf(r *rpc.PingResponse) error { return errorOf(r.Code, r.Msg) }
