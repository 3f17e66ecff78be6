package service

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// good has the default settings of the programs.
func good() Config {
	return Config{
		RPCAddr: "127.0.0.1:0", DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096, IdempotencyWindow: 24 * time.Hour,
		HintSweep: 10 * time.Second, RefreshTokenTTL: 720 * time.Hour, MaxRoomMembers: 10_000, MaxChatDevices: 100, EmptyChatsExpire: 720 * time.Hour, WordsKeep: 168 * time.Hour,
		AuditMax: 100_000, MaxOpenReports: 10_000,
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string // "" for none
	}{
		{"the defaults", func(*Config) {}, ""},
		{"the least", func(c *Config) {
			c.DefaultLimit, c.MaxLimit, c.MaxTextBytes = 1, 1, 1
			c.IdempotencyWindow, c.HintSweep = time.Minute, 100*time.Millisecond
		}, ""},
		{"no default limit", func(c *Config) { c.DefaultLimit = 0 }, "--default-limit is 0; it must be at least 1"},
		{"a maximum below the default", func(c *Config) { c.MaxLimit = 9 }, "--max-limit is 9; it must be at least --default-limit, which is 10"},
		{"no audit log", func(c *Config) { c.AuditMax = 0 }, "--audit-max is 0; it must be at least 1"},
		{"no reports", func(c *Config) { c.MaxOpenReports = 0 }, "--max-open-reports is 0; it must be at least 1"},
		{"negative reports in an hour", func(c *Config) { c.ReportsPerHour = -1 }, "--reports-per-hour is -1; it must be at least 0"},
		{"negative reports in a day", func(c *Config) { c.ReportsPerDay = -1 }, "--reports-per-day is -1; it must be at least 0"},
		{"no devices", func(c *Config) { c.MaxChatDevices = 0 }, "--max-chat-devices is 0; it must be at least 1"},
		{"chats that expire at once", func(c *Config) { c.EmptyChatsExpire = time.Minute }, "--empty-chats-expire is 1m0s; it must be at least 1h0m0s"},
		{"rooms for nobody", func(c *Config) { c.MaxRoomMembers = 0 }, "--max-room-members is 0; it must be at least 1"},
		{"logins of no time", func(c *Config) { c.RefreshTokenTTL = 0 }, "--refresh-token-ttl is 0s; it must be at least 1s"},
		{"no text", func(c *Config) { c.MaxTextBytes = 0 }, "--max-text-bytes is 0; it must be at least 1"},
		{"negative retention", func(c *Config) { c.Retention = -time.Second }, "--retention is -1s; it must be at least 0s"},
		{"negative number of messages", func(c *Config) { c.MaxChatMessages = -1 }, "--max-chat-messages is -1; it must be at least 0"},
		{"negative window", func(c *Config) { c.IdempotencyWindow = -time.Hour }, "--idempotency-window is -1h0m0s; it must be at least 1m0s"},
		{"a sweep without a pause", func(c *Config) { c.HintSweep = 99 * time.Millisecond }, "--hint-sweep is 99ms; it must be at least 100ms"},
		{
			"two at once", func(c *Config) { c.MaxTextBytes, c.Retention = -1, -1 },
			"--max-text-bytes is -1; it must be at least 1\n--retention is -1ns; it must be at least 0s",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := good()
			c.change(&config)
			got := ""
			if err := config.Validate(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("Validate(%+v) = %q, want %q", config, got, c.want)
			}
		})
	}
}

func TestListenRefusesWhatItCannotUse(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no scheme":        {func(c *Config) { c.RedisURL = "user:hunter2@127.0.0.1:6379" }, "redis-url"},
		"a wrong scheme":   {func(c *Config) { c.RedisURL = "http://user:hunter2@127.0.0.1:6379" }, "redis-url"},
		"a wrong port":     {func(c *Config) { c.RedisURL = "redis://user:hunter2@127.0.0.1:port" }, "redis-url"},
		"a wrong database": {func(c *Config) { c.RedisURL = "redis://user:hunter2@127.0.0.1:6379/zero" }, "redis-url"},
		"a wrong escape":   {func(c *Config) { c.RedisURL = "redis://user:%zzhunter2@127.0.0.1:6379" }, "redis-url"},
		"a wrong option":   {func(c *Config) { c.RedisURL = "redis://user:hunter2@127.0.0.1:6379?tls=yes" }, "redis-url"},
		"no address":       {func(c *Config) { c.RPCAddr = "127.0.0.1" }, "rpc-addr"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good()
			config.RedisURL = "redis://127.0.0.1:1"
			c.change(&config)
			server, err := Listen(t.Context(), config, quiet())
			if err == nil {
				_ = server.Close()
				t.Fatalf("Listen() = nil, want an error about %s", c.want)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Listen() = %v, want an error about %s without the password", err, c.want)
			}
		})
	}
}

// TestListenNeedsASecret: with AUTH=on a server that other machines reach does not start without RPC_SECRET.
func TestListenNeedsASecret(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		addr    string
		trust   Trust
		refused bool
	}{
		{":0", Trust{Auth: "on"}, true},
		{"0.0.0.0:0", Trust{Auth: "on"}, true},
		{"127.0.0.1:0", Trust{Auth: "on"}, false},
		{":0", Trust{Auth: "on", RPCSecret: "a secret"}, false},
		{":0", Trust{Auth: "off"}, false},
	} {
		config := good()
		config.RPCAddr, config.Trust, config.RedisURL = c.addr, c.trust, "redis://127.0.0.1:1"
		server, err := Listen(t.Context(), config, slog.New(slog.DiscardHandler))
		if refused := err != nil && strings.Contains(err.Error(), "RPC_SECRET"); refused != c.refused || !refused && err != nil {
			t.Errorf("Listen(%s, %+v) = %v, want refused: %v", c.addr, c.trust, err, c.refused)
		}
		if server != nil {
			_ = server.Close()
		}
	}
}
