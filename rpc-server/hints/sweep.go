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
func (h *Hub) sweep() background.Job {
	return background.Job{
		Name: "sweep", Observe: h.observe, Every: h.sweepEvery, Timeout: time.Minute,
		Step: func(ctx context.Context) error {
			for part := range slices.Chunk(h.toSweep(), partitionsAtOnce) {
				if ctx.Err() == nil {
					h.sweepPart(ctx, part)
				}
			}
			return ctx.Err()
		},
	}
}

// fallBackToSweep confirms a partition's chats without a subscription. It requires that h.mutex is held.
func (h *Hub) fallBackToSweep(t *topic) {
	if t.sweepOnly || t.live() {
		return
	}
	t.sweepOnly = true
	for _, a := range t.chats {
		h.due[a] = struct{}{}
	}
	events.Ring(h.toConfirm)
}

// swept is the part of a partition that a sweep reads.
type swept struct {
	topic  *topic
	from   int64 // microseconds
	time   *redis.TimeCmd
	active *redis.ZSliceCmd
}

func (h *Hub) toSweep() []*swept {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	var all []*swept
	for _, t := range h.topics {
		if !t.live() && time.Since(t.silentSince) >= h.sweepEvery {
			h.fallBackToSweep(t)
		}
		if t.swept != 0 && len(t.chats) > 0 {
			all = append(all, &swept{topic: t, from: t.swept - sweepOverlap.Microseconds()})
		}
	}
	return all
}

func (h *Hub) sweepPart(ctx context.Context, part []*swept) {
	key := func(i int) string { return h.keys.Activity(part[i/2].topic.tag) }
	errs := h.nodes.Calls(ctx, 2*len(part), redisnode.Exchange{
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
			h.found(p)
		}
		if one, err := h.nodes.ForKey(ctx, p.topic.hints); err == nil {
			h.reassign(p.topic, one.Client)
		}
	}
}

// found hints at positions that had no hint.
func (h *Hub) found(p *swept) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	p.topic.swept = redisnode.Micros(h.clock, p.time)
	for _, z := range p.active.Val() {
		name, _ := z.Member.(string)
		if a := p.topic.chats[name]; a != nil && a.told < int64(z.Score) {
			a.doubt() // news of that time may be lost too
			a.hintAt(int64(z.Score))
		}
	}
}
