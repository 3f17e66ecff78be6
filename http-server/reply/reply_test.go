package reply

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestEveryCodeHasAStatus: the statuses are the contract's, and a new code cannot be forgotten.
func TestEveryCodeHasAStatus(t *testing.T) {
	want := map[chat.Code]int{
		chat.InvalidArgument: 400, chat.Unauthenticated: 401, chat.PermissionDenied: 403, chat.NotFound: 404, chat.Conflict: 409,
		chat.TooLarge: 413, chat.UnsupportedMediaType: 415, chat.ResourceExhausted: 429, chat.Internal: 500, chat.Unavailable: 503,
		chat.DeadlineExceeded: 504, chat.TokenInvalid: 401, chat.TokenExpired: 401,
	}
	for _, code := range chat.Codes() {
		if statuses[code] != want[code] || statuses[code] == 0 {
			t.Errorf("statuses[%s] = %d, want %d", code, statuses[code], want[code])
		}
	}
	if len(statuses) != len(chat.Codes()) {
		t.Errorf("there are %d statuses of %d codes", len(statuses), len(chat.Codes()))
	}
}

func TestFail(t *testing.T) {
	cause := errors.New("10.0.0.7:6379: connection refused")
	for _, c := range []struct {
		name, body string
		err        error
		status     int
		retry      string
	}{
		{"a client's mistake", `{"code":"invalid_argument","message":"chat is empty"}`, chat.Wrap(cause, chat.InvalidArgument, "chat is empty"), http.StatusBadRequest, ""},
		{"unavailable", `{"code":"unavailable","message":"redis does not answer"}`, chat.Wrap(cause, chat.Unavailable, "redis does not answer"), http.StatusServiceUnavailable, "1"},
		{"exhausted", `{"code":"resource_exhausted","message":"slow down"}`, chat.Wrap(cause, chat.ResourceExhausted, "slow down"), http.StatusTooManyRequests, "1"},
		{"spent for an hour", `{"code":"resource_exhausted","message":"user eve begins chats or adds members too often; try again in 1h0m0s"}`, chat.Spent("eve", time.Hour), http.StatusTooManyRequests, "3600"},
		{"a deadline", `{"code":"deadline_exceeded","message":"too slow"}`, chat.Wrap(cause, chat.DeadlineExceeded, "too slow"), http.StatusGatewayTimeout, ""},
		{"wrapped", `{"code":"not_found","message":"no room"}`, fmt.Errorf("secret: %w", chat.Errorf(chat.NotFound, "no room")), http.StatusNotFound, ""},
		{"anything else", `{"code":"internal","message":"internal error; the server's log has the cause under this request's id"}`, cause, http.StatusInternalServerError, ""},
		{"text that HTML or JSON would read", `{"code":"conflict","message":"<a> \"b\""}`, chat.Errorf(chat.Conflict, `<a> "b"`), http.StatusConflict, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			context := app.NewContext(0)
			Fail(context, c.err)
			response := &context.Response
			if got := string(response.Body()); got != c.body || response.StatusCode() != c.status {
				t.Errorf("Fail(%v) = %d %s, want %d %s", c.err, response.StatusCode(), got, c.status, c.body)
			}
			if got := response.Header.Get("Retry-After"); got != c.retry {
				t.Errorf("Fail(%v) has Retry-After %q, want %q", c.err, got, c.retry)
			}
			if got := string(response.Header.ContentType()); got != "application/json; charset=utf-8" {
				t.Errorf("Fail(%v) has Content-Type %q", c.err, got)
			}
			if last := context.Errors.Last(); last == nil || !errors.Is(last.Err, c.err) || !context.IsAborted() {
				t.Errorf("Fail(%v) leaves %v, aborted %v; want the error for the access log, aborted", c.err, last, context.IsAborted())
			}
		})
	}
}

func TestNoRouteAndNoMethod(t *testing.T) {
	context := app.NewContext(0)
	context.Request.SetRequestURI("/api/\x00<nothing>?secret=1")
	NoRoute(t.Context(), context)
	var answer struct{ Code, Message string }
	if err := json.Unmarshal(context.Response.Body(), &answer); err != nil || answer.Code != "not_found" || strings.Contains(answer.Message, "secret") {
		t.Errorf("NoRoute() = %s, %v; want not_found without the query", context.Response.Body(), err)
	}
	context = app.NewContext(0)
	context.Request.SetRequestURI("/api/send")
	context.Request.SetMethod(http.MethodPut)
	NoMethod(context, "POST")
	want := `{"code":"not_found","message":"/api/send does not answer PUT; it answers POST"}`
	if got := string(context.Response.Body()); got != want || context.Response.StatusCode() != http.StatusMethodNotAllowed || context.Response.Header.Get("Allow") != "POST" {
		t.Errorf("NoMethod() = %d %s, Allow %q; want 405 %s", context.Response.StatusCode(), got, context.Response.Header.Get("Allow"), want)
	}
}
