package history

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want Outcome
	}{
		{nil, Acknowledged},
		{chat.Errorf(chat.InvalidArgument, "text is empty"), Refused},
		{chat.Errorf(chat.Conflict, "this id was used"), Refused},
		{chat.Errorf(chat.Unavailable, "redis does not answer; nothing was stored, try again"), Refused},
		{chat.Errorf(chat.Unavailable, "more requests at once than can be served; nothing was done, try again"), Refused},
		{chat.Errorf(chat.Unavailable, "the connection to redis broke; it is unknown whether the message was stored"), Unknown},
		{chat.Errorf(chat.Unavailable, "the request was cancelled"), Unknown},
		{chat.Errorf(chat.DeadlineExceeded, "redis took too long"), Unknown},
		{chat.Errorf(chat.Internal, "internal error"), Unknown},
		{fmt.Errorf("post: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}), Refused},
		{fmt.Errorf("post: %w", &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}), Unknown},
		{context.DeadlineExceeded, Unknown},
		{chat.Errorf("unknown", "502 Bad Gateway"), Unknown}, // the client's error for a proxy's answer
	} {
		if got := OutcomeOf(c.err); got != c.want {
			t.Errorf("OutcomeOf(%v) = %s, want %s", c.err, got, c.want)
		}
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	for code, want := range map[chat.Code]bool{
		chat.Unauthenticated: true, chat.TokenExpired: true, chat.TokenInvalid: true, chat.PermissionDenied: true, chat.NotFound: true,
		chat.Unavailable: false, chat.DeadlineExceeded: false, chat.Conflict: false, chat.InvalidArgument: false, chat.Internal: false,
	} {
		if got := Denied(chat.Errorf(code, "no")); got != want {
			t.Errorf("Denied(%s) = %v, want %v", code, got, want)
		}
	}
	if Denied(nil) {
		t.Error("Denied(nil) = true, want false")
	}
}
