package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// connect returns a client of the Redis at rawURL (redis:// or rediss://). It never repeats a command by itself: an
// append that was repeated on a broken connection would be there twice.
func connect(rawURL string) (redis.UniversalClient, error) {
	options, err := redis.ParseURL(rawURL)
	var malformed *url.Error
	switch {
	case errors.As(err, &malformed): // which quotes the whole url, with its password
		return nil, fmt.Errorf("redis-url: %w", malformed.Err)
	case err != nil:
		return nil, fmt.Errorf("redis-url: %w", err)
	}
	options.MaxRetries = -1
	options.ContextTimeoutEnabled = true
	options.DialTimeout = timeout / 2
	options.ReadTimeout = timeout
	options.WriteTimeout = timeout
	options.PoolTimeout = timeout / 2
	options.Dialer = dialer(redis.NewDialer(options))
	options.DialerRetries = 1
	// Neither is needed, and each costs a command on every new connection.
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(options), nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialer turns a failed dial into a connection that fails at its first use with the same error. go-redis counts
// failed dials and stops to try for a second after some; a Redis that is back would be found too late.
func dialer(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return failedConn{fmt.Errorf("connect to redis: %w", err)}, nil
		}
		return conn, nil
	}
}

type failedConn struct{ err error }

func (c failedConn) Read([]byte) (int, error)       { return 0, c.err }
func (c failedConn) Write([]byte) (int, error)      { return 0, c.err }
func (failedConn) Close() error                     { return nil }
func (failedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (failedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (failedConn) SetDeadline(time.Time) error      { return nil }
func (failedConn) SetReadDeadline(time.Time) error  { return nil }
func (failedConn) SetWriteDeadline(time.Time) error { return nil }

// LogTo sends what go-redis logs, for the whole process, to a logger: for debugging, because what goes wrong is in
// the errors of the calls.
func LogTo(log *slog.Logger) { redis.SetLogger(redisLogger{log.With("from", "redis")}) }

type redisLogger struct{ log *slog.Logger }

func (l redisLogger) Printf(ctx context.Context, format string, values ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, fmt.Sprintf(format, values...))
	}
}
