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

// AuditEntry is an action of a service, or of a room's admin.
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

// Report is a report of a message or a user.
type Report struct {
	Report   int64  `json:"report"` // when it was made, in microseconds since 1970; its id
	Chat     string `json:"chat"`
	SendTime int64  `json:"send_time,omitempty"` // of the message
	User     string `json:"user"`                // the sender of the message, or the user
	By       string `json:"by"`
	Reason   string `json:"reason"`
	Text     string `json:"text,omitempty"` // of the message, while the report is open; for services
	State    string `json:"state"`          // "open" or "resolved"

	Note       string `json:"note,omitempty"`
	ResolvedBy string `json:"resolved_by,omitempty"`
	ResolvedAt int64  `json:"resolved_at,omitempty"` // microseconds since 1970
}

// NewReport makes a report. It names a message, a user, or both.
type NewReport struct {
	Chat     string `json:"chat"`
	SendTime int64  `json:"send_time,omitempty"`
	User     string `json:"user,omitempty"`
	Reason   string `json:"reason"`

	As string `json:"-"` // the user who reports; with the user's own token it may be ""
}

// ReportPage is a page of reports, the oldest first.
type ReportPage struct {
	Reports    []Report `json:"reports"`
	HasMore    bool     `json:"has_more"`
	NextCursor int64    `json:"next_cursor"` // 0 at the end
}

// Report tells the moderators of a message or a user. It may be repeated: while the report is open, the same one is answered.
func (c *Client) Report(ctx context.Context, r NewReport) (Report, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return Report{}, err
	}
	path := "/api/reports"
	if r.As != "" {
		path += "?" + url.Values{"as": {r.As}}.Encode()
	}
	var made Report
	err = c.call(ctx, request{method: http.MethodPost, path: path, body: body}, &made)
	return made, err
}

// Reports returns a page of reports in a state, from cursor on. "" is "open", and limit 0 is 100.
func (c *Client) Reports(ctx context.Context, state string, cursor, limit int64) (ReportPage, error) {
	query := url.Values{"cursor": {strconv.FormatInt(cursor, 10)}, "limit": {strconv.FormatInt(limit, 10)}}
	if state != "" {
		query.Set("state", state)
	}
	var page ReportPage
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/reports?" + query.Encode()}, &page)
	return page, err
}

// ResolveReport resolves a report, which loses its copy of the text. It may be repeated. note may be empty.
func (c *Client) ResolveReport(ctx context.Context, report int64, note string) (Report, error) {
	body, err := json.Marshal(struct {
		State string `json:"state"`
		Note  string `json:"note,omitempty"`
	}{"resolved", note})
	if err != nil {
		return Report{}, err
	}
	var resolved Report
	err = c.call(ctx, request{method: http.MethodPatch, path: "/api/reports/" + strconv.FormatInt(report, 10), body: body}, &resolved)
	return resolved, err
}

// OnlinePage is a page of the users who are online.
type OnlinePage struct {
	Users      []string `json:"users"` // in any order
	HasMore    bool     `json:"has_more"`
	NextCursor string   `json:"next_cursor"` // "" at the end
}

// Online returns a page of the users who had a live connection within the last 90 seconds. limit 0 is 100; a page may have
// more or fewer users. A user may be on two pages.
func (c *Client) Online(ctx context.Context, cursor string, limit int64) (OnlinePage, error) {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.FormatInt(limit, 10)}}
	var page OnlinePage
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/online?" + query.Encode()}, &page)
	return page, err
}

// UserExport is a page of a user's data.
type UserExport struct {
	Account    *Account  `json:"account,omitempty"`   // of the first page
	Suspended  bool      `json:"suspended,omitempty"` // the same
	Rooms      []Room    `json:"rooms,omitempty"`     // the same: with the user's role
	Messages   []Message `json:"messages"`            // the user's own
	HasMore    bool      `json:"has_more"`
	NextCursor string    `json:"next_cursor"` // "" at the end
}

// ExportUser returns a page of a user's data, from cursor on. limit bounds the entries of chats that the server reads
// for the page; 0 is 1,000. A page may have few messages although there are more. reason may be empty.
func (c *Client) ExportUser(ctx context.Context, user, cursor string, limit int64, reason string) (UserExport, error) {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.FormatInt(limit, 10)}}
	if reason != "" {
		query.Set("reason", reason)
	}
	var page UserExport
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/users/" + url.PathEscape(user) + "/export?" + query.Encode()}, &page)
	return page, err
}
