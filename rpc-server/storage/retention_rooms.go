package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// A room may have its own retention, in its hash. The shorter one of it and Retention applies. Appends do not know of it, so
// none costs more. Instead
//
//   - every server knows the rooms with their own retention, and reads skip messages that are too old;
//   - once a minute each server removes messages that are too old: a second removal finds none.
//
// im:retentions names the rooms, sorted by the time of the last change. A change is noted there before it is made, so a
// crash loses no room, and again afterwards. Every server reads the latest changes each second, and everything each minute.

const (
	// retentionsEvery is the interval of reading the latest changes.
	retentionsEvery = time.Second
	// retentionsWhole is the interval of reading all, and of trimming.
	retentionsWhole = time.Minute
	// retentionsAgain is how much of the past is read again: clocks differ, and changes take time.
	retentionsAgain = 10 * time.Second
	// retentionsKept is how long a room is named that has no retention of its own.
	retentionsKept = time.Hour
)

// ownRetentions are the rooms' own retentions as far as this server knows.
type ownRetentions struct {
	mutex sync.Mutex
	known atomic.Pointer[map[chat.ID]time.Duration] // nil is empty; a map is never changed
}

// of returns a room's own retention, or 0.
func (o *ownRetentions) of(id chat.ID) time.Duration {
	known := o.known.Load()
	if known == nil {
		return 0
	}
	return (*known)[id]
}

// oldestIn returns the first position of a chat that no retention has removed. all is that of every chat.
func (s *Store) oldestIn(id chat.ID, all int64) int64 {
	own := s.own.of(id)
	if own == 0 {
		return all
	}
	return max(all, s.clock().Add(-own).UnixMicro())
}

// learn replaces the known retention of some rooms, or of all. 0 means that a room has none of its own.
func (o *ownRetentions) learn(found map[chat.ID]time.Duration, all bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	next := map[chat.ID]time.Duration{}
	if known := o.known.Load(); known != nil && !all {
		next = maps.Clone(*known)
	}
	for id, d := range found {
		if next[id] = d; d == 0 {
			delete(next, id)
		}
	}
	if len(next) == 0 {
		o.known.Store(nil)
		return
	}
	o.known.Store(&next)
}

// noteRetention records that a room's retention changes. It first removes messages that are too old by the present
// retention: a longer one does not bring them back.
func (s *Store) noteRetention(ctx context.Context, e chat.RoomEdit) error {
	if e.Retention == nil {
		return nil
	}
	if s.own.of(e.Room) > 0 {
		for step := range trimSteps {
			if err := s.write(ctx, s.keys.Log(e.Room), func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
				return s.queueTrim(ctx, pipeline, e.Room, step, s.oldestIn(e.Room, 0))
			}); err != nil {
				return err
			}
		}
	}
	key := s.keys.Retentions()
	return s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZAddGT(ctx, key, redis.Z{Score: float64(time.Now().UnixMicro()), Member: e.Room.String()})
	})
}

// retained makes a change known. Should it fail to note the change again, the other servers learn of it within a minute.
func (s *Store) retained(ctx context.Context, e chat.RoomEdit) {
	if e.Retention == nil {
		if e.Created { // a room of before may have had one
			s.own.learn(map[chat.ID]time.Duration{e.Room: 0}, false)
		}
		return
	}
	s.own.learn(map[chat.ID]time.Duration{e.Room: *e.Retention}, false)
	_ = s.noteRetention(ctx, e)
}

// FollowRetentions is the job that reads rooms' own retentions, and removes messages that are too old.
func (s *Store) FollowRetentions() background.Job {
	var whole time.Time // of the last complete reading
	var seen int64      // the latest change that was read
	return background.Job{
		Name: "room_retentions", Every: retentionsEvery, Retry: redisnode.NewPace(), Timeout: time.Minute,
		Step: func(ctx context.Context) error {
			all := time.Since(whole) >= retentionsWhole
			from := strconv.FormatInt(seen-retentionsAgain.Microseconds(), 10)
			if all {
				from = "-inf"
			}
			latest, err := s.readRetentions(ctx, from)
			if err != nil {
				return err
			}
			seen = max(seen, latest)
			if !all {
				return nil
			}
			whole = time.Now()
			return s.trimRooms(ctx)
		},
	}
}

