package redisnode

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/redis/go-redis/v9"
)

// NeverSent: there was no connection, so Redis has not seen the command.
func NeverSent(err error) bool {
	return isDialError(err) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted)
}

// TimedOut: no answer came in time.
func TimedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// Interrupted: the connection broke, or the call was cancelled, before there was an answer.
func Interrupted(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, redis.ErrClosed) || errors.Is(err, context.Canceled) || errors.As(err, &network)
}

// Refused: Redis answered that it cannot do this now. The prefixes are those of redis/src/server.c.
func Refused(err error) bool {
	return slices.ContainsFunc([]string{
		"NOAUTH", "WRONGPASS", "NOPERM", "NOSCRIPT", "LOADING", "READONLY", "MISCONF", "OOM", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN",
		"TRYAGAIN", "BUSY", "MOVED", "ASK",
		"max number of clients reached",
	}, func(prefix string) bool { return redis.HasErrorPrefix(err, prefix) })
}
