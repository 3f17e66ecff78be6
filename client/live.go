package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Signal is something of the moment, such as that somebody is typing. It is stored nowhere: a chat's followers get it
// now or never.
type Signal struct {
	Chat   string `json:"chat"`
	Sender string `json:"sender"`
	Type   string `json:"type"`           // a name: "typing", or one of your own
	Data   string `json:"data,omitempty"` // your own, up to 256 bytes
}

// Reading is how far a reader has read a chat.
type Reading struct {
	Chat   string `json:"chat"`
	Reader string `json:"reader"` // a user, or one of her devices: "alice/phone"
	Cursor int64  `json:"cursor"` // every message before it is read
}

// Presence is who follows a chat as a reader.
type Presence struct {
	Chat    string   `json:"chat"`
	Readers []string `json:"readers"` // sorted, 1,000 at most
	Count   int      `json:"count"`   // of all
}

// Signal tells those who follow the chat. One that is repeated may be told twice.
func (c *Client) Signal(ctx context.Context, s Signal) error {
	return c.post(ctx, "/api/signal", s, &struct{}{})
}

// Read moves a reader's cursor forward, never back nor past the chat's end, and returns where it stands. After the message
// m has been read it is m.NextCursor(). Sending does not move it.
func (c *Client) Read(ctx context.Context, r Reading) (int64, error) { return c.read(ctx, r) }

// ReadBack is Read, but the cursor may also move back: what comes after it is unread again.
func (c *Client) ReadBack(ctx context.Context, r Reading) (int64, error) {
	return c.read(ctx, struct {
		Reading

		Force bool `json:"force"`
	}{r, true})
}

// ReadAll moves a reader's cursor to the chat's end, and returns where that is.
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

// Present returns who follows the chat as a reader.
func (c *Client) Present(ctx context.Context, chat string) (Presence, error) {
	var present Presence
	path := "/api/presence?" + url.Values{"chat": {chat}}.Encode()
	err := c.call(ctx, request{method: http.MethodGet, path: path}, &present)
	return present, err
}

// post asks for what may be done twice.
func (c *Client) post(ctx context.Context, path string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return c.call(ctx, request{method: http.MethodPost, path: path, body: body}, into)
}
