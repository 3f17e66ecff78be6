package redistest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/redistest"
)

func TestServerKeepsWhatItHasThroughAKill(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := open(t, server)
	set(t, client, "key", "value")
	before := server.PID()
	server.Kill()
	if _, err := server.Do("PING"); err == nil {
		t.Error("a killed server answers")
	}
	server.Restart()
	if server.PID() == before {
		t.Error("PID() is that of the killed process")
	}
	if got := client.Get(t.Context(), "key").Val(); got != "value" {
		t.Errorf("GET key = %q after a kill, want value", got)
	}
}

func TestStoppedServerAnswersAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	options := optionsOf(t, server)
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Error("a stopped server answers")
	}
	server.Continue()
	if answer, err := server.Do("PING"); answer != "+PONG" || err != nil {
		t.Errorf("PING = %q, %v after Continue", answer, err)
	}
}

func TestRestartReadsTheRewrittenConfiguration(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--user", "alice", "on", ">a#b \"c", "~*", "&*", "+@all", "--user", "default", "off")
	client := open(t, server)
	for _, command := range [][]any{{"config", "set", "maxmemory", "100mb"}, {"config", "rewrite"}} {
		if err := client.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(command, err)
		}
	}
	server.Kill()
	server.Restart()
	if got := server.Info("maxmemory_human"); got != "100.00M" {
		t.Errorf("maxmemory = %s after a restart, want 100.00M", got)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, url, other string
		args             []string
	}{
		{name: "no password", url: "rediss://127.0.0.1:", other: ""},
		{name: "password", url: "rediss://:secret@127.0.0.1:", other: "NOAUTH", args: []string{"--requirepass", "secret"}},
		{
			name: "user", url: "rediss://alice:secret@127.0.0.1:", other: "NOAUTH",
			args: []string{"--user", "alice", "on", ">secret", "~*", "&*", "+@all", "--user", "default", "off"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartTLS(t, test.args...)
			if !strings.HasPrefix(server.URL(), test.url) {
				t.Errorf("URL() = %s, want %s…", server.URL(), test.url)
			}
			set(t, open(t, server), "key", "value")
			if got, err := server.Do("GET key"); got != "value" || err != nil {
				t.Errorf("GET key = %q, %v, want value", got, err)
			}

			options := optionsOf(t, server)
			options.Username, options.Password = "", ""
			if err := ping(t, options); test.other == "" && err != nil || test.other != "" && (err == nil || !strings.Contains(err.Error(), test.other)) {
				t.Errorf("PING without credentials = %v, want %q", err, test.other)
			}
			options.TLSConfig.Certificates = nil
			if err := ping(t, options); err == nil || strings.Contains(err.Error(), "NOAUTH") {
				t.Errorf("PING without a client certificate = %v, want an alert", err)
			}
			options.TLSConfig = nil
			if err := ping(t, options); err == nil {
				t.Error("PING without TLS succeeded")
			}
			options = optionsOf(t, server)
			options.TLSConfig.ServerName = "localhost"
			if err := ping(t, options); err != nil {
				t.Errorf("PING of localhost = %v", err)
			}
		})
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	t.Parallel()
	redistest.Start(t) // skips the test where no server can be started
	var pids []int
	t.Run("servers", func(t *testing.T) {
		sentinel := redistest.StartSentinel(t)
		servers := slices.Concat(
			[]*redistest.Server{redistest.Start(t), redistest.StartTLS(t)}, sentinel.Servers(), sentinel.Sentinels(),
			redistest.StartCluster(t).Servers(),
		)
		for i, server := range servers {
			pids = append(pids, server.PID())
			if err := syscall.Kill(server.PID(), 0); err != nil {
				t.Errorf("process %d: %v, want it to run", server.PID(), err)
			}
			if i%2 == 0 {
				server.Stop() // a stopped one ends as well
			}
		}
	})
	if len(pids) != 14 {
		t.Errorf("%d processes, want 14", len(pids))
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d = %v after the test, want it gone", pid, err)
		}
	}
}

func ping(t *testing.T, options *redis.Options) error {
	t.Helper()
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	return client.Ping(t.Context()).Err()
}

func open(t *testing.T, server *redistest.Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(optionsOf(t, server))
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func optionsOf(t *testing.T, server *redistest.Server) *redis.Options {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	configure(t, options.TLSConfig, server.Certificates)
	return options
}

// timed starts one form and logs the time it took.
func timed[F any](t *testing.T, start func(testing.TB, ...string) F, args ...string) F {
	t.Helper()
	began := time.Now()
	form := start(t, args...)
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	return form
}

// configure gives a client its certificates, if it uses TLS.
func configure(t *testing.T, config *tls.Config, certificates redistest.Certificates) {
	t.Helper()
	if config == nil {
		return
	}
	ca, err := os.ReadFile(certificates.CA)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(certificates.Cert, certificates.Key)
	if err != nil {
		t.Fatal(err)
	}
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AppendCertsFromPEM(ca)
	config.Certificates = []tls.Certificate{pair}
}

func set(t *testing.T, client redis.Cmdable, key, value string) {
	t.Helper()
	if err := client.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}
