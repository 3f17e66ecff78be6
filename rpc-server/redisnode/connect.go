// Package redisnode is the transport to Redis: connections, the nodes of a cluster, pipelines, redirects and copies. It
// knows nothing of chats.
package redisnode

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

// TLS names the PEM files for rediss:// connections. Empty names are ignored.
type TLS struct {
	CA        string // certificate authorities trusted instead of the system's
	Cert, Key string // client certificate, for a Redis that requires one
}

// Connect returns a client of the Redis at rawURL. The scheme selects the topology: redis:// is one server,
// redis+sentinel:// is the master that Sentinels name, redis+cluster:// is a Redis Cluster. rediss instead of redis
// enables TLS. unix:// and a path is one server on a Unix socket.
//
// The client never retries a command by itself: an append retried on a broken connection could be stored twice. Errors
// contain no part of the URL, because any part may belong to the password.
func Connect(rawURL string, files TLS) (redis.UniversalClient, error) {
	client, err := parse(rawURL, files)
	if err != nil {
		return nil, fmt.Errorf("redis-url: %w", err)
	}
	return client, nil
}

// errURL is the only error for a URL that cannot be parsed. It does not quote the URL.
var errURL = errors.New("it cannot be read as a URL of Redis: redis, rediss, redis+sentinel, rediss+sentinel, redis+cluster or " +
	"rediss+cluster, and ://user:password@host:port/db, or unix:///path; special characters of the user and the password are to be " +
	"percent-encoded: # is %23, % is %25, / is %2F, : is %3A, ? is %3F, @ is %40")

func parse(rawURL string, files TLS) (redis.UniversalClient, error) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	if scheme == "unix" {
		return single(rawURL, files)
	}
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

// isSplit reports whether an unescaped character in the password cuts the rest of a URL in two. Part of the password
// would then be taken for the host and appear in connection errors.
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

// A cluster's client finds the nodes. Each node's commands go through that node's own client.
func cluster(rawURL string, files TLS) (redis.UniversalClient, error) {
	options, err := redis.ParseClusterURL(rawURL)
	if err != nil {
		return nil, errURL
	}
	if err := files.configure(options.TLSConfig); err != nil {
		return nil, err
	}
	options.NewClient = newNode // which sets the timeouts
	options.ContextTimeoutEnabled = true
	return redis.NewClusterClient(options), nil
}

// sentinel reads the Sentinels' own password from ?sentinel_password=. The user and password of the URL are Redis's in
// every scheme.
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
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = Timeout/2, Timeout, Timeout
	options.PoolTimeout = Timeout / 2
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
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = Timeout/2, Timeout, Timeout
	options.PoolTimeout = Timeout / 2
	options.DialerRetries = 1
	// Neither option is needed, and each costs a command on every new connection.
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(options)
	client.AddHook(dialing{})
	return client
}

// configure adds the files to config. A nil config means that the scheme is not rediss.
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

// dialing converts a failed dial into a connection whose first use returns the dial error. go-redis counts failed dials
// and pauses dialling for a second after several; that would delay recovery.
type dialing struct{}

func (dialing) DialHook(dial redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			// wrapped twice: go-redis unwraps the error of a new connection's first command
			return failedConn{fmt.Errorf("connect to redis: %w", DialError(err))}, nil
		}
		return conn, nil
	}
}

func (dialing) ProcessHook(process redis.ProcessHook) redis.ProcessHook { return process }

func (dialing) ProcessPipelineHook(process redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return process
}

// DialError marks an error as a dial error. TLS and Sentinel failures do not say so themselves.
func DialError(err error) error {
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

// WithoutSecrets returns scheme, hosts and path of a url.
func WithoutSecrets(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	before, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") && !strings.HasSuffix(scheme, "+sentinel") { // else it may belong to a Sentinel's password
		before, _, _ = strings.Cut(query[strings.LastIndexByte(query, '@'):], "?")
	}
	return scheme + "://" + before[strings.LastIndexByte(before, '@')+1:]
}

// LogTo sends go-redis's log lines of the whole process to a logger, at debug level. Failures are also returned as
// errors of the calls.
func LogTo(log *slog.Logger) { redis.SetLogger(redisLogger{log.With("from", "redis")}) }

type redisLogger struct{ log *slog.Logger }

func (l redisLogger) Printf(ctx context.Context, format string, values ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, fmt.Sprintf(format, values...))
	}
}
