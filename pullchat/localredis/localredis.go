// Package localredis runs a durable Redis of one folder as a child process: redis-server or valkey-server, with an
// append-only file, on a Unix socket that only this user can reach.
package localredis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/redis/go-redis/v9"
)

// Config is the configuration of a Server.
type Config struct {
	Dir   string // of the data; it is created if it is absent
	Fsync string // "always": an acknowledged write survives a power failure; "everysec": all but the last second's do
	Log   *slog.Logger
}

// Server is a Redis of a folder. Only one Server of a folder runs at a time, in all processes of a machine.
type Server struct {
	config  Config
	program string
	socket  string
	private string // folder of the socket, if that is not Dir; removed at the end
	lock    *flock.Flock
	child   *child
}

// The programs that can be the child, the preferred first.
var programs = []string{"redis-server", "valkey-server"}

// socketName is the socket's file.
const socketName = "redis.sock"

const (
	// socketPath is the longest path of a Unix socket that all systems accept.
	socketPath = 100
	// stopWithin is how long the child has for its orderly end. Then it is killed; its file is sound even so.
	stopWithin = 10 * time.Second
	// The time between two starts of a child that ends by itself.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	// steady is how long a child must have run for the pause to begin anew.
	steady = 10 * time.Second
	// askEvery is how often a starting child is asked whether it has read its files.
	askEvery = 20 * time.Millisecond
)

// Start starts the child and waits until it has read its files, or until ctx ends. Run must follow.
func Start(ctx context.Context, config Config) (*Server, error) {
	s := &Server{config: config}
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			s.program = path
			break
		}
	}
	if s.program == "" {
		return nil, errors.New("data: neither redis-server nor valkey-server is installed. On Debian and Ubuntu: apt-get install redis-server. " +
			"On macOS: brew install redis. Without --data the messages are kept in memory")
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	if err := s.startChild(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// prepare locks the folder, and ends a child that a killed process has left behind.
func (s *Server) prepare(ctx context.Context) error {
	dir, err := filepath.Abs(s.config.Dir)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	s.config.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	s.lock = flock.New(filepath.Join(dir, "lock"))
	switch locked, err := s.lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("data: %w", err)
	case !locked:
		return fmt.Errorf("data: another pullchat serve runs on %s; stop it first, or choose another folder", dir)
	}
	if err := s.placeSocket(); err != nil {
		return err
	}
	return s.endOrphan(ctx)
}

// placeSocket chooses the socket's path. Where the folder's own path is too long, the socket lies in a temporary folder,
// and a file in the folder names it.
func (s *Server) placeSocket() error {
	if s.socket = filepath.Join(s.config.Dir, socketName); len(s.socket) <= socketPath {
		return nil
	}
	note := filepath.Join(s.config.Dir, "socket")
	if old, err := os.ReadFile(note); err == nil && isPrivate(string(old)) {
		s.socket, s.private = string(old), filepath.Dir(string(old))
		return nil
	}
	private, err := os.MkdirTemp("", "pullchat-")
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	s.private, s.socket = private, filepath.Join(private, socketName)
	if err := os.WriteFile(note, []byte(s.socket), 0o600); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

// isPrivate reports whether a path that an earlier run noted names a socket in a folder that only this user can enter.
func isPrivate(socket string) bool {
	info, err := os.Lstat(filepath.Dir(socket))
	return filepath.Base(socket) == socketName && err == nil && info.IsDir() && info.Mode().Perm() == 0o700
}

// endOrphan ends the child of a process that was killed, and waits until it has written its files.
func (s *Server) endOrphan(ctx context.Context) error {
	for first := true; ; first = false {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", s.socket)
		if err != nil { // the socket of a process that is gone refuses
			return nil //nolint:nilerr // there is no orphan
		}
		_ = conn.Close()
		if first {
			s.config.Log.Info("a redis-server that an earlier run left behind is stopped first", "data", s.config.Dir)
			client := s.client()
			_ = client.Shutdown(ctx).Err() // the connection ends instead of an answer
			_ = client.Close()
		}
		if err := pause(ctx, askEvery); err != nil {
			return fmt.Errorf("data: a redis-server of an earlier run does not end: %w", err)
		}
	}
}

func (s *Server) client() *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket, MaxRetries: -1, DisableIdentity: true})
}

// URL is the child's, as the rpc-server takes it.
func (s *Server) URL() string { return (&url.URL{Scheme: "unix", Path: s.socket}).String() }

// startChild starts the child and waits until it answers.
func (s *Server) startChild(ctx context.Context) error {
	child, err := begin(s.program, s.config.Dir,
		"--port", "0", "--unixsocket", s.socket, "--unixsocketperm", "700", "--daemonize", "no",
		"--dir", s.config.Dir, "--appendonly", "yes", "--appendfsync", s.config.Fsync, "--save", "",
		"--maxmemory-policy", "noeviction", "--zset-max-listpack-value", "512")
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	s.child = child
	client := s.client()
	defer func() { _ = client.Close() }()
	for {
		if client.Ping(ctx).Err() == nil {
			return nil
		}
		select {
		case <-child.ended:
			return fmt.Errorf("data: %s ended at its start: %s", filepath.Base(s.program), child.lastWords())
		default:
		}
		if err := pause(ctx, askEvery); err != nil {
			s.child.stop()
			return fmt.Errorf("data: %s has not read its files yet: %w", filepath.Base(s.program), err)
		}
	}
}

// Run starts the child again whenever it ends by itself, until ctx ends. Then it stops the child and frees the folder.
func (s *Server) Run(ctx context.Context) error {
	wait, began := firstPause, time.Now()
	for {
		select {
		case <-ctx.Done():
			s.child.stop()
			return s.release()
		case <-s.child.ended:
		}
		if time.Since(began) > steady {
			wait = firstPause
		}
		s.config.Log.Error("redis-server ended and is started again; sends and pulls answer 503 until it has read its files",
			"said", s.child.lastWords(), "after", wait)
		if pause(ctx, wait) != nil {
			continue
		}
		wait, began = min(2*wait, longestPause), time.Now()
		if err := s.startChild(ctx); err != nil && ctx.Err() == nil {
			s.config.Log.Error("redis-server does not start", "error", err)
		}
	}
}

// release frees the folder.
func (s *Server) release() error {
	var err error
	if s.private != "" { // its name came from a file, so remove only the files that belong into it
		err = errors.Join(gone(os.Remove(s.socket)), gone(os.Remove(s.private)))
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Unlock())
	}
	return err
}

// gone ignores the error of removing a file that does not exist.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
