package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// A chat without a log that is not a room, and whose newest message is older than Retention and EmptyChats together, is
// dropped: drop.lua removes its position, its read cursors, and its entries in its users' lists. A message that comes
// later finds no position, so its chat is listed again. It gets a position above those of all dropped chats.
//
// In a cluster the lists are in other slots. drop.lua marks the chat instead. Then the entries are removed. Then the
// position is read again: if there is one, a message came meanwhile, and the chat is listed again. A sender lists a chat
// before its message is stored, so the position is read once more after listedFor, far longer than that takes. Only then
// the mark is removed. After a crash another server continues from the mark.
//
// The entries of an id without a colon that was never created stay: who has one is not known.

const (
	// emptyEvery is the interval of the search for empty chats, at all servers together.
	emptyEvery = time.Hour
	// emptyAsk is the interval at which a server tries to acquire the search.
	emptyAsk = time.Minute
	// emptyAtOnce limits the chats of one step.
	emptyAtOnce = 100
	// emptyPause follows each step.
	emptyPause = 50 * time.Millisecond
)

// DropEmpty is the job that drops empty chats. Without EmptyChats it ends at once.
func (s *Store) DropEmpty(log *slog.Logger) background.Job {
	return background.Job{
		Name: "empty_chats", Every: emptyAsk, Timeout: time.Hour, // a search reads the activity of all chats
		Step: func(ctx context.Context) error {
			if s.options.EmptyChats == 0 {
				return background.ErrDone
			}
			if mine, err := s.leaseEmptied(ctx); err != nil || !mine {
				return nil //nolint:nilerr // asked again
			}
			dropped, err := s.dropEmpty(ctx, emptyPause, listedFor)
			if err == nil && dropped > 0 {
				log.Info("empty chats were dropped", "dropped", dropped)
			}
			if err != nil {
				return fmt.Errorf("after %d: %w", dropped, err)
			}
			return nil
		},
		Failed: func(err error) { log.Info("some empty chats could not be dropped; retrying later", "error", err) },
	}
}

// pause reports whether ctx has not ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Store) leaseEmptied(ctx context.Context) (bool, error) {
	key := s.keys.Emptied()
	var set *redis.BoolCmd
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		set = pipeline.SetNX(ctx, key, 1, emptyEvery)
		return set
	})
	return err == nil && set.Val(), err
}

// dropEmpty is one search, with a pause between its steps. In a cluster it settles the marks at its end.
func (s *Store) dropEmpty(ctx context.Context, between, settles time.Duration) (dropped int, err error) {
	for i := range s.keys.Partitions {
		n, err := s.dropEmptyIn(ctx, &s.keys.Partitions[i], between)
		if dropped += n; err != nil {
			return dropped, err
		}
	}
	if s.nodes.Only != nil || !pause(ctx, settles) {
		return dropped, ctx.Err()
	}
	for i := range s.keys.Partitions {
		if err := s.settleDropped(ctx, &s.keys.Partitions[i]); err != nil {
			return dropped, err
		}
		if !pause(ctx, between) {
			return dropped, ctx.Err()
		}
	}
	return dropped, nil
}

// dropEmptyIn walks a partition's activity upwards to the newest position that may be dropped.
func (s *Store) dropEmptyIn(ctx context.Context, p *layout.Partition, between time.Duration) (dropped int, err error) {
	if s.nodes.Only == nil { // a server may have crashed
		if err := s.settleDropped(ctx, p); err != nil {
			return 0, err
		}
	}
	for from := "-inf"; from != ""; {
		var old []chat.ID
		if old, from, err = s.oldChats(ctx, p, from); err != nil {
			return dropped, err
		}
		n, err := s.dropChats(ctx, p, old)
		if dropped += n; err != nil {
			return dropped, err
		}
		if !pause(ctx, between) {
			return dropped, ctx.Err()
		}
	}
	return dropped, nil
}

