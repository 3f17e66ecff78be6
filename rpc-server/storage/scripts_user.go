package storage

import (
	"errors"
	"fmt"

	"github.com/pullchat/pullchat/internal/chat"
)

var (
	registerScript = script("register")
	passwordScript = script("password")
	loginScript    = script("login")
	refreshScript  = script("refresh")
)

// userError is callError for what was written: it may have too few copies.
func userError(tried string, err error) error {
	if errors.Is(err, errCopies) || errors.Is(err, errFewReplicas) {
		return chat.Wrap(fmt.Errorf("%s: %w", tried, err), chat.Unavailable, "redis has too few replicas at the moment; try again")
	}
	return callError(tried, err)
}

// registerError is userError for what cannot be repeated: the user would be told that she is registered already.
func registerError(tried string, err error) error {
	const settle = "it is unknown whether the account was made; log in to see"
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case neverSent(err) || errors.Is(err, errFewReplicas):
		return userError(tried, err)
	case errors.Is(err, errCopies):
		return chat.Wrap(cause, chat.Unavailable, "the account has fewer copies than it should have; "+settle)
	case timedOut(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; "+settle)
	case interrupted(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; "+settle)
	default:
		return userError(tried, err)
	}
}

// roomError is userError for a change of a room, which is made once only: where it was made, asking again finds so.
func roomError(tried string, err error) error {
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case timedOut(err) && !neverSent(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; it is unknown whether the room was changed")
	case interrupted(err) && !neverSent(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; it is unknown whether the room was changed")
	default:
		return userError(tried, err)
	}
}
