package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/program"
)

func TestDialable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"127.0.0.1:8080", "127.0.0.1:8080"},
		{"192.0.2.1:80", "192.0.2.1:80"},
		{"0.0.0.0:8080", "127.0.0.1:8080"},
		{"[::]:8080", "127.0.0.1:8080"},
		{"[::1]:8080", "[::1]:8080"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := dialable(addr); got != c.want {
			t.Errorf("dialable(%s) = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestNoWarningAtStart: where nothing is wrong, the log has no warning. A default that the machine does not allow is lowered,
// after the soft limit of open files was raised to the hard one. A number that the operator gave is worth a warning.
func TestNoWarningAtStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits, given string
		warns         bool
		open          string // files, in the line
	}{
		"few open files":        {"ulimit -n 2000", "", false, `"open_files":2000`},
		"a low soft limit":      {"ulimit -Sn 300; ulimit -Hn 2000", "", false, `"open_files":1999`}, // Go's mark that it has raised it
		"a number that fits":    {"ulimit -n 2000", "1000", false, ""},
		"a number that is more": {"ulimit -n 2000", "20000", true, `"open_files":2000`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := command(t, []string{"HTTP_ADDR=127.0.0.1:0", "RPC_ADDR=127.0.0.1:0"}, "serve")
			if c.given != "" {
				server.Env = append(server.Env, "MAX_CONNECTIONS="+c.given)
			}
			server.Args = append([]string{"sh", "-c", c.limits + `; exec "$0" "$@"`, server.Path}, server.Args[1:]...)
			server.Path = "/bin/sh"
			log, err := server.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = server.Process.Kill(), server.Wait() }()
			var said strings.Builder
			for lines := bufio.NewScanner(log); lines.Scan(); {
				said.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), "http-server listens") {
					break
				}
			}
			if got := strings.Contains(said.String(), `"level":"WARN"`); got != c.warns || !strings.Contains(said.String(), c.open) ||
				!strings.Contains(said.String(), "http-server listens") {
				t.Errorf("the log has %s, want a warning: %v, and %s", &said, c.warns, c.open)
			}
		})
	}
}

// running runs a part until stop.
func running(t *testing.T, part program.Part) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- part.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestEmbeddedRedisHasAPassword: with one, nothing is read without it, and the URL has it.
func TestEmbeddedRedisHasAPassword(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	embedded, err := startEmbedded("apassword")
	if err != nil {
		t.Fatal(err)
	}
	defer running(t, embedded)()
	for url, wanted := range map[string]bool{embedded.url(): true, "redis://" + embedded.redis.Addr(): false} {
		options, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		client := redis.NewClient(options)
		err = client.Get(t.Context(), "k").Err()
		if errors.Is(err, redis.Nil) != wanted {
			t.Errorf("GET at %s = %v", url, err)
		}
		_ = client.Close()
	}
}

// TestEmbeddedRedis: its keys expire, and its stop leaves nothing behind.
func TestEmbeddedRedis(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	redis, err := startEmbedded("")
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, redis)
	conn, err := net.Dial("tcp", strings.TrimPrefix(redis.url(), "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	ask := func(command string) string {
		if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
			t.Fatal(err)
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(answer)
	}
	if got := ask("*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nEX\r\n$1\r\n1"); got != "+OK" {
		t.Errorf("SET = %q, want +OK", got)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for ask("*2\r\n$6\r\nEXISTS\r\n$1\r\nk") != ":0" {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the key is still there after 20 s, want it gone after 1 s")
		}
	}
	_ = conn.Close()
	stop()
}

// TestServeOnLoopback answers to the names of loopback only, unless it is told others.
func TestServeOnLoopback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environment []string
		answers     map[string]int
	}{
		{nil, map[string]int{"localhost:8080": 200, "127.0.0.1": 200, "[::1]:1": 200, "evil.example": 403}},
		{[]string{"ALLOWED_HOSTS=chat.example"}, map[string]int{"chat.example": 200, "localhost": 403}},
		{[]string{"ALLOWED_HOSTS=*"}, map[string]int{"evil.example": 200}},
	} {
		s := serveProcess(t, c.environment...)
		for host, want := range c.answers {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/api/pull?chat=a", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("with %v, a request to %s is answered %d, want %d", c.environment, host, response.StatusCode, want)
			}
		}
	}
}
