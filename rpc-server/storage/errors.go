package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

// readError gives the error of an idempotent call its code. Every failure on the way to Redis is Unavailable.
func readError(tried string, err error) error {
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case neverSent(err) || interrupted(err) || timedOut(err):
		return chat.Wrap(cause, chat.Unavailable, "redis does not answer; try again")
	case refused(err):
		return chat.Wrap(cause, chat.Unavailable, "redis cannot serve at the moment; try again")
	default:
		return cause
	}
}

// appendError is readError for an append. The append may have happened although its answer is missing.
func appendError(tried string, err error) error {
	const settle = "it is unknown whether the message was stored; send it again with the same id to be sure"
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case neverSent(err):
		return chat.Wrap(cause, chat.Unavailable, "redis does not answer; nothing was stored, try again")
	case errors.Is(err, errFewReplicas):
		return chat.Wrap(cause, chat.Unavailable, "redis has too few replicas; nothing was stored by this request, try again")
	case errors.Is(err, errCopies):
		return chat.Wrap(cause, chat.Unavailable, "the message has fewer copies than it should have; "+settle)
	case timedOut(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; "+settle)
	case interrupted(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; "+settle)
	case refused(err):
		return chat.Wrap(cause, chat.Unavailable, "redis cannot store at the moment; nothing was stored, try again")
	default:
		return cause
	}
}

// neverSent: there was no connection, so Redis has not seen the command.
func neverSent(err error) bool {
	return isDialError(err) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted)
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

func interrupted(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, redis.ErrClosed) || errors.Is(err, context.Canceled) || errors.As(err, &network)
}

// refused: Redis answered that it cannot do this now. The prefixes are those of redis/src/server.c.
func refused(err error) bool {
	return slices.ContainsFunc([]string{
		"NOAUTH", "WRONGPASS", "NOPERM", "NOSCRIPT", "LOADING", "READONLY", "MISCONF", "OOM", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN",
		"TRYAGAIN", "BUSY", "MOVED", "ASK",
		"max number of clients reached",
	}, func(prefix string) bool { return redis.HasErrorPrefix(err, prefix) })
}
