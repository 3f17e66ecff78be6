package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Signal is a transient message, such as "alice is typing". A chat's current followers get it; it is not stored.
type Signal struct {
	Chat   string `json:"chat"`
	Sender string `json:"sender"`
	Type   string `json:"type"`           // a name: "typing", or one of your own
	Data   string `json:"data,omitempty"` // your own, up to 256 bytes
}

// Reading is a reader's cursor in a chat.
type Reading struct {
	Chat   string `json:"chat"`
	Reader string `json:"reader"` // a user, or a device: "alice/phone"
	Cursor int64  `json:"cursor"` // every message before it is read
}

// Presence is the readers who follow a chat.
type Presence struct {
	Chat    string   `json:"chat"`
	Readers []string `json:"readers"` // sorted, at most 1,000
	Count   int      `json:"count"`   // of all
}

// Signal sends a signal to the chat's followers. A retry may deliver it twice.
func (c *Client) Signal(ctx context.Context, s Signal) error {
	return c.post(ctx, "/api/signal", s, &struct{}{})
}

// Read moves a reader's cursor forward, never back nor past the chat's end, and returns the cursor. After reading message m
// pass m.NextCursor(). A send does not move it.
func (c *Client) Read(ctx context.Context, r Reading) (int64, error) { return c.read(ctx, r) }

// ReadBack is Read that may also move the cursor back: messages after it are unread again.
func (c *Client) ReadBack(ctx context.Context, r Reading) (int64, error) {
	return c.read(ctx, struct {
		Reading

		Force bool `json:"force"`
	}{r, true})
}

// ReadAll moves a reader's cursor to the chat's end, and returns it.
func (c *Client) ReadAll(ctx context.Context, chat, reader string) (int64, error) {
	return c.read(ctx, map[string]string{"chat": chat, "reader": reader, "cursor": "end"})
}

func (c *Client) read(ctx context.Context, what any) (int64, error) {
	var stands struct {
		Cursor int64 `json:"cursor"`
	}
	err := c.post(ctx, "/api/read", what, &stands)
	return stands.Cursor, err
}

// Delivered says that the reader's device has received every message before the Reading's Cursor: after receiving message m
// pass m.NextCursor(). Reading implies it. It returns the position up to which the reader's user has received the chat, 0
// where no receipts are kept, and the reader's cursor.
func (c *Client) Delivered(ctx context.Context, r Reading) (position, cursor int64, err error) {
	var stands struct {
		Cursor    int64 `json:"cursor"`
		Delivered int64 `json:"delivered"`
	}
	err = c.post(ctx, "/api/read", map[string]any{"chat": r.Chat, "reader": r.Reader, "delivered": r.Cursor}, &stands)
	return stands.Delivered, stands.Cursor, err
}

// Receipts is how far a message has come.
type Receipts struct {
	Recipients  int      `json:"recipients"`   // the other user, or the room's members of the time when the message was sent
	DeliveredTo []string `json:"delivered_to"` // sorted; users who have read the message have received it
	ReadBy      []string `json:"read_by"`      // sorted
}

// Receipts returns how far the message at a position has come. Only its sender may ask, in two-person chats and in rooms of up
// to 100 members.
func (c *Client) Receipts(ctx context.Context, chat string, sendTime int64) (Receipts, error) {
	var receipts Receipts
	query := url.Values{"chat": {chat}, "send_time": {strconv.FormatInt(sendTime, 10)}}
	err := c.get(ctx, "/api/receipts", query, &receipts)
	return receipts, err
}

// Present returns the readers who follow the chat.
func (c *Client) Present(ctx context.Context, chat string) (Presence, error) {
	var present Presence
	path := "/api/presence?" + url.Values{"chat": {chat}}.Encode()
	err := c.call(ctx, request{method: http.MethodGet, path: path}, &present)
	return present, err
}

// post makes an idempotent request.
func (c *Client) post(ctx context.Context, path string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return c.call(ctx, request{method: http.MethodPost, path: path, body: body}, into)
}
