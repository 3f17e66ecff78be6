package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
)

// exampleFile is the file of docs/configuration.md, with a key that exists.
func exampleFile(t *testing.T) (file, secret string) {
	t.Helper()
	text, err := os.ReadFile("../examples/pullchat.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	secret = strings.Repeat("hunter2", 5)
	key := filepath.Join(folder, "key")
	if err := os.WriteFile(key, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(folder, "pullchat.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "/etc/pullchat/auth-secret", key, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, secret
}

// TestConfigCheckOfTheExample: the example is right for every program, and its names in full are settings.
func TestConfigCheckOfTheExample(t *testing.T) {
	t.Parallel()
	file, secret := exampleFile(t)
	for _, name := range []string{"serve", "http-server"} {
		got := invoke(t, nil, "", "config", "check", "--config", file, "--program", name)
		if got.status != 0 || !strings.Contains(got.out, "good   rate-limit: 100/s (pullchat.yaml:") || !strings.Contains(got.out, "good   the keys of tokens") ||
			strings.Contains(got.out+got.err, secret) {
			t.Errorf("check of %s = %+v", name, got)
		}
	}
	shown := invoke(t, []string{"LOG_LEVEL=debug", "PULLCHAT_CONFIG=" + file}, "", "config", "show")
	for _, want := range []string{"access-log:", "errors", "# LOG_LEVEL", "********", "# default"} {
		if shown.status != 0 || !strings.Contains(shown.out, want) || strings.Contains(shown.out, secret) {
			t.Errorf("show = %+v, want %q and no secret", shown, want)
		}
	}
}

// TestConfigCheckFindsAll: each fault has a line, and the exit status is 1.
func TestConfigCheckFindsAll(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pullchat.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	redis := redistest.Start(t)
	for _, c := range []struct {
		name, text  string
		environment []string
		args        []string
		status      int
		want        []string
	}{
		{"two malformed values", "rate-limit: many\nauth: maybe\nlog-level: warn\n", []string{"RETENTION=long"}, nil, 1, []string{
			"wrong  rate-limit: many (pullchat.yaml:1): pullchat.yaml:1: --rate-limit:", "wrong  auth: maybe (pullchat.yaml:2)",
			"good   log-level: warn (pullchat.yaml:3)", "wrong  retention: long (RETENTION)",
		}},
		{"an unknown name", "rate-limits: 1/s\n", nil, nil, 1, []string{`wrong  the file: pullchat.yaml:1: there is no setting "rate-limits"; the nearest is "rate-limit"`}},
		{"no key", "auth: on\n", nil, nil, 1, []string{"good   auth: on", "wrong  the settings fit together: --auth=on needs --auth-secret"}},
		{"a file that is missing", "auth-key-file: /nowhere/key\ntls-cert: /nowhere/c\ntls-key: /nowhere/k\n", nil, nil, 1, []string{
			"wrong  the certificate and its key: open /nowhere/c", "wrong  the keys of tokens: auth-key-file: open /nowhere/key",
		}},
		{"a URL of Redis", "redis-url: http://user:hunter2@x\n", nil, nil, 1, []string{"good   redis-url: ********", "wrong  redis-url and its certificates"}},
		{"no Redis", "redis-url: redis://127.0.0.1:1\n", nil, []string{"--connect"}, 1, []string{"wrong  Redis is ready"}},
		{"a Redis", "redis-url: " + redis.URL() + "\n", nil, []string{"--connect"}, 0, []string{"good   Redis is ready"}},
		{"no rpc-server", "rpc-servers: 127.0.0.1:1\n", nil, []string{"--connect", "--program=http-server"}, 1, []string{"wrong  the rpc-server at 127.0.0.1:1 is ready"}},
		{"a tcp-server", "telnet-addr: 127.0.0.1:5000\ndevice-addr: nowhere\ntraces-headers: a=hunter2\ntraces-endpoint: http://x\n", nil, []string{"--program=tcp-server"}, 1, []string{
			"good   telnet-addr is an address", "wrong  device-addr is an address", "good   traces-headers: ********", "good   there is something to serve, and the rpc-servers may be trusted",
		}},
		{"a tcp-server without an endpoint", "auth: off\n", nil, []string{"--program=tcp-server"}, 1, []string{"wrong  there is something to serve"}},
		{"a worker", "burst-quiet: 20s\n", nil, []string{"--program=worker"}, 1, []string{"good   burst-quiet: 20s", "wrong  the settings fit together"}},
		{"a worker without an rpc-server", "rpc-servers: 127.0.0.1:1\n", nil, []string{"--connect", "--program=worker"}, 1, []string{"good   the settings fit together", "wrong  the rpc-server at 127.0.0.1:1 is ready"}},
		{"a collector by another protocol", "traces-endpoint: http://127.0.0.1:4317\n", []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, nil, 1, []string{"wrong  the settings fit together: OTEL_EXPORTER_OTLP_PROTOCOL"}},
		{"an rpc-server without a secret", "auth: on\nrpc-addr: :8888\n", nil, []string{"--program=rpc-server"}, 1, []string{"wrong  callers may be trusted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(c.text)
			got := invoke(t, c.environment, "", append([]string{"config", "check", "--config", file}, c.args...)...)
			for _, want := range c.want {
				if got.status != c.status || !strings.Contains(got.out, want) || strings.Contains(got.out+got.err, "hunter2") {
					t.Errorf("check = %+v, want status %d and %q", got, c.status, want)
				}
			}
		})
	}
}
