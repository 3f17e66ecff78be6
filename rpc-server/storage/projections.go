package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// deadLettersKept bounds the dead letters of a projection in one partition. Later ones are only in the log of the worker.
const deadLettersKept = 1000

var _ chat.ProjectionStore = (*Store)(nil)

var (
	claimScript      = script("claim")
	commitScript     = script("commit")
	resetScript      = script("reset")
	workerScript     = script("worker")
	partitionsScript = script("partition_states")
)

// Partitions implements chat.ProjectionStore.
func (s *Store) Partitions() int { return len(s.keys.Partitions) }

// PartitionOf implements chat.ProjectionStore.
func (s *Store) PartitionOf(id chat.ID) int { return s.keys.Index(id) }

// PartitionStates implements chat.Projections. One script reads all partitions of a Redis that is no cluster. In a cluster each
// partition has a slot of its own, so each is a script; those of a node share a pipeline.
func (s *Store) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	if partitions == nil {
		partitions = redisnode.UpTo(len(s.keys.Partitions))
	}
	states := make([]chat.PartitionState, len(partitions))
	each := 1
	if s.nodes.Only != nil {
		each = len(states)
	}
	scripts := make([]*redis.IntSliceCmd, len(states)/each)
	keyOf := func(i int) string { return s.keys.Partitions[partitions[i*each]].Activity }
	errs := s.nodes.Calls(ctx, len(scripts), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		args := make([]any, 0, 3+each)
		args = append(args, "evalsha", partitionsScript.Hash(), each)
		for _, p := range partitions[i*each : (i+1)*each] {
			args = append(args, s.keys.Partitions[p].Activity)
		}
		scripts[i] = redis.NewIntSliceCmd(ctx, args...)
		_ = pipeline.Process(ctx, scripts[i])
		return scripts[i]
	}})
	for i, call := range scripts {
		if errs[i] != nil {
			return nil, callError("read the newest positions", errs[i])
		}
		for k, newest := range call.Val()[1:] {
			states[i*each+k] = chat.PartitionState{Newest: newest, Clock: call.Val()[0]}
		}
	}
	return states, nil
}

// Moved implements chat.Projections.
func (s *Store) Moved(ctx context.Context, queries []chat.MovedSince) ([][]chat.MovedChat, error) {
	calls := make([]*redis.ZSliceCmd, len(queries))
	keyOf := func(i int) string { return s.keys.Partitions[queries[i].Partition].Activity }
	errs := s.nodes.Calls(ctx, len(queries), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		calls[i] = pipeline.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: keyOf(i), ByScore: true, Start: queries[i].Since, Stop: "+inf", Count: int64(queries[i].Limit),
		})
		return calls[i]
	}})
	moved := make([][]chat.MovedChat, len(queries))
	for i, call := range calls {
		if errs[i] != nil {
			return nil, callError(fmt.Sprintf("read the moved chats of partition %d", queries[i].Partition), errs[i])
		}
		moved[i] = make([]chat.MovedChat, len(call.Val()))
		for k, z := range call.Val() {
			name, _ := z.Member.(string)
			moved[i][k] = chat.MovedChat{Chat: name, Position: int64(z.Score)}
		}
	}
	return moved, nil
}

// Claim implements chat.Projections with claim.lua.
func (s *Store) Claim(ctx context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	var claimed chat.Claimed
	var err error
	if claimed.Paused, err = s.register(ctx, r.Projection); err != nil {
		return claimed, err
	}
	if claimed.Workers, err = s.beat(ctx, r); err != nil {
		return claimed, err
	}
	start := ""
	if r.Start != chat.StartNow {
		start = strconv.FormatInt(r.Start, 10)
	}
	calls := make([]*redis.Cmd, len(r.Claims))
	keyOf := func(i int) string { return s.keys.Projection(r.Claims[i].Partition, r.Projection).State }
	errs := s.nodes.Calls(ctx, len(calls), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		c := r.Claims[i]
		keys := s.keys.Projection(c.Partition, r.Projection)
		calls[i] = pipeline.EvalSha(ctx, claimScript.Hash(), []string{keys.State, keys.Dead},
			r.Worker, c.Token, c.Floor, releaseOf(c), chat.LeaseLasts.Milliseconds(), start)
		return calls[i]
	}})
	claimed.Leases = make([]chat.Lease, len(calls))
	for i, call := range calls {
		if errs[i] != nil {
			return claimed, callError(fmt.Sprintf("claim partition %d of projection %s", r.Claims[i].Partition, r.Projection), errs[i])
		}
		claimed.Leases[i] = leaseOf(call)
	}
	return claimed, nil
}

// releaseOf is the fourth argument of claim.lua.
func releaseOf(c chat.Claim) string {
	switch {
	case c.Release && c.Forget:
		return "forget"
	case c.Release:
		return "1"
	}
	return ""
}

// leaseOf reads what claim.lua returned.
func leaseOf(call *redis.Cmd) chat.Lease {
	values, _ := call.Slice()
	var numbers [4]int64
	var lease chat.Lease
	for i, value := range values {
		switch v := value.(type) {
		case int64:
			numbers[i] = v
		case string:
			lease.Revive = append(lease.Revive, v)
		}
	}
	lease.Token, lease.Start, lease.Floor, lease.FailingSince = numbers[0], numbers[1], numbers[2], numbers[3]
	return lease
}

