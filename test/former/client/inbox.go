package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// InboxRequest asks for a page of a user's chats.
type InboxRequest struct {
	Reader string // a user, or a device: "alice/phone"
	Cursor int64  // the NextCursor of the previous page; 0 begins with the newest
	Limit  int64  // 0 asks for the server's default
}

// InboxEntry is one chat of an inbox.
type InboxEntry struct {
	Chat   string   `json:"chat"`
	Last   *Message `json:"last_message"` // without messages of ignored users; nil if there is none
	Unread int      `json:"unread"`       // messages of others from Cursor on; 100 means more than 99
	Cursor int64    `json:"cursor"`       // the reader's cursor

	Name  string     `json:"name,omitempty"`  // the room's display name
	Users []UserName `json:"users,omitempty"` // of a two-person chat, or the sender of Last; only users with a display name
}

// UserName is a user with a display name.
type UserName struct {
	User string `json:"user"`
	Name string `json:"name"`
}

// Inbox is a page of a user's chats, newest activity first.
type Inbox struct {
	Chats      []InboxEntry `json:"chats"`
	HasMore    bool         `json:"has_more"`
	NextCursor int64        `json:"next_cursor"` // the position to continue from; 0 at the end
}

// Inbox returns a page of a user's chats. A chat that moves up between two pages comes at the end. Every chat that stays
// in the list is on at least one page. Ask for all pages within a day of the first.
func (c *Client) Inbox(ctx context.Context, r InboxRequest) (Inbox, error) {
	var inbox Inbox
	err := c.get(ctx, "/api/inbox", url.Values{
		"reader": {r.Reader}, "cursor": {strconv.FormatInt(r.Cursor, 10)}, "limit": {strconv.FormatInt(r.Limit, 10)},
	}, &inbox)
	return inbox, err
}

// Unread returns a reader's unread counts by chat: 100 means more than 99. It leaves out chats without unread messages. It
// reads pages of 1,000 chats.
func (c *Client) Unread(ctx context.Context, reader string) (map[string]int, error) {
	unread := map[string]int{}
	asked := url.Values{"reader": {reader}}
	for {
		var page struct {
			Chats []struct {
				Chat   string `json:"chat"`
				Unread int    `json:"unread"`
			} `json:"chats"`
			HasMore    bool  `json:"has_more"`
			NextCursor int64 `json:"next_cursor"`
		}
		if err := c.get(ctx, "/api/unread", asked, &page); err != nil {
			return nil, err
		}
		for _, one := range page.Chats {
			unread[one.Chat] = one.Unread
		}
		if !page.HasMore {
			return unread, nil
		}
		asked.Set("cursor", strconv.FormatInt(page.NextCursor, 10))
	}
}

// Readers returns the cursors of a chat's readers, at most 1,000 of them, and the number of all.
func (c *Client) Readers(ctx context.Context, chat string) (readings []Reading, count int, err error) {
	var answer struct {
		Readers []Reading `json:"readers"`
		Count   int       `json:"count"`
	}
	err = c.get(ctx, "/api/readers", url.Values{"chat": {chat}}, &answer)
	for i := range answer.Readers {
		answer.Readers[i].Chat = chat
	}
	return answer.Readers, answer.Count, err
}

// Ignored returns the users that a user ignores, sorted.
func (c *Client) Ignored(ctx context.Context, user string) ([]string, error) {
	var answer struct {
		Users []string `json:"users"`
	}
	err := c.get(ctx, "/api/ignored", url.Values{"as": {user}}, &answer)
	return answer.Users, err
}

// Ignore hides messages of other from user's reads, in all chats, until Unignore.
func (c *Client) Ignore(ctx context.Context, user, other string) error {
	return c.setIgnored(ctx, http.MethodPut, user, other)
}

// Unignore makes messages of other visible again.
func (c *Client) Unignore(ctx context.Context, user, other string) error {
	return c.setIgnored(ctx, http.MethodDelete, user, other)
}

func (c *Client) setIgnored(ctx context.Context, method, user, other string) error {
	path := "/api/ignored/" + url.PathEscape(other) + "?" + url.Values{"as": {user}}.Encode()
	return c.call(ctx, request{method: method, path: path}, &struct{}{})
}

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, request{method: http.MethodGet, path: path + "?" + query.Encode()}, into)
}
