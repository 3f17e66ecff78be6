package storage

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/check"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// TestErrorCodes walks the ways in which Redis fails, with the errors of a reader and of a sender.
func TestErrorCodes(t *testing.T) {
	redisError := func(text string) error { return redisReply(text) }
	const unknown = "it is unknown whether the message was stored"
	for _, c := range []struct {
		name         string
		err          error
		read, append chat.Code
		says         string // to a sender
	}{
		{"dial refused", &net.OpError{Op: "dial", Err: errors.New("refused")}, chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"dial timed out", &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"pool timeout", redis.ErrPoolTimeout, chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"read timed out", &net.OpError{Op: "read", Err: timeoutError{}}, chat.Unavailable, chat.DeadlineExceeded, unknown},
		{"deadline", context.DeadlineExceeded, chat.Unavailable, chat.DeadlineExceeded, unknown},
		{"connection ended", io.EOF, chat.Unavailable, chat.Unavailable, unknown},
		{"connection reset", &net.OpError{Op: "read", Err: errors.New("reset")}, chat.Unavailable, chat.Unavailable, unknown},
		{"loading", redisError("LOADING Redis is loading the dataset in memory"), chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"replica", redisError("READONLY You can't write against a read only replica."), chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"disk full", redisError("MISCONF Errors writing to the AOF file"), chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"memory full", redisError("OOM command not allowed when used memory > 'maxmemory'."), chat.Unavailable, chat.Unavailable, "nothing was stored"},
		{"wrong type", redisError("WRONGTYPE Operation against a key"), chat.Internal, chat.Internal, "internal error"},
		{"other", errors.New("surprise"), chat.Internal, chat.Internal, "internal error"},
	} {
		if got := chat.CodeOf(readError("try", c.err)); got != c.read {
			t.Errorf("%s: readError = %s, want %s", c.name, got, c.read)
		}
		err := chat.AsError(appendError("try", c.err))
		if err.Code != c.append || !strings.Contains(err.Message, c.says) {
			t.Errorf("%s: appendError = %s %q, want %s %q", c.name, err.Code, err.Message, c.append, c.says)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the cause is lost", c.name)
		}
	}
}

type redisReply string

func (e redisReply) Error() string { return string(e) }
func (redisReply) RedisError()     {}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

func TestRedisIsAway(t *testing.T) {
	away := miniredis.RunT(t)
	store := openAt(t, "redis://"+away.Addr(), Options{})
	away.Close()
	ctx := context.Background()
	for range 50 { // far more than the pool has places: a failed dial is forgotten at once
		if err := store.Ready(ctx); chat.CodeOf(err) != chat.Unavailable {
			t.Fatalf("Ready() without Redis = %v, want unavailable", err)
		}
	}
	if _, err := appendOne(store, chattest.ID(t, "room"), chat.Message{Text: "x", Sender: "a"}); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Append() without Redis = %v, want unavailable", err)
	}
	// Redis is known and goes away: an append is refused by the network, which is a clear outcome.
	store.checked.Store(true)
	if _, err := appendOne(store, chattest.ID(t, "room"), chat.Message{Text: "x", Sender: "a"}); !strings.Contains(chat.AsError(err).Message, "nothing was stored") {
		t.Errorf("Append() without Redis = %v, want it to say that nothing was stored", err)
	}
	store.checked.Store(false)
	if _, err := rangeOne(store, chattest.ID(t, "room"), 0, false, 1); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Range() without Redis = %v, want unavailable", err)
	}
	if err := away.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := store.Ready(ctx); err != nil {
		t.Errorf("the first Ready() with Redis back = %v, want nil", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url  string
		tls  redisnode.TLS
		says string
	}{
		{"", redisnode.TLS{}, "redis-url"},
		{"127.0.0.1:6379", redisnode.TLS{}, "redis-url"},
		{"http://127.0.0.1", redisnode.TLS{}, "redis-url"},
		{"redis://user:secret@host:port", redisnode.TLS{}, "redis-url"},
		{"redis+sentinel://user:secret@host:port", redisnode.TLS{}, "redis-url"},
		{"redis+cluster://user:secret@host:port", redisnode.TLS{}, "redis-url"},
		{"redis+sentinel://user:secret@127.0.0.1:26379", redisnode.TLS{}, "master_name"},
		{"redis+ring://user:secret@127.0.0.1:6379", redisnode.TLS{}, "redis+cluster"},
		{"redis://127.0.0.1:6379?surprise=1", redisnode.TLS{}, "cannot be read"},
		{"redis://127.0.0.1:6379", redisnode.TLS{CA: empty}, "rediss://"},
		{"rediss://127.0.0.1:6379", redisnode.TLS{CA: empty}, "holds none"},
		{"rediss://127.0.0.1:6379", redisnode.TLS{CA: empty + "x"}, "no such file"},
		{"rediss+cluster://127.0.0.1:6379", redisnode.TLS{Cert: empty, Key: empty}, "client certificate"},
		{"rediss+sentinel://127.0.0.1:6379?master_name=m", redisnode.TLS{Cert: empty}, "client certificate"},
	} {
		_, err := Open(c.url, Options{TLS: c.tls})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q, %+v) = %v, want an error about %q without the password", c.url, c.tls, err, c.says)
		}
	}
}

