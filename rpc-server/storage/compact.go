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

	"github.com/redis/go-redis/v9"
)

// Redis keeps a sorted set of up to zset-max-listpack-entries (128) entries in one compact block, as long as no entry
// is longer than zset-max-listpack-value. Its default of 64 bytes is less than a message of 40 bytes takes. docs/redis.md
// has the numbers.
const (
	compactSetting = "zset-max-listpack-value"
	compactValue   = 512
	// compactNames matches the setting and its name before Redis 7, which is zset-max-ziplist-value.
	compactNames = "zset-max-*-value"
)

// How often each Redis is asked for the setting. A restart forgets what CONFIG SET has set, and the master that takes
// over after a failover has a configuration of its own.
const (
	compactEvery = time.Minute
	compactRetry = time.Second // until every master has answered
)

// KeepCompact sees to it, in the background until Close, that each master stores chats compactly. It asks at once, or
// when Redis is there, and then once a minute. Where the setting is too small it is set with CONFIG SET. Where
// that is refused, log says once what to put into redis.conf.
func (s *Store) KeepCompact(log *slog.Logger) { s.keepCompact(log, compactEvery, compactRetry) }

func (s *Store) keepCompact(log *slog.Logger, every, retry time.Duration) {
	c := compactor{log: log, found: map[string]string{}}
	s.nodes.probes.Go(func() {
		for {
			next := every
			if err := c.lookAtAll(s.nodes); err != nil {
				log.Debug("redis could not be asked yet for "+compactSetting, "error", err)
				next = retry
			}
			timer := time.NewTimer(next)
			select {
			case <-timer.C:
			case <-s.nodes.closed:
				timer.Stop()
				return
			}
		}
	})
}

// compactor remembers what was found, so that each thing is logged once.
type compactor struct {
	log *slog.Logger

	mutex sync.Mutex
	found map[string]string // by address
}

// lookAtAll returns an error when a master did not answer.
func (c *compactor) lookAtAll(n *nodes) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if n.only != nil {
		return c.look(ctx, n.only.client)
	}
	return n.cluster.ForEachMaster(ctx, c.look) // concurrently
}

// look asks one Redis and sets what is too small. It returns an error when there was no answer to that.
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
	if c.isNews(client.Options().Addr, message) || set { // set again, it was forgotten meanwhile
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

// compactIn returns the setting by the name that this Redis has for it. The value is -1 where there is none.
func compactIn(answer map[string]string) (name string, value int) {
	for _, name := range []string{compactSetting, "zset-max-ziplist-value"} {
		if value, err := strconv.Atoi(answer[name]); err == nil {
			return name, value
		}
	}
	return compactSetting, -1
}

// conclusive says whether Redis answered, if only that it will not do this: later it would answer the same.
func conclusive(err error) bool {
	var reply redis.Error
	return err == nil || errors.As(err, &reply) && (!refused(err) || redis.HasErrorPrefix(err, "NOPERM"))
}

func isUnknown(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "unknown command")
}
