package storage

import (
	"errors"
	"fmt"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// readError gives the error of an idempotent call its code. Every failure on the way to Redis is Unavailable.
func readError(tried string, err error) error {
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case redisnode.NeverSent(err) || redisnode.Interrupted(err) || redisnode.TimedOut(err):
		return chat.Wrap(cause, chat.Unavailable, "redis does not answer; try again")
	case redisnode.Refused(err):
		return chat.Wrap(cause, chat.Unavailable, "redis cannot serve at the moment; try again")
	default:
		return cause
	}
}

// appendError is readError for an append. The append may have happened although its answer is missing.
func appendError(tried string, err error) error {
	const settle = "it is unknown whether the message was stored; send it again with the same id to be sure"
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case redisnode.NeverSent(err):
		return chat.Wrap(cause, chat.Unavailable, "redis does not answer; nothing was stored, try again")
	case errors.Is(err, redisnode.ErrFewReplicas):
		return chat.Wrap(cause, chat.Unavailable, "redis has too few replicas; nothing was stored by this request, try again")
	case errors.Is(err, redisnode.ErrCopies):
		return chat.Wrap(cause, chat.Unavailable, "the message has fewer copies than it should have; "+settle)
	case redisnode.TimedOut(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; "+settle)
	case redisnode.Interrupted(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; "+settle)
	case redisnode.Refused(err):
		return chat.Wrap(cause, chat.Unavailable, "redis cannot store at the moment; nothing was stored, try again")
	default:
		return cause
	}
}