// oldChats returns a page of chats whose newest message is old enough and that have no log, and where the next page
// begins; "" is nowhere.
func (s *Store) oldChats(ctx context.Context, p *layout.Partition, from string) (old []chat.ID, next string, err error) {
	var now *redis.TimeCmd
	if err := s.callOne(ctx, "read the time", p.Activity, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		now = pipeline.Time(ctx)
		return now
	}); err != nil {
		return nil, "", err
	}
	until := strconv.FormatInt(redisnode.Micros(s.options.Clock, now)-s.emptyAge(), 10)
	var page *redis.ZSliceCmd
	if err := s.callOne(ctx, "read the old chats of "+p.Tag, p.Activity, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		page = pipeline.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: p.Activity, ByScore: true, Start: from, Stop: until, Count: emptyAtOnce,
		})
		return page
	}); err != nil {
		return nil, "", err
	}
	found := page.Val()
	if len(found) == emptyAtOnce {
		if next = redisnode.FormatScore(found[len(found)-1].Score); found[0].Score == found[len(found)-1].Score {
			next = "(" + next
		}
	}
	for _, z := range found {
		name, _ := z.Member.(string)
		if id, err := chat.ParseID(name); err == nil && id.String() == name && s.keys.Of(id) == p { // a check names others
			old = append(old, id)
		}
	}
	empty, err := s.withoutLog(ctx, p, old)
	return empty, next, err
}

// emptyAge is how long ago the newest message of a chat was sent that is dropped, in microseconds.
func (s *Store) emptyAge() int64 { return (s.options.Retention + s.options.EmptyChats).Microseconds() }

func (s *Store) withoutLog(ctx context.Context, p *layout.Partition, chats []chat.ID) ([]chat.ID, error) {
	exist := make([]*redis.IntCmd, len(chats))
	errs := s.nodes.Calls(ctx, len(chats), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			exist[i] = pipeline.Exists(ctx, s.keys.Log(chats[i]))
			return exist[i]
		},
		Key: func(int) string { return p.Activity },
	})
	if err := errors.Join(errs...); err != nil {
		return nil, callError("look for logs in "+p.Tag, err)
	}
	var without []chat.ID
	for i, id := range chats {
		if exist[i].Val() == 0 {
			without = append(without, id)
		}
	}
	return without, nil
}

// dropChats drops the chats of one partition that drop.lua finds empty.
func (s *Store) dropChats(ctx context.Context, p *layout.Partition, chats []chat.ID) (int, error) {
	calls := make([]*redis.IntCmd, len(chats))
	errs := s.nodes.Calls(ctx, len(chats), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = redis.NewIntCmd(ctx, s.dropArgs(chats[i])...)
			_ = pipeline.Process(ctx, calls[i])
			return calls[i]
		},
		Key:      func(int) string { return p.Activity },
		Replicas: s.options.MinReplicas,
	})
	dropped := 0
	var unlist []chat.ID
	for i, id := range chats {
		if errs[i] == nil && calls[i].Val() == 1 {
			dropped++
			unlist = append(unlist, id)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return dropped, callError("drop empty chats of "+p.Tag, err)
	}
	if s.nodes.Only != nil {
		return dropped, nil
	}
	return dropped, s.unlistDropped(ctx, p, unlist)
}

// dropArgs are the arguments of drop.lua.
func (s *Store) dropArgs(id chat.ID) []any {
	log, ids, activity := s.keys.Append(id)
	args := []any{"evalsha", dropScript.Hash(), 0, activity, s.keys.Dropped(s.keys.Partition(id)), s.keys.Read(id), log, ids, s.keys.Room(id), s.keys.Threads(id), s.keys.Reactions(id), s.keys.Delivered(id), s.keys.Edits(id)}
	mark := "0"
	if !id.IsRoom() && s.nodes.Only != nil {
		for _, e := range layout.ListingOf(id, "").Entries() {
			args = append(args, s.keys.Chats(e.User))
		}
	} else if !id.IsRoom() {
		mark = "1"
	}
	args[2] = len(args) - 3
	return append(args, s.now(), s.emptyAge(), id.String(), mark)
}

