package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// maxSends is how many messages one request may send.
const maxSends = 100

// failed is the status of a message that was not sent.
const failed = "failed"

// sending is one message of a request that sends several.
type sending struct {
	message chat.Message
	receipt chat.Receipt
	err     error
}

// isArray reports whether a JSON text is an array.
func isArray(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && body[0] == '['
}

// sendAll answers a POST /api/send whose body is an array: each message is sent as if it came alone. Those of one chat are sent
// one after the other, so that the chat has them in the order of the array; those of different chats at once, so that they share
// a call of the rpc-server.
func (h *Handler) sendAll(ctx context.Context, c *app.RequestContext, body []byte) {
	all, err := readSendings(c, body)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	byChat := map[string][]*sending{}
	for i := range all {
		s := &all[i]
		if i > 0 && s.err == nil { // the first was counted with the request
			s.err = request.Limit(ctx, "/api/send")
		}
		name := s.message.Chat
		if id, err := chat.ParseID(name); err == nil {
			name = id.String()
		}
		byChat[name] = append(byChat[name], s)
	}
	var sends sync.WaitGroup
	for _, of := range byChat {
		sends.Go(func() { h.sendInOrder(ctx, of) })
	}
	sends.Wait()
	results := make([]*api.SendResult, len(all))
	for i := range all {
		if results[i] = all[i].result(); all[i].err != nil && len(c.Errors) == 0 {
			_ = c.Error(all[i].err) // for the access log
		}
	}
	reply.JSON(c, consts.StatusOK, results)
}

// sendInOrder sends messages of one chat. Once a send ends without the server's word, the others are not sent: they would each
// wait as long, and the chat might have them in another order.
func (h *Handler) sendInOrder(ctx context.Context, all []*sending) {
	var broken error
	for _, s := range all {
		switch {
		case s.err != nil:
		case broken != nil:
			s.err = chat.Wrap(broken, chat.Unavailable, "it was not sent, because a message before it failed; try again")
		default:
			h.sendOne(ctx, s)
			switch chat.CodeOf(s.err) {
			case chat.Unavailable, chat.DeadlineExceeded, chat.Internal:
				broken = s.err
			}
		}
	}
}

// sendOne sends a message. It converts a panic into an error: it runs in a goroutine where nothing else would recover it.
func (h *Handler) sendOne(ctx context.Context, s *sending) {
	defer func() {
		if cause := recover(); cause != nil {
			s.err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	s.receipt, s.err = h.service.Send(ctx, s.message)
}

// readSendings reads an array. An invalid message gets its own error.
func readSendings(c *app.RequestContext, body []byte) ([]sending, error) {
	if len(c.GetHeader(idempotencyKey)) > 0 {
		return nil, chat.Errorf(chat.InvalidArgument, "%s is for one message; give each message of an array its own id", idempotencyKey)
	}
	var objects []json.RawMessage
	if err := json.Unmarshal(body, &objects); err != nil {
		return nil, chat.Errorf(chat.InvalidArgument, "the body is not valid JSON: %v", err)
	}
	if n := len(objects); n == 0 || n > maxSends {
		return nil, chat.Errorf(chat.InvalidArgument, "the body has %d messages; send 1 to %d", n, maxSends)
	}
	all := make([]sending, len(objects))
	for i, object := range objects {
		var r api.SendRequest
		if all[i].err = decodeChange(object, &r); all[i].err == nil {
			all[i].message = messageOf(&r, r.Id)
		}
	}
	return all, nil
}

// result returns the answer about the message.
func (s *sending) result() *api.SendResult {
	if s.err != nil {
		e := chat.AsError(s.err)
		return &api.SendResult{
			Status: failed, Code: some(string(e.Code)), Message: some(e.Message), RetryAfter: some(int64(chat.RetryAfterOrSoon(s.err))),
		}
	}
	return &api.SendResult{Status: success, SendTime: some(s.receipt.SendTime), Duplicate: some(s.receipt.Duplicate)}
}
