package ratelimit

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// LoginOutcomes is a chat.Sessions that tells the outcome of each login: "ok", "wrong", "refused" by a rate, "failed" for all
// else.
type LoginOutcomes struct {
	chat.Sessions
	Tell func(outcome string)
}

// Login implements chat.Sessions.
func (l LoginOutcomes) Login(ctx context.Context, c chat.Credentials) (chat.Session, error) {
	session, err := l.Sessions.Login(ctx, c)
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "ok"
	case chat.CodeOf(err) == chat.Unauthenticated:
		outcome = "wrong"
	case chat.CodeOf(err) == chat.ResourceExhausted:
		outcome = "refused"
	}
	l.Tell(outcome)
	return session, err
}
