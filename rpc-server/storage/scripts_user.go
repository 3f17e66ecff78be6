package storage

import (
	"errors"
	"fmt"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var (
	registerScript = script("register")
	passwordScript = script("password")
	loginScript    = script("login")
	refreshScript  = script("refresh")
)

// userError is callError for a write, which may have too few copies.
func userError(tried string, err error) error {
	if errors.Is(err, redisnode.ErrCopies) || errors.Is(err, redisnode.ErrFewReplicas) {
		return chat.Wrap(fmt.Errorf("%s: %w", tried, err), chat.Unavailable, "redis has too few replicas at the moment; try again")
	}
	return callError(tried, err)
}

// registerError is userError for a call that cannot be repeated: the user would be told that the name is registered
// already.
func registerError(tried string, err error) error {
	const settle = "it is unknown whether the account was made; log in to see"
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case redisnode.NeverSent(err) || errors.Is(err, redisnode.ErrFewReplicas):
		return userError(tried, err)
	case errors.Is(err, redisnode.ErrCopies):
		return chat.Wrap(cause, chat.Unavailable, "the account has fewer copies than it should have; "+settle)
	case redisnode.TimedOut(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; "+settle)
	case redisnode.Interrupted(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; "+settle)
	default:
		return userError(tried, err)
	}
}

// roomError is userError for a change of a room, which is made once only: where it was made, asking again finds so.
func roomError(tried string, err error) error {
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case redisnode.TimedOut(err) && !redisnode.NeverSent(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; it is unknown whether the room was changed")
	case redisnode.Interrupted(err) && !redisnode.NeverSent(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; it is unknown whether the room was changed")
	default:
		return userError(tried, err)
	}
}