// register notes that a projection exists, and returns whether it is paused.
func (s *Store) register(ctx context.Context, name string) (paused bool, err error) {
	key := s.keys.Projections()
	var known *redis.StringCmd
	if err := s.callOne(ctx, "note projection "+name, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		pipeline.HSetNX(ctx, key, name, projectionValue(time.Now().UnixMicro(), false))
		known = pipeline.HGet(ctx, key, name)
		return known
	}); err != nil {
		return false, err
	}
	_, paused = parseProjection(known.Val())
	return paused, nil
}

func projectionValue(created int64, paused bool) string {
	state := 0
	if paused {
		state = 1
	}
	return fmt.Sprint(created, state)
}

func parseProjection(value string) (created int64, paused bool) {
	var state int
	_, _ = fmt.Sscan(value, &created, &state)
	return created, state == 1
}

// beat notes that a worker lives, and returns all that do.
func (s *Store) beat(ctx context.Context, r chat.ClaimRequest) ([]string, error) {
	key, lasts := s.keys.Workers(r.Projection), chat.LeaseLasts.Milliseconds()
	if r.Leaving {
		lasts = 0
	}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "note worker "+r.Worker, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewStringSliceCmd(ctx, "evalsha", workerScript.Hash(), 1, key, r.Worker, lasts)
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return nil, err
	}
	workers := call.Val()
	slices.Sort(workers)
	return workers, nil
}

// Cursors implements chat.Projections.
func (s *Store) Cursors(ctx context.Context, projection string, chats []string) ([]chat.Cursor, error) {
	keys, fields, places := s.cursorFields(projection, chats)
	calls := make([]*redis.SliceCmd, len(keys))
	errs := s.nodes.Calls(ctx, len(keys), redisnode.Exchange{
		Key: func(i int) string { return keys[i] },
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.HMGet(ctx, keys[i], fields[i]...)
			return calls[i]
		},
	})
	cursors := make([]chat.Cursor, len(chats))
	for i, call := range calls {
		if errs[i] != nil {
			return nil, callError("read the cursors of projection "+projection, errs[i])
		}
		for k, value := range call.Val() {
			stored, _ := value.(string)
			cursors[places[i][k]] = chat.ParseProjectionCursor(stored)
		}
	}
	return cursors, nil
}

// cursorFields groups chats by the key of their cursors. places are the indices of a group's chats.
func (s *Store) cursorFields(projection string, chats []string) (keys []string, fields [][]string, places [][]int) {
	groups := map[int]int{}
	for i, name := range chats {
		id, err := chat.ParseID(name)
		if err != nil {
			continue // the caller has checked them
		}
		partition := s.PartitionOf(id)
		group, known := groups[partition]
		if !known {
			group = len(keys)
			groups[partition] = group
			keys, fields, places = append(keys, s.keys.Projection(partition, projection).Cursors), append(fields, nil), append(places, nil)
		}
		fields[group], places[group] = append(fields[group], name), append(places[group], i)
	}
	return keys, fields, places
}

// Commit implements chat.Projections with commit.lua.
func (s *Store) Commit(ctx context.Context, projection string, commits []chat.Commit) ([]bool, error) {
	calls := make([]*redis.Cmd, len(commits))
	keyOf := func(i int) string { return s.keys.Projection(commits[i].Partition, projection).State }
	errs := s.nodes.Calls(ctx, len(commits), redisnode.Exchange{Key: keyOf, Replicas: s.options.MinReplicas, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		c := commits[i]
		keys := s.keys.Projection(c.Partition, projection)
		calls[i] = pipeline.EvalSha(ctx, commitScript.Hash(), []string{keys.State, keys.Cursors, keys.Dead, keys.Groups, keys.Counts},
			c.Token, c.Floor, c.Handled, c.FailingSince, c.Error, deadLettersKept, commitJSON(c))
		return calls[i]
	}})
	stored := make([]bool, len(commits))
	for i, call := range calls {
		if errs[i] != nil {
			return nil, callError(fmt.Sprintf("store the cursors of projection %s in partition %d", projection, commits[i].Partition), errs[i])
		}
		stored[i], _ = call.Bool()
	}
	return stored, nil
}

// commitJSON is the last argument of commit.lua.
func commitJSON(c chat.Commit) []byte {
	cursors := make([][4]any, len(c.Cursors))
	for i, cursor := range c.Cursors {
		counts := make([][4]any, len(cursor.Counts))
		for k, count := range cursor.Counts {
			counts[k] = [4]any{count.Group, count.Counter, count.Amount, count.Expires}
		}
		cursors[i] = [4]any{cursor.Chat, cursor.Cursor.String(), cursor.Expected.String(), counts}
	}
	dead := make([][2]string, len(c.Dead))
	for i, letter := range c.Dead {
		dead[i] = [2]string{letter.Event, strconv.FormatInt(letter.At, 10) + " " + letter.Error}
	}
	encoded, _ := json.Marshal(map[string]any{"cursors": cursors, "dead": dead, "revived": append([]string{}, c.Revived...)}) // nothing in it can fail
	return encoded
}
