// Package check finds faults in the data in Redis, and repairs those that are safe to repair. docs/check.md has the
// rules.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Options configure a Checker.
type Options struct {
	// IdempotencyWindow is that of the servers: how long a message's id must be in its chat's ids.
	IdempotencyWindow time.Duration
	// Repair repairs faults that are safe to repair; see FaultKind.Repairable. Without it nothing is written.
	Repair bool
	// MoveBack moves a reader's cursor back to the chat's end, as the servers do it. Repair needs it.
	MoveBack func(ctx context.Context, client redis.Scripter, keys layout.Keys, id chat.ID, reader string) error
	// Progress, if not nil, is called after every page with the fraction of keys that are done, 0 to 1. It is an
	// estimate while servers write. It may call Report and State.
	Progress func(fraction float64)

	TLS redisnode.TLS // of a rediss:// URL

	Prefix string // of all keys; "" is "im"
	// Partitions is how many the data is laid out for; 0 is layout.DefaultPartitions. Another number is a fault.
	Partitions int
	PageSize   int // entries that one command reads; 0 is 500
}

// Checker walks all of Pullchat's keys in a Redis and judges them by the rules of docs/check.md. It reads page by page,
// and holds eight bytes for each chat besides. Servers may write meanwhile. Reads that are compared are ordered, or in
// one transaction, so that no append comes between. A page with faults is read again before they count.
//
// It is not safe for concurrent use.
type Checker struct {
	redis   redis.UniversalClient
	address string // of the Redis, without user and password
	options Options
	keys    layout.Keys

	report Report
	seen   map[uint64]struct{} // hashes of the units that are done
	resume resumePoint
	// unlisted are public rooms that im:rooms did not have when the walk reached them: see checkUnlisted.
	unlisted map[string]struct{}

	total, scanned int64 // keys, in this run
	knownTime      int64 // microseconds; Redis's clock has passed it
}

// Open returns a Checker of the Redis at url. It does not wait for Redis.
func Open(url string, options Options) (*Checker, error) {
	if options.Repair && options.MoveBack == nil {
		return nil, errors.New("a check that repairs needs Options.MoveBack; give storage.MoveBack")
	}
	client, err := redisnode.Connect(url, options.TLS)
	if err != nil {
		return nil, err
	}
	if options.Prefix == "" {
		options.Prefix = "im"
	}
	if options.PageSize == 0 {
		options.PageSize = 500
	}
	return &Checker{
		redis:   client,
		address: redisnode.WithoutSecrets(url),
		options: options,
		keys:    layout.NewKeys(options.Prefix, cmp.Or(options.Partitions, layout.DefaultPartitions), 0),
		seen:    map[uint64]struct{}{}, unlisted: map[string]struct{}{},
	}, nil
}

// Close closes the connections.
func (c *Checker) Close() error { return c.redis.Close() }

// Run walks to the end and returns nil, whatever it finds. It returns an error when ctx ends or Redis cannot be read.
// State then holds the place; calling Run again goes on from there.
func (c *Checker) Run(ctx context.Context) error {
	nodes, err := redisnode.Masters(ctx, c.redis)
	if err != nil {
		return err
	}
	c.total, c.scanned = 0, 0
	for _, node := range nodes {
		size, err := node.DBSize(ctx).Result()
		if err != nil {
			return fmt.Errorf("count keys: %w", err)
		}
		c.total += size
	}
	if c.resume.Unit != "" {
		if err := c.checkKey(ctx, c.resume.Unit); err != nil {
			return err
		}
	}
	for _, node := range nodes {
		if err := c.scan(ctx, node); err != nil {
			return err
		}
	}
	if err := c.checkUnlisted(ctx); err != nil {
		return err
	}
	if err := c.checkPin(ctx); err != nil {
		return err
	}
	c.report.Complete = true
	return nil
}

