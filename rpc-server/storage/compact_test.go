package storage

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	mini "github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
)

// logText is a log that a test reads while it is written.
type logText struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

// count is how many lines have all the parts.
func (l *logText) count(parts ...string) (n int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
lines:
	for line := range strings.Lines(l.text.String()) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		n++
	}
	return n
}

// keptCompact opens a Store that looks at the setting every few milliseconds.
func keptCompact(t *testing.T, url string) (*Store, *logText) {
	t.Helper()
	store, log := openAt(t, url, Options{}), &logText{}
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	job := store.KeepCompact(slog.New(slog.NewTextHandler(log, debug)))
	job.Every, job.Retry = 5*time.Millisecond, nil
	store.nodes.Start(job)
	return store, log
}

func setting(t *testing.T, client *redis.Client) string {
	t.Helper()
	answer, err := client.ConfigGet(t.Context(), compactSetting).Result()
	if err != nil {
		t.Fatal(err)
	}
	return answer[compactSetting]
}

// admin is a client of a server with all rights.
func admin(t *testing.T, s *redistest.Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestKeepCompactSetsWhatIsTooSmall(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--zset-max-listpack-value", "64")
	store, log := keptCompact(t, server.URL())
	client := admin(t, server)
	hintstest.Eventually(t, "the setting is 512", func() bool { return setting(t, client) == "512" })
	hintstest.Eventually(t, "one line says so", func() bool {
		return log.count("level=INFO", `put \"zset-max-listpack-value 512\" into redis.conf`, "value=64") == 1
	})

	message := chat.Message{Text: strings.Repeat("x", 300), Sender: "alice"}
	if _, err := appendOne(store, chattest.ID(t, "alice:bob"), message); err != nil {
		t.Fatal(err)
	}
	if got := client.ObjectEncoding(t.Context(), store.keys.Log(chattest.ID(t, "alice:bob"))).Val(); got != "listpack" {
		t.Errorf("a log is stored as %s, want listpack", got)
	}

	// A restart forgets it.
	server.Kill()
	server.Restart()
	hintstest.Eventually(t, "the setting is 512 after a restart", func() bool { return setting(t, client) == "512" })
	hintstest.Eventually(t, "a second line says so", func() bool { return log.count("level=INFO") == 2 })
	if n := log.count("level=WARN"); n != 0 {
		t.Errorf("%d warnings, want none:\n%s", n, &log.text)
	}
}

// TestKeepCompactLeavesWhatIsLarger: an operator may want more.
func TestKeepCompactLeavesWhatIsLarger(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--zset-max-listpack-value", "1024")
	_, log := keptCompact(t, server.URL())
	hintstest.Eventually(t, "it was seen", func() bool { return log.count("level=DEBUG", "compactly", "value=1024") == 1 })
	if got := setting(t, admin(t, server)); got != "1024" {
		t.Errorf("the setting is %s, want 1024", got)
	}
}

// TestKeepCompactWaitsForRedis: a Redis that is away at the start is asked once it is there.
func TestKeepCompactWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--zset-max-listpack-value", "64")
	server.Kill()
	_, log := keptCompact(t, server.URL())
	hintstest.Eventually(t, "it was tried", func() bool { return log.count("cannot read the setting of redis yet") > 1 })
	server.Restart()
	client := admin(t, server)
	hintstest.Eventually(t, "the setting is 512", func() bool { return setting(t, client) == "512" })
	if n := log.count("level=WARN"); n != 0 {
		t.Errorf("%d warnings, want none:\n%s", n, &log.text)
	}
}

// TestKeepCompactWithoutRights: a user of Redis may see the setting, or not even that. The log has the advice once.
func TestKeepCompactWithoutRights(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rights, says string }{
		"no CONFIG":     {"-config", `level=INFO msg="redis does not tell its zset-max-listpack-value; put \"zset-max-listpack-value 512\" into redis.conf" `},
		"no CONFIG SET": {"-config +config|get", `level=WARN msg="redis may need twice the memory for chats, and zset-max-listpack-value may not be set by this server; put \"zset-max-listpack-value 512\" into redis.conf" `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, "--zset-max-listpack-value", "64")
			client := admin(t, server)
			rule := append([]any{"ACL", "SETUSER", "pullchat", "on", ">secret", "~*", "&*", "+@all"}, fields(c.rights)...)
			if err := client.Do(t.Context(), rule...).Err(); err != nil {
				t.Fatal(err)
			}
			address := url.URL{Scheme: "redis", User: url.UserPassword("pullchat", "secret"), Host: server.Addr()}
			_, log := keptCompact(t, address.String())
			hintstest.Eventually(t, "the log says it", func() bool { return log.count(c.says) == 1 })
			for range 2 { // after the second, the log has the value of the first
				asked := callsOf(t, client, "cmdstat_config|get")
				hintstest.Eventually(t, "it was asked again", func() bool { return callsOf(t, client, "cmdstat_config|get") != asked })
			}
			if n := log.count("level="); n != 1 {
				t.Errorf("%d lines, want 1:\n%s", n, &log.text)
			}
			if got := setting(t, client); got != "64" {
				t.Errorf("the setting is %s, want 64", got)
			}
		})
	}
}

