package hints

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

const (
	// Each sweep overlaps the last one by sweepOverlap, because clocks differ between the nodes of a cluster, and between a
	// master and the replica that takes over.
	sweepOverlap = 5 * time.Second
	// partitionsAtOnce is how many partitions one pipeline reads.
	partitionsAtOnce = 32
)

// sweep is the job that finds positions without a hint. Redis drops hints where a connection is too slow, and a failover
// loses them. Some partitions have had no subscription for a whole interval, or may not be subscribed to. The sweep alone
// serves these: their chats are confirmed, and the next sweep hints at later messages.
func (s *Subscriptions) sweep() background.Job {
	return background.Job{
		Name: "sweep", Observe: s.observe, Every: s.sweepEvery, Timeout: time.Minute,
		Step: func(ctx context.Context) error {
			for part := range slices.Chunk(s.toSweep(), partitionsAtOnce) {
				if ctx.Err() == nil {
					s.sweepPart(ctx, part)
				}
			}
			return ctx.Err()
		},
	}
}

// fallBackToSweep confirms a partition's chats without a subscription. It requires that s.mutex is held.
func (s *Subscriptions) fallBackToSweep(f *followedPartition) {
	if f.sweepOnly || f.live() {
		return
	}
	f.sweepOnly = true
	for _, a := range f.chats {
		s.due[a] = struct{}{}
	}
	events.Ring(s.toConfirm)
}

// swept is the part of a partition that a sweep reads.
type swept struct {
	partition *followedPartition
	from      int64 // microseconds
	time      *redis.TimeCmd
	active    *redis.ZSliceCmd
}

func (s *Subscriptions) toSweep() []*swept {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var all []*swept
	for _, f := range s.followed {
		if !f.live() && time.Since(f.silentSince) >= s.sweepEvery {
			s.fallBackToSweep(f)
		}
		if f.swept != 0 && len(f.chats) > 0 {
			all = append(all, &swept{partition: f, from: f.swept - sweepOverlap.Microseconds()})
		}
	}
	return all
}

func (s *Subscriptions) sweepPart(ctx context.Context, part []*swept) {
	key := func(i int) string { return s.keys.Activity(part[i/2].partition.tag) }
	errs := s.nodes.Calls(ctx, 2*len(part), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			p := part[i/2]
			if i%2 == 0 {
				p.time = pipeline.Time(ctx)
				return p.time
			}
			p.active = pipeline.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
				Key: key(i), ByScore: true, Start: strconv.FormatInt(p.from, 10), Stop: "+inf",
			})
			return p.active
		},
		Key: key,
	})
	for i, p := range part {
		if errs[2*i] == nil && errs[2*i+1] == nil {
			s.found(p)
		}
		if one, err := s.nodes.ForKey(ctx, p.partition.hints); err == nil {
			s.reassign(p.partition, one.Client)
		}
	}
}

// found hints at positions that had no hint.
func (s *Subscriptions) found(p *swept) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p.partition.swept = redisnode.Micros(s.clock, p.time)
	for _, z := range p.active.Val() {
		name, _ := z.Member.(string)
		if a := p.partition.chats[name]; a != nil && a.told < int64(z.Score) {
			a.doubt() // news of that time may be lost too
			a.hintAt(int64(z.Score))
		}
	}
}
