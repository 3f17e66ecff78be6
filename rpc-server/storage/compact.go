package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Redis keeps a sorted set of up to zset-max-listpack-entries (128) entries in one compact block, as long as no entry
// is longer than zset-max-listpack-value. Its default of 64 bytes is less than a message of 40 bytes takes. docs/redis.md
// has the numbers.
const (
	compactSetting = "zset-max-listpack-value"
	compactValue   = 512
	// compactNames matches the setting's name, and its name before Redis 7: zset-max-ziplist-value.
	compactNames = "zset-max-*-value"
)

// The interval at which each Redis is asked for the setting. A restart forgets CONFIG SET, and a master that takes over
// in a failover has its own configuration.
const (
	compactEvery = time.Minute
	compactRetry = time.Second // until every master has answered
)

// KeepCompact is the job that makes each master store chats compactly. It checks as soon as Redis answers, then once a
// minute. It raises a setting that is too small with CONFIG SET. Where Redis rejects that, it logs once the line for
// redis.conf.
func (s *Store) KeepCompact(log *slog.Logger) background.Job {
	c := compactor{log: log, found: map[string]string{}}
	return background.Job{
		Name: "compact", Every: compactEvery, Retry: backoff.NewConstantBackOff(compactRetry), Timeout: redisnode.Timeout,
		Step: func(ctx context.Context) error { return c.lookAtAll(ctx, s.nodes) },
		Failed: func(err error) {
			log.Debug("cannot read the setting of redis yet: "+compactSetting, "error", err)
		},
	}
}

// compactor remembers its findings, so that each is logged once.
type compactor struct {
	log *slog.Logger

	mutex sync.Mutex
	found map[string]string // by address
}

// lookAtAll returns an error when a master did not answer.
func (c *compactor) lookAtAll(ctx context.Context, n *redisnode.Nodes) error {
	if n.Only != nil {
		return c.look(ctx, n.Only.Client)
	}
	return n.Cluster.ForEachMaster(ctx, c.look) // concurrently
}

// look reads one Redis's setting and raises it where it is too small. It returns an error when Redis did not answer.
func (c *compactor) look(ctx context.Context, client *redis.Client) error {
	answer, err := client.ConfigGet(ctx, compactNames).Result()
	if !conclusive(err) {
		return err
	}
	name, value := compactIn(answer)
	hint := fmt.Sprintf(`put "%s %d" into redis.conf`, name, compactValue)
	var found func(string, ...any)
	var message string
	set := false
	switch {
	case err != nil && isUnknown(err): // the embedded Redis, and managed ones
		found, message = c.log.Debug, "redis has no CONFIG, so its "+compactSetting+" is unknown"
	case err != nil || value < 0:
		found, message = c.log.Info, "redis does not tell its "+compactSetting+"; "+hint
	case value >= compactValue:
		found, message = c.log.Debug, "redis stores chats compactly"
	default:
		err = client.ConfigSet(ctx, name, strconv.Itoa(compactValue)).Err()
		if !conclusive(err) {
			return err
		}
		set = err == nil
		found, message = c.log.Info, "redis stores chats compactly until it restarts; to keep that, "+hint
		if err != nil {
			found, message = c.log.Warn, "redis may need twice the memory for chats, and "+name+" may not be set by this server; "+hint
		}
	}
	args := []any{"redis", client.Options().Addr}
	if value >= 0 {
		args = append(args, "value", value)
	}
	if err != nil {
		args = append(args, "error", err)
	}
	if c.isNews(client.Options().Addr, message) || set { // it was set again, so Redis had forgotten it
		found(message, args...)
	}
	return nil
}

func (c *compactor) isNews(addr, message string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	news := c.found[addr] != message
	c.found[addr] = message
	return news
}

// compactIn returns the setting, under the name that this Redis uses. The value is -1 where there is no such setting.
func compactIn(answer map[string]string) (name string, value int) {
	for _, name := range []string{compactSetting, "zset-max-ziplist-value"} {
		if value, err := strconv.Atoi(answer[name]); err == nil {
			return name, value
		}
	}
	return compactSetting, -1
}

// conclusive reports whether Redis answered, even with a refusal. A later attempt would get the same answer.
func conclusive(err error) bool {
	var reply redis.Error
	return err == nil || errors.As(err, &reply) && (!redisnode.Refused(err) || redis.HasErrorPrefix(err, "NOPERM"))
}

// isUnknown reports whether Redis does not know the command. It has no code for that: the answer is ERR with this text.
func isUnknown(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "unknown command")
}