func fields(text string) (list []any) {
	for field := range strings.FieldsSeq(text) {
		list = append(list, field)
	}
	return list
}

// callsOf is the line of INFO commandstats for a command, which counts refused calls too.
func callsOf(t *testing.T, client *redis.Client, command string) string {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if strings.HasPrefix(line, command+":") {
			return line
		}
	}
	return ""
}

// TestKeepCompactInACluster: every master is set, and the one that takes over after a failover.
func TestKeepCompactInACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, "--zset-max-listpack-value", "64")
	_, log := keptCompact(t, cluster.URL())
	masters := cluster.Masters()
	for _, master := range masters {
		client := admin(t, master)
		hintstest.Eventually(t, "the setting of "+master.Addr()+" is 512", func() bool { return setting(t, client) == "512" })
		hintstest.Eventually(t, "one line says so", func() bool { return log.count("level=INFO", "redis="+master.Addr()) == 1 })
	}
	replica := cluster.ReplicaOf(masters[0])
	client := admin(t, replica)
	if got := setting(t, client); got != "64" {
		t.Errorf("the setting of a replica is %s, want 64", got)
	}
	cluster.Failover(replica)
	hintstest.Eventually(t, "the setting of the new master is 512", func() bool { return setting(t, client) == "512" })
}

// TestKeepCompactOfOtherRedis: the setting has another name, or none, or there is no CONFIG.
func TestKeepCompactOfOtherRedis(t *testing.T) {
	for name, c := range map[string]struct {
		config map[string]string // nil: no such command
		set    string
		says   string
	}{
		"Redis 6": {
			map[string]string{"zset-max-ziplist-value": "64"},
			"zset-max-ziplist-value 512",
			`put \"zset-max-ziplist-value 512\" into redis.conf`,
		},
		"no such setting": {map[string]string{}, "", "level=INFO msg=\"redis does not tell its zset-max-listpack-value"},
		"no CONFIG":       {nil, "", "level=DEBUG msg=\"redis has no CONFIG"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, sets := miniredis.RunT(t), make(chan string, 10)
			if c.config != nil {
				serveConfig(t, fake, c.config, sets)
			}
			_, log := keptCompact(t, "redis://"+fake.Addr())
			hintstest.Eventually(t, "the log says it", func() bool { return log.count(c.says) == 1 })
			set := ""
			select {
			case set = <-sets:
			default:
			}
			if set != c.set {
				t.Errorf("CONFIG SET %q, want %q", set, c.set)
			}
		})
	}
}

// serveConfig gives miniredis a CONFIG that knows these settings. Set values come from sets.
func serveConfig(t *testing.T, fake *miniredis.Miniredis, config map[string]string, sets chan<- string) {
	t.Helper()
	err := fake.Server().Register("CONFIG", func(c *mini.Peer, _ string, args []string) {
		if strings.EqualFold(args[0], "SET") {
			sets <- args[1] + " " + args[2]
			config[args[1]] = args[2]
			c.WriteOK()
			return
		}
		c.WriteMapLen(len(config))
		for name, value := range config {
			c.WriteBulk(name)
			c.WriteBulk(value)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDeployedConfiguration: a Redis starts with deploy/redis.conf and has the settings that Pullchat needs.
func TestDeployedConfiguration(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("../../deploy/redis.conf")
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, "--zset-max-listpack-value", "64", "--appendonly", "no", "--include", file)
	client := admin(t, server)
	for name, want := range map[string]string{
		compactSetting:              fmt.Sprint(compactValue),
		"zset-max-listpack-entries": "128",
		"appendonly":                "yes",
		"appendfsync":               "everysec",
		"save":                      "",
		"maxmemory-policy":          "noeviction",
	} {
		answer, err := client.ConfigGet(context.Background(), name).Result()
		if err != nil || answer[name] != want {
			t.Errorf("CONFIG GET %s = %v, %v; want %q", name, answer, err, want)
		}
	}
}
