package storage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// TLS names the files, in PEM, with which a rediss:// connection is made. Empty ones are not used.
type TLS struct {
	CA        string // certificates that a Redis may be signed by, instead of the system's
	Cert, Key string // this client's own certificate, for a Redis that asks for one
}

// connect returns a client of the Redis at rawURL. The scheme says how many there are: redis:// is one,
// redis+sentinel:// the master that Sentinels name, redis+cluster:// a Redis Cluster; rediss instead of redis is TLS.
// It never repeats a command by itself: an append that was repeated on a broken connection would be there twice.
// No error has any part of the URL: each may be of its password.
func connect(rawURL string, files TLS) (redis.UniversalClient, error) {
	client, err := parse(rawURL, files)
	if err != nil {
		return nil, fmt.Errorf("redis-url: %w", err)
	}
	return client, nil
}

// errURL is all that is said of a URL that cannot be read.
var errURL = errors.New("it cannot be read as a URL of Redis: redis, rediss, redis+sentinel, rediss+sentinel, redis+cluster or " +
	"rediss+cluster, and ://user:password@host:port/db; special characters of the user and the password are to be " +
	"percent-encoded: # is %23, % is %25, / is %2F, : is %3A, ? is %3F, @ is %40")

func parse(rawURL string, files TLS) (redis.UniversalClient, error) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	scheme, form, _ := strings.Cut(scheme, "+")
	_, query, _ := strings.Cut(rest, "?")
	if (scheme != "redis" && scheme != "rediss") || isSplit(rest) || form != "sentinel" && strings.Contains(query, "@") {
		return nil, errURL
	}
	rawURL = scheme + "://" + rest
	switch form {
	case "":
		return single(rawURL, files)
	case "sentinel":
		return sentinel(rawURL, files)
	case "cluster":
		return cluster(rawURL, files)
	}
	return nil, errURL
}

// isSplit says whether what comes after the scheme of a URL has a password that an unescaped character cuts in two: then
// the host would be a part of it, and would be in what is said of connections.
func isSplit(rest string) bool {
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	behind := rest[len(authority):]
	path, _, _ := strings.Cut(behind, "?")
	return strings.Contains(rest, "#") || strings.Contains(path, "@") ||
		!strings.Contains(authority, "@") && strings.Contains(behind, "@") || strings.Count(authority, "@") > 1
}

func single(rawURL string, files TLS) (redis.UniversalClient, error) {
	options, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, errURL
	}
	if err := files.configure(options.TLSConfig); err != nil {
		return nil, err
	}
	return newNode(options), nil
}

// cluster's client finds the nodes; each node's commands go through a client of its own.
func cluster(rawURL string, files TLS) (redis.UniversalClient, error) {
	options, err := redis.ParseClusterURL(rawURL)
	if err != nil {
		return nil, errURL
	}
	if err := files.configure(options.TLSConfig); err != nil {
		return nil, err
	}
	options.NewClient = newNode // which sets the times
	options.ContextTimeoutEnabled = true
	return redis.NewClusterClient(options), nil
}

// sentinel takes the Sentinels' own password from ?sentinel_password=, so that the user and password of the URL are
// Redis's in every form.
func sentinel(rawURL string, files TLS) (redis.UniversalClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errURL
	}
	query, user := u.Query(), u.User
	u.User = url.UserPassword(query.Get("sentinel_username"), query.Get("sentinel_password"))
	query.Del("sentinel_username")
	query.Del("sentinel_password")
	u.RawQuery = query.Encode()
	options, err := redis.ParseFailoverURL(u.String())
	if err != nil {
		return nil, errURL
	}
	if options.MasterName == "" {
		return nil, errors.New("redis+sentinel:// needs ?master_name=, the name under which the Sentinels know the master")
	}
	if err := files.configure(options.TLSConfig); err != nil {
		return nil, err
	}
	options.Username = user.Username()
	options.Password, _ = user.Password()
	options.MaxRetries = -1
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout/2, timeout, timeout
	options.PoolTimeout = timeout / 2
	options.DialerRetries = 1
	options.DisableIdentity = true
	client := redis.NewFailoverClient(options)
	client.AddHook(dialing{})
	return client, nil
}

// newNode returns a client of one Redis.
func newNode(options *redis.Options) *redis.Client {
	options.MaxRetries = -1
	options.ContextTimeoutEnabled = true
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout/2, timeout, timeout
	options.PoolTimeout = timeout / 2
	options.DialerRetries = 1
	// Neither is needed, and each costs a command on every new connection.
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(options)
	client.AddHook(dialing{})
	return client
}

// configure adds the files to config, which is nil where the scheme is not rediss.
func (f TLS) configure(config *tls.Config) error {
	if f == (TLS{}) {
		return nil
	}
	if config == nil {
		return errors.New("certificates are given; they need a rediss:// URL")
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return fmt.Errorf("certificates of authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("certificates of authorities: %s holds none in PEM", f.CA)
		}
	}
	if f.Cert != "" || f.Key != "" {
		certificate, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return fmt.Errorf("client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return nil
}

// dialing turns a failed dial into a connection that fails at its first use with the same error. go-redis counts
// failed dials and stops to try for a second after some; a Redis that is back would be found too late.
type dialing struct{}

func (dialing) DialHook(dial redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			// Wrapped once more, because go-redis unwraps what a new connection's first command returns.
			return failedConn{fmt.Errorf("connect to redis: %w", dialError(err))}, nil
		}
		return conn, nil
	}
}

func (dialing) ProcessHook(process redis.ProcessHook) redis.ProcessHook { return process }

func (dialing) ProcessPipelineHook(process redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return process
}

// dialError marks an error as one of dialling, which it may be without saying so: of TLS, or of the Sentinels.
func dialError(err error) error {
	if isDialError(err) {
		return err
	}
	return &net.OpError{Op: "dial", Net: "redis", Err: err}
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
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
