package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestModeration: the requests are those of the API.
func TestModeration(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.RequestURI())
		answer := map[string]string{
			http.MethodPut: `{"user":"ann","reason":"spam","by":"backend","since":1}`, http.MethodDelete: `{"status":"success"}`,
		}[r.Method]
		switch r.URL.Path {
		case "/api/audit":
			answer = `{"entries":[{"at":2,"by":"backend","action":"suspend","user":"ann"}],"has_more":true,"next_cursor":2}`
		case "/api/admin/users/ann/sessions":
			answer = `{"sessions":[{"session":"s","used":1,"expires":2}]}`
		case "/api/admin/suspensions":
			answer = `{"suspensions":[{"user":"ann","reason":"spam","by":"backend","since":1}],"has_more":true,"next_cursor":"bob"}`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, answer)
	}))
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := client.Suspension{User: "ann", Reason: "spam", By: "backend", Since: 1}
	if s, err := c.Suspend(t.Context(), "a/n", "spam"); err != nil || s != want {
		t.Errorf("Suspend() = %+v, %v", s, err)
	}
	if err := c.Restore(t.Context(), "ann", "so sorry"); err != nil {
		t.Errorf("Restore() = %v", err)
	}
	if err := c.Restore(t.Context(), "ann", ""); err != nil {
		t.Errorf("Restore() = %v", err)
	}
	if page, err := c.Suspensions(t.Context(), "a", 5); err != nil || len(page.Suspensions) != 1 || page.Suspensions[0] != want || page.NextCursor != "bob" {
		t.Errorf("Suspensions() = %+v, %v", page, err)
	}
	if page, err := c.Audit(t.Context(), 7, 5); err != nil || len(page.Entries) != 1 || page.Entries[0].At != 2 || page.NextCursor != 2 {
		t.Errorf("Audit() = %+v, %v", page, err)
	}
	if sessions, err := c.UserSessions(t.Context(), "ann"); err != nil || len(sessions) != 1 || sessions[0] != (client.UserSession{Session: "s", Used: 1, Expires: 2}) {
		t.Errorf("UserSessions() = %+v, %v", sessions, err)
	}
	if err := c.EndSessions(t.Context(), "ann", "", "lost"); err != nil {
		t.Errorf("EndSessions() = %v", err)
	}
	if err := c.EndSessions(t.Context(), "ann", "a/b", ""); err != nil {
		t.Errorf("EndSessions() = %v", err)
	}
	if err := c.ResetPassword(t.Context(), "ann", "correct horse", "lost"); err != nil {
		t.Errorf("ResetPassword() = %v", err)
	}
	if want := []string{
		"PUT /api/admin/users/a%2Fn/suspension", "DELETE /api/admin/users/ann/suspension?reason=so+sorry", "DELETE /api/admin/users/ann/suspension",
		"GET /api/admin/suspensions?cursor=a&limit=5", "GET /api/audit?cursor=7&limit=5", "GET /api/admin/users/ann/sessions",
		"DELETE /api/admin/users/ann/sessions?reason=lost", "DELETE /api/admin/users/ann/sessions/a%2Fb", "PUT /api/admin/users/ann/password",
	}; !slices.Equal(got, want) {
		t.Errorf("the requests are %q, want %q", got, want)
	}
}
