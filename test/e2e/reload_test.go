package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/token"
)

// TestReload: rates, origins, hosts, the level and the keys of a running server change with SIGHUP, or when the file changes.
// A file that cannot be used changes nothing. A setting that needs a restart is named.
func TestReload(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, keyFile := filepath.Join(folder, "pullchat.yaml"), filepath.Join(folder, "key")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	common := "auth: on\nauth-secret-file: " + keyFile + "\n"
	oldKey, newKey := strings.Repeat("o", 32), strings.Repeat("n", 32)
	write(keyFile, oldKey+"\n")
	write(file, common+"allowed-origins: https://a.example\n")
	server := programtest.StartServe(t, "PULLCHAT_CONFIG="+file)
	pull := func(key, host string) (status int, origin string) {
		t.Helper()
		keys, err := token.FromSecret(key)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := keys.ForService("test", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Addr()+"/api/pull?chat=alice:bob", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("Authorization", "Bearer "+signed)
		request.Header.Set("Origin", "https://b.example")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode, response.Header.Get("Access-Control-Allow-Origin")
	}
	const b = "https://b.example"
	expect := func(when, key, host string, wantStatus int, wantOrigin string) {
		t.Helper()
		if status, origin := pull(key, host); status != wantStatus || origin != wantOrigin {
			t.Errorf("%s: %d for origin %q, want %d and %q", when, status, origin, wantStatus, wantOrigin)
		}
	}
	expect("at first", oldKey, "localhost", 200, "")
	expect("at first, the new key", newKey, "localhost", 401, "")
	expect("at first, another host", oldKey, "chat.example", 403, "")

	write(keyFile, newKey)
	write(file, common+"allowed-origins: "+b+"\nallowed-hosts: chat.example\nrate-limit: 2/h\nLOG_LEVEL: debug\nmax-body-bytes: 1000\n")
	server.Hangup()
	server.AwaitLog(`"the configuration was read again"`, 1)
	expect("changed", newKey, "chat.example", 200, b)
	expect("changed, the old key", oldKey, "chat.example", 401, b)
	expect("changed, beyond the rate", newKey, "chat.example", 429, b)
	expect("changed, the host of before", newKey, "localhost", 403, b)
	for _, setting := range []string{"allowed-origins", "allowed-hosts", "rate-limit", "log-level", "auth-secret"} {
		server.AwaitLog(`"a setting has changed","setting":"`+setting+`"`, 1)
	}
	server.AwaitLog(`"a setting has changed; restart to apply it","setting":"max-body-bytes"`, 1)
	server.AwaitLog(`"level":"DEBUG"`, 1)

	write(file, common+"rate-limit: many\n")
	server.Hangup()
	server.AwaitLog(`"the new configuration cannot be used; nothing has changed","error":"pullchat.yaml:3: --rate-limit: \"many\" is no rate`, 1)
	expect("a bad file", newKey, "chat.example", 429, b)

	write(file, common+"allowed-origins: "+b+"\n") // without a signal
	server.AwaitLog(`"a setting has changed","setting":"rate-limit","value":""`, 1)
	expect("without a rate", newKey, "localhost", 200, b)
	server.Alive()
	if log := server.Output(); strings.Contains(log, oldKey) || strings.Contains(log, newKey) {
		t.Error("the log has a secret")
	}
}

// TestReloadOfEachProgram: http-server and rpc-server take SIGHUP too.
func TestReloadOfEachProgram(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"http-server", "rpc-server"} {
		file := filepath.Join(t.TempDir(), "pullchat.yaml")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		server := programtest.Start(t, name, "PULLCHAT_CONFIG="+file, "REDIS_URL=redis://127.0.0.1:1")
		if err := os.WriteFile(file, []byte("log-level: debug"), 0o600); err != nil {
			t.Fatal(err)
		}
		server.Hangup()
		server.AwaitLog(`"setting":"log-level","value":"debug"`, 1)
		server.Alive()
	}
}
