package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// SendResult is the outcome of one message of SendAll.
type SendResult struct {
	Receipt

	Err error // an *Error, without Status and RequestID, or nil
}

// SendAll stores up to 100 messages with one request. The results are in the order of messages, and each message may fail alone.
// Those of one chat are stored in their order. Messages without an ID get a random one, also in the argument. The Policy applies to
// the request: after an error of it, sending the same messages again stores those that are missing.
func (c *Client) SendAll(ctx context.Context, messages []Message) ([]SendResult, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	all, id := make([]outgoing, len(messages)), messages[0].ID
	for i := range messages {
		if messages[i].ID == "" && c.newID != nil {
			messages[i].ID = c.newID()
		}
		all[i] = messages[i].outgoing()
	}
	for i := range messages { // without the id of each, the request may not be repeated
		if id = messages[i].ID; id == "" {
			break
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	var answers []struct {
		Receipt
		Error

		RetryAfter int64 `json:"retry_after"`
	}
	const unknown = "it is unknown which of the messages are stored: send them again with their ids to be sure"
	if err := c.call(ctx, request{method: http.MethodPost, path: "/api/send", body: body, stores: true, id: id, unknown: unknown}, &answers); err != nil {
		return nil, err
	}
	if len(answers) != len(messages) {
		return nil, fmt.Errorf("the server answered %d results to %d messages", len(answers), len(messages))
	}
	results := make([]SendResult, len(answers))
	for i := range answers {
		a := &answers[i]
		if results[i].Receipt = a.Receipt; a.Code != "" {
			a.Error.RetryAfter = time.Duration(a.RetryAfter) * time.Second
			results[i].Err = &a.Error
		}
	}
	return results, nil
}
