package storage

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Projections implements chat.Projections.
func (s *Store) Projections(ctx context.Context, name string) ([]chat.ProjectionState, error) {
	key := s.keys.Projections()
	var known *redis.MapStringStringCmd
	if err := s.callOne(ctx, "read the projections", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		known = pipeline.HGetAll(ctx, key)
		return known
	}); err != nil {
		return nil, err
	}
	partitions, err := s.PartitionStates(ctx, nil)
	if err != nil {
		return nil, err
	}
	var states []chat.ProjectionState
	for _, each := range slices.Sorted(maps.Keys(known.Val())) {
		if name != "" && name != each {
			continue
		}
		state := chat.ProjectionState{Name: each, Owners: map[string]int{}}
		state.Created, state.Paused = parseProjection(known.Val()[each])
		if err := s.readProjection(ctx, &state, partitions); err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// readProjection adds up the partitions' states of a projection.
func (s *Store) readProjection(ctx context.Context, state *chat.ProjectionState, partitions []chat.PartitionState) error {
	const each = 2
	fields := make([]*redis.SliceCmd, len(partitions))
	dead := make([]*redis.IntCmd, len(partitions))
	keyOf := func(i int) string { return s.keys.Projection(i/each, state.Name).State }
	errs := s.nodes.Calls(ctx, each*len(partitions), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		if i%each == 1 {
			dead[i/each] = pipeline.HLen(ctx, s.keys.Projection(i/each, state.Name).Dead)
			return dead[i/each]
		}
		fields[i/each] = pipeline.HMGet(ctx, keyOf(i), layout.OwnerField, layout.UntilField, layout.FloorField, layout.FailingField, layout.ErrorField, layout.HandledField, layout.StartField)
		return fields[i/each]
	}})
	var behind []int
	floors := make([]int64, len(partitions))
	for i, p := range partitions {
		if err := cmp.Or(errs[each*i], errs[each*i+1]); err != nil {
			return callError("read the state of projection "+state.Name, err)
		}
		var values [7]string
		for k, value := range fields[i].Val() {
			values[k], _ = value.(string)
		}
		if number(values[1]) > p.Clock/1000 {
			state.Owners[values[0]]++
		}
		if failing := number(values[3]); failing > 0 && (state.FailingSince == 0 || failing < state.FailingSince) {
			state.FailingSince, state.Error = failing, values[4]
		}
		state.Handled += number(values[5])
		state.DeadLetters += dead[i].Val()
		if floors[i] = number(values[2]); values[2] != "" && p.Newest >= floors[i] {
			behind = append(behind, i)
			if values[6] != values[2] { // otherwise nothing says how old the first message is
				state.Lag = max(state.Lag, time.Duration(p.Clock-floors[i])*time.Microsecond)
			}
		}
	}
	return s.readBehind(ctx, state, partitions, behind, floors)
}

// readBehind counts the chats at or after the floors of some partitions. The lag is at least the age of the first of them.
func (s *Store) readBehind(ctx context.Context, state *chat.ProjectionState, partitions []chat.PartitionState, behind []int, floors []int64) error {
	const each = 2
	counts := make([]*redis.IntCmd, len(behind))
	firsts := make([]*redis.ZSliceCmd, len(behind))
	keyOf := func(i int) string { return s.keys.Partitions[behind[i/each]].Activity }
	errs := s.nodes.Calls(ctx, each*len(behind), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		floor := strconv.FormatInt(floors[behind[i/each]], 10)
		if i%each == 1 {
			firsts[i/each] = pipeline.ZRangeByScoreWithScores(ctx, keyOf(i), &redis.ZRangeBy{Min: floor, Max: "+inf", Count: 1})
			return firsts[i/each]
		}
		counts[i/each] = pipeline.ZCount(ctx, keyOf(i), floor, "+inf")
		return counts[i/each]
	}})
	for i, count := range counts {
		if err := cmp.Or(errs[each*i], errs[each*i+1]); err != nil {
			return callError("count what projection "+state.Name+" has before it", err)
		}
		state.Behind += count.Val()
		for _, first := range firsts[i].Val() {
			age := partitions[behind[i]].Clock - int64(first.Score)
			state.Lag = max(state.Lag, time.Duration(age)*time.Microsecond)
		}
	}
	return nil
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// changesInReset is the weight of a partition in reset.lua: it may have counters of all its chats, so a script has
// eight partitions.
const changesInReset = changesInScript / 8

// ChangeProjection implements chat.Projections. One that fails midway may be made again.
func (s *Store) ChangeProjection(ctx context.Context, c chat.ProjectionChange) error {
	key := s.keys.Projections()
	switch c.Action {
	case chat.PauseProjection, chat.ResumeProjection:
		return s.pause(ctx, c.Name, c.Action == chat.PauseProjection)
	case chat.RemoveProjection:
		if err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			return pipeline.HDel(ctx, key, c.Name)
		}); err != nil {
			return err
		}
	}
	partitions := redisnode.UpTo(len(s.keys.Partitions))
	if c.Chat != "" {
		id, err := chat.ParseID(c.Chat)
		if err != nil {
			return err
		}
		partitions = []int{s.PartitionOf(id)}
	}
	scripts := s.scriptsOf(len(partitions), func(int) int { return changesInReset })
	keyOf := func(i int) string { return s.keys.Projection(partitions[scripts[i].from], c.Name).State }
	errs := s.nodes.Calls(ctx, len(scripts), redisnode.Exchange{Key: keyOf, Replicas: s.options.MinReplicas, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		var names []string
		for _, p := range partitions[scripts[i].from:scripts[i].to] {
			keys := s.keys.Projection(p, c.Name)
			names = append(names, keys.State, keys.Cursors, keys.Dead, keys.Groups, keys.Counts, s.keys.Partitions[p].Activity)
		}
		return pipeline.EvalSha(ctx, resetScript.Hash(), names, string(c.Action), c.Start, c.Chat)
	}})
	for _, err := range errs {
		if err != nil {
			return callError(string(c.Action)+" projection "+c.Name, err)
		}
	}
	return nil
}

func (s *Store) pause(ctx context.Context, name string, paused bool) error {
	key := s.keys.Projections()
	var known *redis.StringCmd
	if err := s.callOne(ctx, "read projection "+name, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		known = pipeline.HGet(ctx, key, name)
		return known
	}); err != nil {
		return err
	}
	created, _ := parseProjection(known.Val())
	return s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.HSet(ctx, key, name, projectionValue(created, paused))
	})
}

// DeadLetters implements chat.Projections.
func (s *Store) DeadLetters(ctx context.Context, name string, limit int) ([]chat.DeadLetter, error) {
	calls := make([]*redis.MapStringStringCmd, len(s.keys.Partitions))
	keyOf := func(i int) string { return s.keys.Projection(i, name).Dead }
	errs := s.nodes.Calls(ctx, len(calls), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		calls[i] = pipeline.HGetAll(ctx, keyOf(i))
		return calls[i]
	}})
	var all []chat.DeadLetter
	for i, call := range calls {
		if errs[i] != nil {
			return nil, callError("read the dead letters of projection "+name, errs[i])
		}
		for event, value := range call.Val() {
			at, text, _ := strings.Cut(value, " ")
			all = append(all, chat.DeadLetter{Event: event, At: number(at), Error: text})
		}
	}
	slices.SortFunc(all, func(a, b chat.DeadLetter) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Event, b.Event)) })
	return all[:min(limit, len(all))], nil
}
