package storage

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// With Retention, logs expire. Once Retention is turned off, no log may expire, even one that gets no messages. A plain
// append does not pay for that.
//
// Instead, servers with Retention renew a mark, which is a key, every markEvery. A server without Retention that finds
// the mark removes the expiry of all logs; until then its appends remove it from theirs. It deletes the mark after two
// intervals without a renewal: by then no log can have a newer expiry.

// markEvery is the interval at which the mark is renewed and checked.
const markEvery = time.Minute

// persistAtOnce is how many logs one pipeline persists.
const persistAtOnce = 500

// KeepRetention is the job that renews the mark, or looks for it. Until its first step a Store without Retention pays in
// each append.
func (s *Store) KeepRetention() background.Job {
	return background.Job{
		Name: "retention", Every: markEvery, Retry: redisnode.NewPace(), Timeout: time.Hour, // it may have to persist all logs
		Step: s.settleRetention,
	}
}

// settleRetention is one round of KeepRetention. Without Retention it also sets persists.
func (s *Store) settleRetention(ctx context.Context) error {
	var now *redis.TimeCmd
	var marked *redis.StringCmd
	key := s.keys.Retention()
	errs := s.nodes.Calls(ctx, 2, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if i == 0 {
				now = pipeline.Time(ctx)
				return now
			}
			marked = pipeline.Get(ctx, key)
			return marked
		},
		Key: func(int) string { return key },
	})
	switch {
	case errs[0] != nil:
		return errs[0]
	case errs[1] != nil && !errors.Is(errs[1], redis.Nil):
		return errs[1]
	case s.options.Retention > 0:
		return s.setMark(ctx, now.Val())
	case marked.Val() == "":
		s.persists.Store(false)
		return nil
	}
	s.persists.Store(true)
	if err := s.persistLogs(ctx); err != nil {
		return err
	}
	if at, _ := strconv.ParseInt(marked.Val(), 10, 64); now.Val().UnixMicro()-at < 2*markEvery.Microseconds() {
		return nil
	}
	if err := s.callOne(ctx, "delete the mark of retention", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.Del(ctx, key)
	}); err != nil {
		return err
	}
	s.persists.Store(false)
	return nil
}

func (s *Store) setMark(ctx context.Context, now time.Time) error {
	key := s.keys.Retention()
	return s.callOne(ctx, "mark that logs expire", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.Set(ctx, key, now.UnixMicro(), 0)
	})
}

// persistLogs removes the expiry of all logs that activity names, and of the other keys of their chats.
func (s *Store) persistLogs(ctx context.Context) error {
	for i := range s.keys.Partitions {
		p := &s.keys.Partitions[i]
		for cursor := uint64(0); ; {
			var page *redis.ScanCmd
			err := s.callOne(ctx, "read the chats of "+p.Tag, p.Activity, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
				page = pipeline.ZScan(ctx, p.Activity, cursor, "", persistAtOnce)
				return page
			})
			if err != nil {
				return err
			}
			pairs, next := page.Val()
			var chats []string
			for k := 0; k+1 < len(pairs); k += 2 { // with its score
				chats = append(chats, pairs[k])
			}
			for part := range slices.Chunk(chats, persistAtOnce) {
				if err := s.persist(ctx, p, part); err != nil {
					return err
				}
			}
			if cursor = next; cursor == 0 {
				break
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) persist(ctx context.Context, p *layout.Partition, chats []string) error {
	prefixes := []string{p.Log, p.Tag + ":" + layout.ReactionsKey + ":", p.Tag + ":" + layout.ThreadsKey + ":", p.Tag + ":" + layout.EditsKey + ":"}
	errs := s.nodes.Calls(ctx, len(prefixes)*len(chats), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return pipeline.Persist(ctx, prefixes[i%len(prefixes)]+chats[i/len(prefixes)])
		},
		Key: func(int) string { return p.Activity },
	})
	return errors.Join(errs...)
}