// TestNoPartOfAURLIsTold: a password that is not percent-encoded is cut in two, and neither half may be in an error, or be
// taken for a host that later errors name.
func TestNoPartOfAURLIsTold(t *testing.T) {
	for _, form := range []string{"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster", "hunter"} {
		for _, password := range []string{
			"hunter#tail", "hunter/tail", "hunter?tail", "hunter%tail", "12#tail", "12/tail", "12?tail", "12/34", "hunter@tail", "hunter@tail/tail",
			"hunter@tail#tail", "hunter@tail?tail", "hunter%zz", "%", "hunter\\tail", "hunter tail", "[hunter", "12?tail=hunter", "12?addr=hunter:1",
		} {
			for _, where := range []string{"user:" + password + "@", ":" + password + "@", password + "@"} {
				url := form + "://" + where + "127.0.0.1:6379/0?master_name=m"
				store, err := Open(url, Options{})
				if err == nil { // it can be read: then nothing but the host is the host
					_, asked := store.redis.Get(t.Context(), "x").Result()
					if told := asked.Error() + redisnode.WithoutSecrets(url); strings.Contains(told, "hunter") || strings.Contains(told, "tail") || strings.Contains(told, "12") && !strings.Contains(told, "127.0.0.1") {
						t.Errorf("Get() at %q = %v", url, asked)
					}
					_ = store.Close()
					continue
				}
				_, checkErr := check.Open(url, check.Options{})
				for _, err := range []error{err, checkErr} {
					if err == nil || !strings.Contains(err.Error(), "percent-encoded") || strings.Contains(err.Error(), "hunter") ||
						strings.Contains(err.Error(), "tail") || strings.Contains(err.Error(), "12") {
						t.Errorf("Open(%q) = %v, want that to be said without a part of it", url, err)
					}
				}
			}
		}
	}
	if told := redisnode.WithoutSecrets("redis+sentinel://u:p@host:1/0?master_name=m&sentinel_password=a@hunter"); told != "redis+sentinel://host:1/0" {
		t.Errorf("WithoutSecrets() = %q", told)
	}
}

// TestReadyRunsAScript: a user of Redis who may write and not run scripts can store nothing.
func TestReadyRunsAScript(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--user", "noscript", "on", ">secret", "~*", "&*", "+@all", "-@scripting",
		"--user", "noload", "on", ">secret", "~*", "&*", "+@all", "-script")
	for user, want := range map[string]chat.Code{"noscript": chat.Unavailable, "noload": chat.Unavailable, "default": ""} {
		url := "redis://" + user + ":secret@" + redis.Addr()
		if user == "default" {
			url = redistest.Start(t).URL()
		}
		if err := openAt(t, url, Options{}).Ready(t.Context()); chat.CodeOf(err) != want {
			t.Errorf("Ready() as %s = %v, want %q", user, err, want)
		}
	}
}
