// Package storage keeps the logs of all chats in Redis, and implements chat.Store and chat.LiveStore. Package layout
// describes the stored data.
package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/rpc-server/hints"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Options say how messages are kept. The zero value keeps everything and recognises no repeated id.
type Options struct {
	Retention         time.Duration // after which a message goes; 0 keeps all
	MaxChatMessages   int           // after which a chat's oldest messages go; 0 keeps all
	EmptyChats        time.Duration // after which a chat without messages is dropped; 0 keeps it
	IdempotencyWindow time.Duration // how long a repeated id is recognised
	// NewChats bounds how many two-person chats a user with a token begins.
	NewChats    chat.Bounds
	MaxDevices  int           // of a user with a cursor in one chat; 0 is 100
	AuditMax    int           // entries that the audit log keeps, the newest; 0 is DefaultAuditMax
	MinReplicas int           // replicas that must have a message before it is acknowledged; 0 waits for none
	Sweep       time.Duration // how often Watches look for hints that were lost; 0 is 10 seconds

	TLS redisnode.TLS // of a rediss:// URL

	Metrics *metrics.Service // nil: off
	Traces  *tracing.Tracing // nil: off

	Prefix     string           // of all keys; "" is "im"
	Partitions int              // of a new Redis; 0 is 256
	Clock      func() time.Time // nil is Redis's clock for appends
}

// DefaultAuditMax is the default of Options.AuditMax.
const DefaultAuditMax = 100_000

// Store is a chat.Store in Redis.
type Store struct {
	redis         redis.UniversalClient
	nodes         *redisnode.Nodes
	options       Options
	keys          layout.Keys
	publish       string // the command: a cluster's is sharded
	subscriptions *hints.Subscriptions
	known         *knownLists
	own           ownRetentions
	seen          seen
	lapse         time.Duration // chat.AttendanceLapses but in tests
	// checked is set once Redis's number of partitions was seen to be ours.
	checked atomic.Bool
	// looking is how often that is to be compared again; who made it 1 does it.
	looking atomic.Int32
	// telling is how many batches of Listed events are on their way.
	telling atomic.Int32
	// persists is set while logs may expire because of an earlier Retention, though this Store has none.
	persists atomic.Bool
}

var (
	_ chat.Store     = (*Store)(nil)
	_ chat.LiveStore = (*Store)(nil)
)

// ErrPartitions is returned by CheckPartitions when the data in Redis is laid out for another number of partitions.
var ErrPartitions = errors.New("partitions differ")

// Open returns a Store over the Redis at url. It does not wait for Redis to be there: methods return Unavailable
// until it is.
func Open(url string, options Options) (*Store, error) {
	client, err := redisnode.Connect(url, options.TLS)
	if err != nil {
		return nil, err
	}
	if options.Prefix == "" {
		options.Prefix = "im"
	}
	if options.Partitions == 0 {
		options.Partitions = layout.DefaultPartitions
	}
	if options.MaxDevices == 0 {
		options.MaxDevices = 100
	}
	if options.AuditMax == 0 {
		options.AuditMax = DefaultAuditMax
	}
	if options.Sweep == 0 {
		options.Sweep = 10 * time.Second
	}
	s := &Store{
		redis:   client,
		options: options,
		publish: "publish",
		lapse:   chat.AttendanceLapses,
		known:   newKnownLists(),
	}
	s.nodes = redisnode.NewNodes(client, redisnode.Hooks{
		Ready:   s.CheckPartitions,
		Scripts: loadScripts,
		Lost:    s.forgetLists,
		Attach:  s.newBatches,
		Metrics: options.Metrics,
		Traces:  options.Traces,
	})
	database := 0
	if s.nodes.Only != nil {
		database = s.nodes.Only.Client.Options().DB
	} else {
		s.publish = "spublish"
	}
	s.keys = layout.NewKeys(options.Prefix, options.Partitions, database)
	s.subscriptions = hints.New(hints.Config{Nodes: s.nodes, Keys: s.keys, Sweep: options.Sweep, Clock: options.Clock, Observe: options.Metrics.Job})
	s.persists.Store(options.Retention == 0) // until it is known whether a log may expire
	return s, nil
}

// Watch implements chat.LiveStore. Close ends it too.
func (s *Store) Watch() chat.Watch { return s.subscriptions.Watch() }

// Close ends all Watches, waits for the calls under way and closes the connections. Calls that come later are
// Unavailable.
func (s *Store) Close() error {
	s.subscriptions.Close()
	return errors.Join(s.nodes.Close(batching.MaxWait), s.redis.Close())
}

// CheckPartitions pins the number of partitions in a new Redis and compares it with that of one in use: a Store
// with another number would not find its chats. The error wraps ErrPartitions where they differ; it is Unavailable
// when Redis could not be asked. Append and Range do it themselves before their first call.
func (s *Store) CheckPartitions(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	err := s.comparePartitions(ctx)
	s.checked.Store(err == nil)
	return err
}

// lookAgain compares in the background until it succeeds, and does not delay calls. On a cluster one master has the number
// of partitions; it may be away while the others serve their chats.
func (s *Store) lookAgain() {
	if s.looking.Add(1) > 1 {
		return
	}
	s.nodes.Start(background.Job{
		Name: "partitions", Every: redisnode.ProbeEvery, Timeout: redisnode.Timeout,
		Step: func(ctx context.Context) error {
			asked := s.looking.Load()
			err := s.comparePartitions(ctx)
			if errors.Is(err, ErrPartitions) {
				s.checked.Store(false) // calls are refused by CheckPartitions
			}
			if compared := err == nil || errors.Is(err, ErrPartitions); compared && s.looking.CompareAndSwap(asked, 0) {
				return background.ErrDone // no later call has asked: everything may have been lost again
			}
			return err
		},
	})
}

func (s *Store) comparePartitions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisnode.Timeout)
	defer cancel()
	ours := strconv.Itoa(s.options.Partitions)
	if err := s.redis.SetNX(ctx, s.keys.PartitionCount(), ours, 0).Err(); err != nil {
		return readError("pin partitions", err)
	}
	pinned, err := s.redis.Get(ctx, s.keys.PartitionCount()).Result()
	if err != nil {
		return readError("read partitions", err)
	}
	if pinned != ours {
		return chat.Wrap(fmt.Errorf("%w: Redis holds %s, this server uses %s", ErrPartitions, pinned, ours),
			chat.Unavailable, "this server uses another storage layout than its Redis has; see the server's log")
	}
	return nil
}

// oldest is the first position that retention has not removed. An append removes older messages; between two appends a
// read skips them.
func (s *Store) oldest() int64 {
	if s.options.Retention == 0 {
		return 0
	}
	return s.clock().Add(-s.options.Retention).UnixMicro()
}

// clock is this server's time.
func (s *Store) clock() time.Time {
	if s.options.Clock != nil {
		return s.options.Clock()
	}
	return time.Now()
}

var readyScript = script("ready")

// Ready implements chat.Store with ready.lua: a Redis that cannot run scripts still answers reads, and takes writes.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.CheckPartitions(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, redisnode.Timeout)
	defer cancel()
	key := s.keys.Ready()
	at, err := s.nodes.ForKey(ctx, key)
	if err != nil {
		return readError("find where to write", err)
	}
	run := func() error { return at.Client.EvalSha(ctx, readyScript.Hash(), []string{key}, 60).Err() }
	if err = run(); redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err = loadScripts(ctx, at.Client); err == nil {
			err = run()
		}
	}
	if err != nil {
		return readError("run a script that writes", err)
	}
	return nil
}
