package client_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// respond is an answer of 200.
func respond(r *http.Request, body string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body)),
	}
}

func TestAccounts(t *testing.T) {
	h := openHome(t)
	c := h.client(t)
	made, err := c.Register(t.Context(), client.Registration{User: "a+b@c.d", Password: password, Name: "Ab"})
	if err != nil || made.User != "a+b@c.d" || made.Name != "Ab" || made.Created == 0 {
		t.Errorf("Register() = %+v, %v; want the account", made, err)
	}
	if _, err := c.Register(t.Context(), client.Registration{User: "alice", Password: password}); code(err) != "conflict" {
		t.Errorf("Register() of one who is there = %v, want a conflict", err)
	}
	if _, err := c.Login(t.Context(), "alice", "wrong horse"); code(err) != "unauthenticated" {
		t.Errorf("Login() with a wrong password = %v, want unauthenticated", err)
	}
	if _, err := c.Users(t.Context(), client.AccountsRequest{}); code(err) != "unauthenticated" {
		t.Errorf("Users() without a login = %v, want unauthenticated", err)
	}
	if _, err := c.Login(t.Context(), "alice", password); err != nil {
		t.Fatalf("Login() = %v", err)
	}
	page, err := c.Users(t.Context(), client.AccountsRequest{Limit: 2})
	if err != nil || !slices.Equal(users(page.Accounts), []string{"a+b@c.d", "alice"}) || !page.HasMore || page.NextCursor != "bob" {
		t.Errorf("Users() = %+v, %v; want the first two", page, err)
	}
	page, err = c.Users(t.Context(), client.AccountsRequest{Cursor: page.NextCursor})
	if err != nil || !slices.Equal(users(page.Accounts), []string{"bob"}) || page.HasMore {
		t.Errorf("Users() from there = %+v, %v; want bob", page, err)
	}
	page, err = c.Users(t.Context(), client.AccountsRequest{Prefix: "b"})
	if err != nil || !slices.Equal(users(page.Accounts), []string{"bob"}) || page.HasMore {
		t.Errorf("Users() = %+v, %v; want bob", page, err)
	}
	if found, err := c.User(t.Context(), "a+b@c.d"); err != nil || found != made {
		t.Errorf("User() = %+v, %v; want %+v", found, err, made)
	}
	if _, err := c.User(t.Context(), "nobody"); code(err) != "not_found" {
		t.Errorf("User() of nobody = %v, want not_found", err)
	}
	known, err := c.Known(t.Context(), []string{"nobody", "bob", "alice"})
	if err != nil || !slices.Equal(users(known), []string{"bob", "alice"}) {
		t.Errorf("Known() = %v, %v; want bob and alice", known, err)
	}
	if known, err := c.Known(t.Context(), nil); err != nil || len(known) != 0 {
		t.Errorf("Known(nil) = %v, %v; want nobody", known, err)
	}
}

func users(accounts []client.Account) (users []string) {
	for _, a := range accounts {
		users = append(users, a.User)
	}
	return users
}

// TestChangePassword: this session goes on, and the others end.
func TestChangePassword(t *testing.T) {
	h := openHome(t)
	elsewhere := h.client(t, client.WithSession(h.stale(t, h.login(t)), nil))
	s := h.login(t)
	c := h.client(t, client.WithSession(h.stale(t, s), func(kept client.Session) { s = kept }))
	if err := c.ChangePassword(t.Context(), "wrong horse", "staple staple"); code(err) != "unauthenticated" {
		t.Errorf("ChangePassword() with a wrong password = %v, want unauthenticated", err)
	}
	if err := c.ChangePassword(t.Context(), password, "staple staple"); err != nil {
		t.Errorf("ChangePassword() = %v", err)
	}
	if err := hello(t.Context(), elsewhere); code(err) != "token_invalid" {
		t.Errorf("Send() of another session = %v, want token_invalid", err)
	}
	if err := hello(t.Context(), h.client(t, client.WithSession(h.stale(t, s), nil))); err != nil { // it has to be refreshed
		t.Errorf("Send() of this session = %v", err)
	}
	if _, err := c.Login(t.Context(), "alice", "staple staple"); err != nil {
		t.Errorf("Login() with the new password = %v", err)
	}
}

// TestWhatIsDoneOnce is not repeated where it may have been done.
func TestWhatIsDoneOnce(t *testing.T) {
	s := serve(t, answer{status: http.StatusServiceUnavailable, body: `{"code":"unavailable","message":"later"}`})
	c := with(t, s.URL, nil, brisk(3))
	_, err := c.Register(t.Context(), client.Registration{User: "alice", Password: password})
	if err == nil || !strings.Contains(err.Error(), "whether the account was made") || len(s.requests()) != 1 {
		t.Errorf("Register() = %v after %q, want one request", err, s.requests())
	}
	if err := c.ChangePassword(t.Context(), "a", "b"); err == nil || !strings.Contains(err.Error(), "whether the password was changed") || len(s.requests()) != 2 {
		t.Errorf("ChangePassword() = %v after %q, want one request", err, s.requests())
	}
	rooms := c.RoomsAs("alice")
	if _, err := rooms.Create(t.Context(), client.NewRoom{ID: "club"}); err == nil || !strings.Contains(err.Error(), "whether the room was made") || len(s.requests()) != 3 {
		t.Errorf("Create() = %v after %q, want one request", err, s.requests())
	}
	if err := rooms.Delete(t.Context(), "club"); err == nil || !strings.Contains(err.Error(), "whether the room was deleted") || len(s.requests()) != 4 {
		t.Errorf("Delete() = %v after %q, want one request", err, s.requests())
	}
}