// readRetentions learns the retentions of rooms that were changed since a time, in microseconds; "-inf" is all of them. It
// returns the time of the latest change.
func (s *Store) readRetentions(ctx context.Context, from string) (latest int64, err error) {
	key := s.keys.Retentions()
	var changed *redis.ZSliceCmd
	if err := s.callOne(ctx, "read which rooms have their own retention", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		changed = pipeline.ZRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: from, Max: "+inf"})
		return changed
	}); err != nil {
		return 0, err
	}
	if len(changed.Val()) == 0 && s.own.known.Load() == nil {
		return 0, nil
	}
	var rooms []chat.ID
	for _, z := range changed.Val() {
		name, _ := z.Member.(string)
		if id, err := chat.ParseID(name); err == nil {
			rooms = append(rooms, id)
		}
		latest = max(latest, int64(z.Score))
	}
	values := make([]*redis.StringCmd, len(rooms))
	errs := s.nodes.Calls(ctx, len(rooms), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			values[i] = pipeline.HGet(ctx, s.keys.Room(rooms[i]), layout.RetentionField)
			return values[i]
		},
		Key: func(i int) string { return s.keys.Room(rooms[i]) },
	})
	found := make(map[chat.ID]time.Duration, len(rooms))
	for i, id := range rooms {
		if errs[i] != nil && !errors.Is(errs[i], redis.Nil) {
			return 0, fmt.Errorf("read the retention of %s: %w", id, errs[i])
		}
		micros, _ := strconv.ParseInt(values[i].Val(), 10, 64)
		found[id] = time.Duration(max(micros, 0)) * time.Microsecond
	}
	s.own.learn(found, from == "-inf")
	return latest, nil
}

// trimRooms removes messages that are too old from the known rooms, and then forgets rooms.
func (s *Store) trimRooms(ctx context.Context) error {
	if known := s.own.known.Load(); known != nil {
		rooms := slices.Collect(maps.Keys(*known))
		now := s.clock()
		errs := s.nodes.Calls(ctx, trimSteps*len(rooms), redisnode.Exchange{
			Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
				room := rooms[i/trimSteps]
				return s.queueTrim(ctx, pipeline, room, i%trimSteps, now.Add(-(*known)[room]).UnixMicro())
			},
			Key: func(i int) string { return s.keys.Log(rooms[i/trimSteps]) },
		})
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("remove what is too old: %w", err)
		}
	}
	return s.forgetRetentions(ctx)
}

// trimSteps are the commands of queueTrim.
const trimSteps = 2

// queueTrim removes the messages before a position from a room, and their earlier texts.
func (s *Store) queueTrim(ctx context.Context, pipeline redis.Pipeliner, room chat.ID, step int, oldest int64) redis.Cmder {
	if step == 0 {
		return pipeline.ZRemRangeByScore(ctx, s.keys.Log(room), "-inf", "("+strconv.FormatInt(oldest, 10))
	}
	return pipeline.ZRemRangeByLex(ctx, s.keys.Edits(room), "-", fmt.Sprintf("(%016d", oldest))
}

// forgetRetentions forgets rooms that have no retention of their own and were not changed for long. First the others are
// noted anew, and all that is still old goes in one command: a change that comes meanwhile is noted, and so stays.
func (s *Store) forgetRetentions(ctx context.Context) error {
	key := s.keys.Retentions()
	var old *redis.StringSliceCmd
	before := strconv.FormatInt(time.Now().Add(-retentionsKept).UnixMicro(), 10)
	if err := s.callOne(ctx, "read which rooms had their own retention", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		old = pipeline.ZRangeByScore(ctx, key, &redis.ZRangeBy{Min: "-inf", Max: before})
		return old
	}); err != nil {
		return err
	}
	var kept []redis.Z
	for _, name := range old.Val() {
		if id, err := chat.ParseID(name); err == nil && s.own.of(id) > 0 {
			kept = append(kept, redis.Z{Score: float64(time.Now().UnixMicro()), Member: name})
		}
	}
	if len(old.Val()) == len(kept) {
		return nil
	}
	if len(kept) > 0 {
		if err := s.callOne(ctx, "note rooms with their own retention", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			return pipeline.ZAddArgs(ctx, key, redis.ZAddArgs{XX: true, GT: true, Members: kept})
		}); err != nil {
			return err
		}
	}
	return s.callOne(ctx, "forget rooms without their own retention", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZRemRangeByScore(ctx, key, "-inf", before)
	})
}
