package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Account is a user who has registered.
type Account struct {
	User    string `json:"user"`
	Name    string `json:"name"`    // the display name; may be empty
	Created int64  `json:"created"` // microseconds since 1970
}

// Time is Created as a time.
func (a Account) Time() time.Time { return time.UnixMicro(a.Created) }

// Registration asks for an account.
type Registration struct {
	User     string `json:"user"`
	Password string `json:"password"` // 8 to 1,024 bytes
	Name     string `json:"name,omitempty"`
}

// Register creates an account. The error is an *Error with the code conflict if the user has one. A request that may have
// arrived is not retried: then a *RetryError has Unknown, and Login tells the outcome.
func (c *Client) Register(ctx context.Context, r Registration) (Account, error) {
	var made Account
	body, err := json.Marshal(r)
	if err != nil {
		return Account{}, err
	}
	const unknown = "it is unknown whether the account was made: log in to see"
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/users", body: body, stores: true, unknown: unknown, open: true}, &made)
	return made, err
}

// ChangePassword replaces the password of the Client's user, and ends all of the user's other sessions. The error is an
// *Error with the code unauthenticated if the old password is wrong. A request that may have arrived is not retried: then
// a *RetryError has Unknown, and Login tells the outcome.
func (c *Client) ChangePassword(ctx context.Context, old, replacement string) error {
	session, _ := c.identity.current()
	body, err := json.Marshal(struct {
		User         string `json:"user,omitempty"`
		Password     string `json:"password"`
		New          string `json:"new_password"`
		RefreshToken string `json:"refresh_token,omitempty"`
	}{session.User, old, replacement, session.RefreshToken})
	if err != nil {
		return err
	}
	const unknown = "it is unknown whether the password was changed: log in to see"
	return c.call(ctx, request{method: http.MethodPost, path: "/api/password", body: body, stores: true, unknown: unknown}, &struct{}{})
}

// DeleteAccount deletes the Client's user permanently, and with erase the texts of the user's messages. The name stays
// taken. It reports whether the deletion is complete; otherwise the server continues it. The Client has no session
// afterwards. It is idempotent.
func (c *Client) DeleteAccount(ctx context.Context, erase bool) (complete bool, err error) {
	var answer struct {
		Status string `json:"status"`
	}
	path := "/api/users/me?erase=" + strconv.FormatBool(erase)
	if err := c.call(ctx, request{method: http.MethodDelete, path: path}, &answer); err != nil {
		return false, err
	}
	session, _ := c.identity.current()
	return answer.Status == "success", c.dropSession(ctx, session)
}

// AccountsRequest asks for a page of all accounts, sorted by the bytes of their users' ids.
type AccountsRequest struct {
	Prefix string // of the user's id
	Cursor string // the first user, inclusive; "" is the beginning
	Limit  int64  // 0 asks for the server's default
}

// AccountPage answers an AccountsRequest. It may have fewer accounts than the limit although there are more.
type AccountPage struct {
	Accounts   []Account `json:"users"`
	HasMore    bool      `json:"has_more"`
	NextCursor string    `json:"next_cursor"` // "" at the end
}

// Users returns a page of the accounts.
func (c *Client) Users(ctx context.Context, r AccountsRequest) (AccountPage, error) {
	query := url.Values{"prefix": {r.Prefix}, "cursor": {r.Cursor}, "limit": {strconv.FormatInt(r.Limit, 10)}}
	var page AccountPage
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/users?" + query.Encode()}, &page)
	return page, err
}

// User returns one account. The error is an *Error with the code not_found if there is none.
func (c *Client) User(ctx context.Context, user string) (Account, error) {
	var found Account
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/users/" + url.PathEscape(user)}, &found)
	return found, err
}

// Known returns the accounts that exist among up to 1,000 users, in the order of users.
func (c *Client) Known(ctx context.Context, users []string) ([]Account, error) {
	if users == nil {
		users = []string{}
	}
	var known AccountPage
	err := c.post(ctx, "/api/contacts/sync", map[string][]string{"users": users}, &known)
	return known.Accounts, err
}
