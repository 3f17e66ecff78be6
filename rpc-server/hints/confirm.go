package hints

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// confirm reads the positions of the chats that are due and hints at them, until ctx ends.
func (s *Subscriptions) confirm(ctx context.Context) {
	pace := redisnode.NewPace()
	var late []*audience // their positions could not be read
	var retry <-chan time.Time
	for {
		select {
		case <-s.toConfirm:
		case <-retry:
			s.again(late)
			late, retry = nil, nil
		case <-ctx.Done():
			return
		}
		asks := s.takeDue()
		if len(asks) == 0 {
			continue
		}
		failed := s.readPositions(ctx, asks)
		if late = append(late, failed...); len(failed) == 0 {
			pace.Reset()
		} else if retry == nil {
			retry = time.After(pace.NextBackOff())
		}
	}
}

// ask is for the positions of some chats of one partition.
type ask struct {
	partition *followedPartition
	epoch     int // of the subscription that was confirmed before
	audiences []*audience
	time      *redis.TimeCmd
	scores    *redis.FloatSliceCmd
}

// chatsInAsk is how many members one ZMSCORE has.
const chatsInAsk = 512

func (s *Subscriptions) takeDue() []*ask {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	at := map[*followedPartition][]*audience{}
	for a := range s.due {
		at[a.partition] = append(at[a.partition], a)
	}
	clear(s.due)
	var asks []*ask
	for f, audiences := range at {
		for part := range slices.Chunk(audiences, chatsInAsk) {
			asks = append(asks, &ask{partition: f, epoch: f.epoch, audiences: part})
		}
	}
	return asks
}

// again makes chats due whose positions could not be read.
func (s *Subscriptions) again(late []*audience) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, a := range late {
		if a.partition.chats[a.chat.String()] == a && (a.partition.live() || a.partition.sweepOnly) {
			s.due[a] = struct{}{}
		}
	}
}

// readPositions hints at the positions of chats and returns the chats of those that could not be read. Before them it
// reads the time, from which on the sweep looks for what is new.
func (s *Subscriptions) readPositions(ctx context.Context, asks []*ask) (failed []*audience) {
	errs := s.nodes.Calls(ctx, 2*len(asks), redisnode.Exchange{
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
			asked.scores = pipeline.ZMScore(ctx, s.keys.Activity(asked.partition.tag), members...)
			return asked.scores
		},
		Key: func(i int) string { return s.keys.Activity(asks[i/2].partition.tag) },
	})
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, asked := range asks {
		f := asked.partition
		switch {
		case errs[2*i] != nil || errs[2*i+1] != nil:
			failed = append(failed, asked.audiences...)
		case f.epoch != asked.epoch || !f.live() && !f.sweepOnly: // it is confirmed when it is heard again
		default:
			if f.swept == 0 {
				f.swept = redisnode.Micros(s.clock, asked.time)
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
