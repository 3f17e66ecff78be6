package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// Change names a message that is changed.
type Change struct {
	Chat     string
	SendTime int64  // the message's
	Sender   string // the user who changes it; with the user's own token it may be ""
	ID       string // repeating it changes nothing; "" lets the client generate one
}

// Edit replaces the text of a message of the sender's. The receipt is of the edit's entry in the chat.
func (c *Client) Edit(ctx context.Context, change Change, text string) (Receipt, error) {
	return c.change(ctx, http.MethodPatch, "/api/messages", change, map[string]any{"text": text})
}

// Delete deletes a message of the sender's, or as an admin of the room.
func (c *Client) Delete(ctx context.Context, change Change) (Receipt, error) {
	return c.change(ctx, http.MethodDelete, "/api/messages", change, nil)
}

// React adds the sender's reaction to a message: one emoji. A reaction that is there already is a Duplicate.
func (c *Client) React(ctx context.Context, change Change, emoji string) (Receipt, error) {
	return c.change(ctx, http.MethodPut, "/api/reactions", change, map[string]any{"emoji": emoji})
}

// Unreact takes the sender's reaction to a message back.
func (c *Client) Unreact(ctx context.Context, change Change, emoji string) (Receipt, error) {
	return c.change(ctx, http.MethodDelete, "/api/reactions", change, map[string]any{"emoji": emoji})
}

func (c *Client) change(ctx context.Context, method, path string, change Change, fields map[string]any) (Receipt, error) {
	if change.ID == "" && c.newID != nil {
		change.ID = c.newID()
	}
	body := map[string]any{"chat": change.Chat, "send_time": change.SendTime}
	for name, value := range map[string]string{"sender": change.Sender, "id": change.ID} {
		if value != "" {
			body[name] = value
		}
	}
	maps.Copy(body, fields)
	encoded, err := json.Marshal(body)
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = c.call(ctx, request{method: method, path: path, body: encoded, stores: true, id: change.ID}, &receipt)
	return receipt, err
}

// ThreadRequest asks for a page of the answers to a message.
type ThreadRequest struct {
	Chat     string
	SendTime int64  // the message's
	Cursor   int64  // inclusive; 0 is the first answer
	Limit    int64  // 0 asks for the server's default
	Reader   string // leaves out messages of users that the reader ignores
}

// Thread reads a page of the answers to a message, oldest first.
func (c *Client) Thread(ctx context.Context, r ThreadRequest) (Page, error) {
	query := url.Values{"chat": {r.Chat}, "send_time": {strconv.FormatInt(r.SendTime, 10)}}
	if r.Cursor > 0 {
		query.Set("cursor", strconv.FormatInt(r.Cursor, 10))
	}
	if r.Limit > 0 {
		query.Set("limit", strconv.FormatInt(r.Limit, 10))
	}
	if r.Reader != "" {
		query.Set("reader", r.Reader)
	}
	var page Page
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/thread?" + query.Encode()}, &page)
	return page, err
}

// Version is a text that a message has, or had before an edit.
type Version struct {
	SendTime int64  `json:"send_time"` // of the message, or of the edit's entry
	Sender   string `json:"sender"`
	Text     string `json:"text"`
}

// VersionsRequest asks for a page of the versions of a message.
type VersionsRequest struct {
	Chat     string
	SendTime int64 // the message's
	Cursor   int64 // inclusive; 0 is the first version
	Limit    int64 // 0 asks for the server's default
}

// VersionPage is a page of the versions of a message. NextCursor leads to the next one.
type VersionPage struct {
	Versions   []Version `json:"versions"` // oldest first; the last one is the present text
	HasMore    bool      `json:"has_more"`
	NextCursor int64     `json:"next_cursor"`
}

// Versions reads a page of the texts that a message has had, oldest first. Admins of its room and services may ask.
func (c *Client) Versions(ctx context.Context, r VersionsRequest) (VersionPage, error) {
	query := url.Values{"chat": {r.Chat}, "send_time": {strconv.FormatInt(r.SendTime, 10)}}
	if r.Cursor != 0 {
		query.Set("cursor", strconv.FormatInt(r.Cursor, 10))
	}
	if r.Limit != 0 {
		query.Set("limit", strconv.FormatInt(r.Limit, 10))
	}
	var page VersionPage
	err := c.get(ctx, "/api/messages/history", query, &page)
	return page, err
}
