package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
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