// unlistDropped removes marked chats of a cluster from their users' lists, and lists those again that got a message.
func (s *Store) unlistDropped(ctx context.Context, p *layout.Partition, chats []chat.ID) error {
	chats = slices.DeleteFunc(slices.Clone(chats), chat.ID.IsRoom)
	if len(chats) == 0 {
		return nil
	}
	var entries []layout.ListEntry
	for _, id := range chats {
		entries = append(entries, layout.ListingOf(id, "").Entries()...)
	}
	if err := errors.Join(s.nodes.Calls(ctx, len(entries), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return pipeline.ZRem(ctx, s.keys.Chats(entries[i].User), entries[i].Chat.String())
		},
		Key: func(i int) string { return s.keys.Chats(entries[i].User) },
	})...); err != nil {
		return callError("unlist empty chats of "+p.Tag, err)
	}
	now, err := s.listReturned(ctx, p, chats)
	if err != nil {
		return err
	}
	marks := make([]any, 0, 2*len(chats))
	for _, id := range chats {
		marks = append(marks, id.String(), -now)
	}
	key := s.keys.Dropped(p.Tag)
	return s.callOne(ctx, "note what has left the lists", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.HSet(ctx, key, marks...)
	})
}

// listReturned lists those of the chats again that have a position, and returns the time before it looked.
func (s *Store) listReturned(ctx context.Context, p *layout.Partition, chats []chat.ID) (now int64, err error) {
	names := make([]string, len(chats))
	for i, id := range chats {
		names[i] = id.String()
	}
	var time *redis.TimeCmd
	var scores *redis.FloatSliceCmd
	errs := s.nodes.Calls(ctx, 2, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if i == 0 {
				time = pipeline.Time(ctx)
				return time
			}
			scores = pipeline.ZMScore(ctx, p.Activity, names...)
			return scores
		},
		Key: func(int) string { return p.Activity },
	})
	if err := errors.Join(errs...); err != nil {
		return 0, callError("look for messages of dropped chats of "+p.Tag, err)
	}
	var returned []layout.Listing
	for i, at := range scores.Val() {
		if at > 0 {
			returned = append(returned, layout.ListingOf(chats[i], ""))
		}
	}
	for _, err := range s.enlist(ctx, returned) {
		return 0, err
	}
	return redisnode.Micros(s.options.Clock, time), nil
}

// settleDropped continues with a partition's marks, of this server and of others that have crashed, once they are older
// than listedFor.
func (s *Store) settleDropped(ctx context.Context, p *layout.Partition) error {
	key := s.keys.Dropped(p.Tag)
	var time *redis.TimeCmd
	var marks *redis.MapStringStringCmd
	errs := s.nodes.Calls(ctx, 2, redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if i == 0 {
				time = pipeline.Time(ctx)
				return time
			}
			marks = pipeline.HGetAll(ctx, key)
			return marks
		},
		Key: func(int) string { return key },
	})
	if err := errors.Join(errs...); err != nil {
		return callError("read the marks of "+p.Tag, err)
	}
	recent := redisnode.Micros(s.options.Clock, time) - listedFor.Microseconds()
	var listed, settled []chat.ID
	for name, mark := range marks.Val() {
		id, err := chat.ParseID(name)
		at, _ := strconv.ParseInt(mark, 10, 64)
		switch {
		case name == "" || err != nil:
		case at > 0 && at <= recent:
			listed = append(listed, id)
		case at <= 0 && -at <= recent:
			settled = append(settled, id)
		}
	}
	if err := s.unlistDropped(ctx, p, listed); err != nil || len(settled) == 0 {
		return err
	}
	if _, err := s.listReturned(ctx, p, settled); err != nil {
		return err
	}
	names := make([]string, len(settled))
	for i, id := range settled {
		names[i] = id.String()
	}
	return s.callOne(ctx, "remove marks of "+p.Tag, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.HDel(ctx, key, names...)
	})
}
