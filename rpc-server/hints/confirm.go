package hints

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// confirm reads the positions of the chats that are due and hints at them, until ctx ends.
func (h *Hub) confirm(ctx context.Context) {
	pace := redisnode.NewPace()
	var late []*audience // their positions could not be read
	var retry <-chan time.Time
	for {
		select {
		case <-h.toConfirm:
		case <-retry:
			h.again(late)
			late, retry = nil, nil
		case <-ctx.Done():
			return
		}
		asks := h.takeDue()
		if len(asks) == 0 {
			continue
		}
		failed := h.readPositions(ctx, asks)
		if late = append(late, failed...); len(failed) == 0 {
			pace.Reset()
		} else if retry == nil {
			retry = time.After(pace.NextBackOff())
		}
	}
}

// ask is for the positions of some chats of one partition.
type ask struct {
	topic     *topic
	epoch     int // of the subscription that was confirmed before
	audiences []*audience
	time      *redis.TimeCmd
	scores    *redis.FloatSliceCmd
}

// chatsInAsk is how many members one ZMSCORE has.
const chatsInAsk = 512

func (h *Hub) takeDue() []*ask {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	at := map[*topic][]*audience{}
	for a := range h.due {
		at[a.topic] = append(at[a.topic], a)
	}
	clear(h.due)
	var asks []*ask
	for t, audiences := range at {
		for part := range slices.Chunk(audiences, chatsInAsk) {
			asks = append(asks, &ask{topic: t, epoch: t.epoch, audiences: part})
		}
	}
	return asks
}

// again makes chats due whose positions could not be read.
func (h *Hub) again(late []*audience) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, a := range late {
		if a.topic.chats[a.chat.String()] == a && (a.topic.live() || a.topic.sweepOnly) {
			h.due[a] = struct{}{}
		}
	}
}

// readPositions hints at the positions of chats and returns the chats of those that could not be read. Before them it
// reads the time, from which on the sweep looks for what is new.
func (h *Hub) readPositions(ctx context.Context, asks []*ask) (failed []*audience) {
	errs := h.nodes.Calls(ctx, 2*len(asks), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			asked := asks[i/2]
			if i%2 == 0 {
				asked.time = pipeline.Time(ctx)
				return asked.time
			}
			members := make([]string, len(asked.audiences))
			for k, a := range asked.audiences {
				members[k] = a.chat.String()
			}
			asked.scores = pipeline.ZMScore(ctx, h.keys.Activity(asked.topic.tag), members...)
			return asked.scores
		},
		Key: func(i int) string { return h.keys.Activity(asks[i/2].topic.tag) },
	})
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for i, asked := range asks {
		t := asked.topic
		switch {
		case errs[2*i] != nil || errs[2*i+1] != nil:
			failed = append(failed, asked.audiences...)
		case t.epoch != asked.epoch || !t.live() && !t.sweepOnly: // it is confirmed when it is heard again
		default:
			if t.swept == 0 {
				t.swept = redisnode.Micros(h.clock, asked.time)
			}
			for k, score := range asked.scores.Val() {
				a := asked.audiences[k]
				if a.told = 0; a.known {
					a.doubt()
				}
				a.known = true
				a.hintAt(int64(score))
			}
		}
	}
	return failed
}
