package wire

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// Sending is a message to send, with its caller and the request's id, which may be "".
type Sending struct {
	Message   chat.Message
	By        chat.Caller
	RequestID string
}

// sendRequest is a request with all values that it points to: most fields of Thrift structs are optional, hence pointers.
type sendRequest struct {
	request       rpc.SendRequest
	message       rpc.Message
	caller        rpc.Caller
	id, requestID string
	user          string
	set           bool
}

// of fills the request. It keeps only the strings of s.
func (r *sendRequest) of(s *Sending) *rpc.SendRequest {
	m := &s.Message
	r.id, r.requestID, r.user, r.set = m.ID, s.RequestID, s.By.User, true
	r.message = rpc.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, SendTime: m.SendTime, Notice: Notice(m.Notice)}
	r.request = rpc.SendRequest{Message: &r.message}
	if r.id != "" {
		r.message.Id = &r.id
	}
	if m.Erased {
		r.message.Erased = &r.set
	}
	addContent(&r.message, m.Content)
	addState(&r.message, m.State)
	if r.requestID != "" {
		r.request.RequestId = &r.requestID
	}
	if r.user != "" {
		r.caller.User, r.request.Caller = &r.user, &r.caller
	}
	if s.By.Service {
		r.caller.Service, r.request.Caller = &r.set, &r.caller
	}
	return &r.request
}

// SendBatchRequest builds all requests in one allocation.
func SendBatchRequest(all []Sending) *rpc.SendBatchRequest {
	requests, pointers := make([]sendRequest, len(all)), make([]*rpc.SendRequest, len(all))
	for i := range all {
		pointers[i] = requests[i].of(&all[i])
	}
	return &rpc.SendBatchRequest{Requests: pointers}
}

// SendBatchResponse answers each result as SendResponse does. It keeps the results.
func SendBatchResponse(results []chat.SendResult) *rpc.SendBatchResponse {
	responses, pointers := make([]rpc.SendResponse, len(results)), make([]*rpc.SendResponse, len(results))
	for i := range results {
		responses[i] = sendResponse(&results[i])
		pointers[i] = &responses[i]
	}
	return &rpc.SendBatchResponse{Responses: pointers}
}

// sendResponse points into the result.
func sendResponse(r *chat.SendResult) rpc.SendResponse {
	if r.Err != nil {
		code, text := status(r.Err)
		return rpc.SendResponse{Code: code, Msg: text, RetryAfter: retryAfter(r.Err)}
	}
	response := rpc.SendResponse{Msg: success, SendTime: &r.Receipt.SendTime}
	if r.Receipt.Duplicate {
		response.Duplicate = &r.Receipt.Duplicate
	}
	return response
}