// scan reads every key of a node at least once. It starts at the beginning, because a SCAN cursor belongs to one
// process. c.seen holds the finished keys.
func (c *Checker) scan(ctx context.Context, node redis.Cmdable) error {
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, "", 1000).Result()
		if err != nil {
			return fmt.Errorf("scan keys: %w", err)
		}
		for _, name := range names {
			if err := c.checkKey(ctx, name); err != nil {
				return err
			}
			c.scanned++
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// checkKey judges the unit of a key once: a partition's activity, a chat with its log and ids, or a single key. It
// starts at c.resume.
func (c *Checker) checkKey(ctx context.Context, key string) error {
	name, ours := c.keys.Parse(key)
	if !ours {
		return nil
	}
	unit := key
	switch name.Kind { // a chat is one unit, and so is a room
	case layout.IDsKey:
		unit = c.keys.Tag(name.Partition) + ":" + layout.LogKey + ":" + name.Chat
	case layout.MembersKey, layout.RestraintsKey:
		unit = c.keys.Tag(name.Partition) + ":" + layout.RoomKey + ":" + name.Chat
	}
	hash := xxhash.Sum64String(unit)
	if _, done := c.seen[hash]; done {
		return nil
	}
	if c.resume.Unit != unit {
		c.resume = resumePoint{Unit: unit}
	}
	if err := c.checkUnit(ctx, key, name); err != nil {
		return err
	}
	c.seen[hash] = struct{}{}
	c.resume = resumePoint{}
	c.progress(0)
	return nil
}

func (c *Checker) checkUnit(ctx context.Context, key string, name layout.KeyName) error {
	switch name.Kind {
	case layout.PinKey, layout.ReadyKey, layout.RetentionKey, layout.LookedKey, layout.EmptiedKey:
		return c.checkType(ctx, key, "string")
	case layout.RetentionsKey:
		return c.checkType(ctx, key, "zset")
	case layout.LookKey:
		return c.checkLook(ctx, key)
	case layout.AccountKey:
		return c.checkUser(ctx, key, "hash", c.judgeAccount)
	case layout.SessionsKey:
		return c.checkUser(ctx, key, "hash", c.judgeSessions)
	case layout.SeenKey:
		return c.checkType(ctx, key, "string")
	case layout.SpentKey:
		return c.checkType(ctx, key, "hash")
	case layout.IgnoredKey:
		return c.checkUser(ctx, key, "set", c.judgeIgnored)
	case layout.SubscriptionsKey:
		return c.checkUser(ctx, key, "hash", c.judgeSubscriptions)
	case layout.MutedKey:
		return c.checkUser(ctx, key, "hash", c.judgeMuted)
	case layout.PushedKey:
		return c.checkNames(ctx, key, c.judgeRevoked) // likewise users at times
	case layout.ChatsKey:
		return c.checkUser(ctx, key, "zset", c.judgeList)
	case layout.UsersKey:
		return c.checkNames(ctx, key, c.judgeUsers)
	case layout.RoomsKey:
		return c.checkNames(ctx, key, c.judgePublic)
	case layout.RevokedKey:
		return c.checkNames(ctx, key, c.judgeRevoked)
	case layout.DeletionsKey:
		return c.checkNames(ctx, key, c.judgeDeletions)
	case layout.ActivityKey:
		return c.checkActivity(ctx, key, name)
	case layout.DroppedKey:
		return c.checkInPartition(ctx, key, name, "hash")
	case layout.LogKey, layout.IDsKey:
		return c.checkChat(ctx, key, name)
	case layout.RoomKey, layout.MembersKey, layout.RestraintsKey:
		return c.checkRoom(ctx, key, name)
	case layout.ReadKey, layout.DeliveredKey:
		return c.checkReaders(ctx, key, name)
	case layout.ProjectionsKey, layout.WebhooksKey:
		return c.checkType(ctx, key, "hash")
	case layout.WorkersKey:
		return c.checkType(ctx, key, "zset")
	case layout.ProjectionKey, layout.CursorsKey, layout.DeadKey, layout.CountsKey:
		return c.checkInPartition(ctx, key, name, "hash")
	case layout.GroupsKey:
		return c.checkInPartition(ctx, key, name, "zset")
	case layout.WordsKey:
		return c.checkType(ctx, key, "hash")
	case layout.SuspendedKey:
		return c.checkSuspended(ctx, key)
	case layout.ReportsKey:
		return c.checkReports(ctx, key)
	case layout.ReportedKey:
		return c.checkType(ctx, key, "hash")
	case layout.ReportsOpenKey, layout.ReportsResolvedKey, layout.OnlineKey:
		return c.checkType(ctx, key, "zset")
	case layout.AuditKey, layout.AuditUsersKey:
		return c.checkNames(ctx, key, c.judgeAudit)
	case layout.AttachmentsKey:
		return c.checkAttachments(ctx, key, name)
	case layout.LookAtKey:
		return c.checkLookAt(ctx, key, name)
	case layout.FilesKey:
		return c.checkUser(ctx, key, "hash", c.judgeFiles)
	case layout.EditsKey:
		return c.checkVersions(ctx, key, name)
	case layout.PresentKey, layout.PacedKey, layout.ReactionsKey, layout.ThreadsKey:
		return c.checkBeside(ctx, key, name, "zset")
	}
	c.report.Unknown.add(key)
	return nil
}

// progress reports how far the walk is. part is the fraction done of the present key.
func (c *Checker) progress(part float64) {
	if c.options.Progress == nil {
		return
	}
	c.options.Progress(min((float64(c.scanned)+part)/float64(max(c.total, 1)), 1))
}
