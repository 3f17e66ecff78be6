package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Suspension is the state of a suspended user. The methods of moderation need a service's token.
type Suspension struct {
	User   string `json:"user"`
	Reason string `json:"reason"`
	By     string `json:"by"`    // the service
	Since  int64  `json:"since"` // microseconds since 1970
}

// SuspensionPage is a page of the suspended users, sorted by the bytes of their ids.
type SuspensionPage struct {
	Suspensions []Suspension `json:"suspensions"`
	HasMore     bool         `json:"has_more"`
	NextCursor  string       `json:"next_cursor"` // "" at the end
}

// AuditEntry is what a service did, or an admin of a room.
type AuditEntry struct {
	At        int64  `json:"at"` // microseconds since 1970; unique
	By        string `json:"by"` // the service
	Action    string `json:"action"`
	User      string `json:"user,omitempty"` // the user that the action is about
	Reason    string `json:"reason,omitempty"`
	RequestID string `json:"request_id,omitempty"`

	ByUser   bool   `json:"by_user,omitempty"` // By is an admin of the room Chat, and no service
	Chat     string `json:"chat,omitempty"`
	SendTime int64  `json:"send_time,omitempty"` // of the message that the action is about
}

// AuditPage is a page of the audit log, the newest entry first.
type AuditPage struct {
	Entries    []AuditEntry `json:"entries"`
	HasMore    bool         `json:"has_more"`
	NextCursor int64        `json:"next_cursor"` // 0 at the end
}

// Suspend suspends a user until Restore: the user's sessions and streams end within a second, and logins and requests are
// refused. It may be repeated. The reason is for the audit log; the user does not see it.
func (c *Client) Suspend(ctx context.Context, user, reason string) (Suspension, error) {
	body, err := json.Marshal(map[string]string{"reason": reason})
	if err != nil {
		return Suspension{}, err
	}
	var suspended Suspension
	err = c.call(ctx, request{method: http.MethodPut, path: adminPath(user) + "/suspension", body: body}, &suspended)
	return suspended, err
}

// Restore ends a suspension. It succeeds if the user is not suspended. reason may be empty.
func (c *Client) Restore(ctx context.Context, user, reason string) error {
	path := adminPath(user) + "/suspension" + because(reason)
	return c.call(ctx, request{method: http.MethodDelete, path: path}, nil)
}

func adminPath(user string) string { return "/api/admin/users/" + url.PathEscape(user) }

// because is a query with a reason, or "".
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return "?" + url.Values{"reason": {reason}}.Encode()
}

// Suspensions returns a page of the suspended users, from cursor on. limit 0 is 100.
func (c *Client) Suspensions(ctx context.Context, cursor string, limit int64) (SuspensionPage, error) {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.FormatInt(limit, 10)}}
	var page SuspensionPage
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/admin/suspensions?" + query.Encode()}, &page)
	return page, err
}

// Audit returns a page of the audit log: the entries before cursor, or the newest for 0. limit 0 is 100.
func (c *Client) Audit(ctx context.Context, cursor, limit int64) (AuditPage, error) {
	query := url.Values{"cursor": {strconv.FormatInt(cursor, 10)}, "limit": {strconv.FormatInt(limit, 10)}}
	var page AuditPage
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/audit?" + query.Encode()}, &page)
	return page, err
}

// UserSession is a session of a user, as a service sees it.
type UserSession struct {
	Session string `json:"session"` // its id, as access tokens name it
	Used    int64  `json:"used"`    // the last login or refresh, in microseconds since 1970
	Expires int64  `json:"expires"` // the same
}

// UserSessions returns the sessions of a user, the least recently used first.
func (c *Client) UserSessions(ctx context.Context, user string) ([]UserSession, error) {
	var answer struct {
		Sessions []UserSession `json:"sessions"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: adminPath(user) + "/sessions"}, &answer)
	return answer.Sessions, err
}

// EndSessions ends a session of a user, or all for "". Its access tokens are valid until they expire. reason may be empty.
func (c *Client) EndSessions(ctx context.Context, user, session, reason string) error {
	path := adminPath(user) + "/sessions"
	if session != "" {
		path += "/" + url.PathEscape(session)
	}
	return c.call(ctx, request{method: http.MethodDelete, path: path + because(reason)}, nil)
}

// ResetPassword replaces the password of a user, and ends all sessions. reason may be empty.
func (c *Client) ResetPassword(ctx context.Context, user, password, reason string) error {
	body, err := json.Marshal(struct {
		Password string `json:"password"`
		Reason   string `json:"reason,omitempty"`
	}{password, reason})
	if err != nil {
		return err
	}
	return c.call(ctx, request{method: http.MethodPut, path: adminPath(user) + "/password", body: body}, nil)
}

// AllRooms returns a page of all rooms, public and private, in no order. cursor is the NextCursor of the page before, and limit
// 0 is 100. A page may have fewer rooms than the limit although there are more.
func (c *Client) AllRooms(ctx context.Context, cursor string, limit int64) (RoomPage, error) {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.FormatInt(limit, 10)}}
	var page RoomPage
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/admin/rooms?" + query.Encode()}, &page)
	return page, err
}
