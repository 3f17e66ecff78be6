package storage

import (
	"cmp"
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
	scripts := s.scriptsOf(len(partitions), func(int) int { return 1 })
	calls := make([]*redis.IntSliceCmd, len(scripts))
	keyOf := func(i int) string { return s.keys.Partitions[partitions[scripts[i].from]].Activity }
	errs := s.nodes.Calls(ctx, len(scripts), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		part := partitions[scripts[i].from:scripts[i].to]
		args := make([]any, 0, 3+len(part))
		args = append(args, "evalsha", partitionsScript.Hash(), len(part))
		for _, p := range part {
			args = append(args, s.keys.Partitions[p].Activity)
		}
		calls[i] = redis.NewIntSliceCmd(ctx, args...)
		_ = pipeline.Process(ctx, calls[i])
		return calls[i]
	}})
	for i, call := range calls {
		if errs[i] != nil {
			return nil, callError("read the newest positions", errs[i])
		}
		for k, newest := range call.Val()[1:] {
			states[scripts[i].from+k] = chat.PartitionState{Newest: newest, Clock: call.Val()[0]}
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
	claimed := chat.Claimed{Leases: make([]chat.Lease, len(r.Claims))}
	var err error
	if claimed.Paused, claimed.Workers, err = s.beat(ctx, r); err != nil {
		return claimed, err
	}
	start := ""
	if r.Start != chat.StartNow {
		start = strconv.FormatInt(r.Start, 10)
	}
	scripts := s.scriptsOf(len(r.Claims), func(int) int { return 1 })
	calls := make([]*redis.SliceCmd, len(scripts))
	keyOf := func(i int) string { return s.keys.Projection(r.Claims[scripts[i].from].Partition, r.Projection).State }
	errs := s.nodes.Calls(ctx, len(calls), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		claims := r.Claims[scripts[i].from:scripts[i].to]
		args := make([]any, 0, 7+2*len(claims))
		args = append(args, "evalsha", claimScript.Hash(), 2*len(claims))
		for _, c := range claims {
			keys := s.keys.Projection(c.Partition, r.Projection)
			args = append(args, keys.State, keys.Dead)
		}
		args = append(args, r.Worker, chat.LeaseLasts.Milliseconds(), start, claimsJSON(claims))
		calls[i] = redis.NewSliceCmd(ctx, args...)
		_ = pipeline.Process(ctx, calls[i])
		return calls[i]
	}})
	for i, call := range calls {
		if errs[i] != nil {
			return claimed, callError("claim partitions of projection "+r.Projection, errs[i])
		}
		readLeases(claimed.Leases[scripts[i].from:scripts[i].to], call.Val())
	}
	return claimed, nil
}

// claimsJSON is the last argument of claim.lua.
func claimsJSON(claims []chat.Claim) []byte {
	list := make([]byte, 0, 48*len(claims))
	for i, c := range claims {
		list = append(list, ",[\""...)
		if i == 0 {
			list[0] = '['
		}
		list = strconv.AppendInt(list, c.Token, 10)
		list = append(list, "\",\""...)
		list = strconv.AppendInt(list, c.Floor, 10)
		list = append(list, "\",\""...)
		list = append(list, releaseOf(c)...)
		list = append(list, "\"]"...)
	}
	return append(list, ']')
}

// releaseOf is the argument release of claim.lua.
func releaseOf(c chat.Claim) string {
	switch {
	case c.Release && c.Forget:
		return "forget"
	case c.Release:
		return "1"
	}
	return ""
}

// readLeases parses the result of claim.lua.
func readLeases(leases []chat.Lease, reply []any) {
	numbers, _ := reply[0].([]any)
	for i := range leases {
		var n [4]int64
		for k, value := range numbers[4*i : 4*i+4] {
			n[k], _ = value.(int64)
		}
		leases[i] = chat.Lease{Token: n[0], Start: n[1], Floor: n[2], FailingSince: n[3]}
	}
	revive, _ := reply[1].([]any)
	for ; len(revive) > 1; revive = revive[2:] {
		i, _ := revive[0].(int64)
		event, _ := revive[1].(string)
		leases[i].Revive = append(leases[i].Revive, event)
	}
}

// beat notes that a projection exists and that a worker lives. It returns whether the projection is paused, and all of its workers.
func (s *Store) beat(ctx context.Context, r chat.ClaimRequest) (paused bool, workers []string, err error) {
	all, alive, lasts := s.keys.Projections(), s.keys.Workers(r.Projection), chat.LeaseLasts.Milliseconds()
	if r.Leaving {
		lasts = 0
	}
	var known *redis.StringCmd
	var living *redis.StringSliceCmd
	keys := []string{all, alive}
	errs := s.nodes.Calls(ctx, len(keys), redisnode.Exchange{Key: func(i int) string { return keys[i] }, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		if i == 0 {
			pipeline.HSetNX(ctx, all, r.Projection, projectionValue(time.Now().UnixMicro(), false))
			known = pipeline.HGet(ctx, all, r.Projection)
			return known
		}
		living = redis.NewStringSliceCmd(ctx, "evalsha", workerScript.Hash(), 1, alive, r.Worker, lasts)
		_ = pipeline.Process(ctx, living)
		return living
	}})
	if err := cmp.Or(errs[0], errs[1]); err != nil {
		return false, nil, callError("note worker "+r.Worker+" of projection "+r.Projection, err)
	}
	_, paused = parseProjection(known.Val())
	workers = living.Val()
	slices.Sort(workers)
	return paused, workers, nil
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

// changesInScript bounds the cursors and counts that one script stores: Redis does nothing else for about a millisecond.
const changesInScript = 500

// Commit implements chat.Projections with commit.lua.
func (s *Store) Commit(ctx context.Context, projection string, commits []chat.Commit) ([]bool, error) {
	scripts := s.scriptsOf(len(commits), func(i int) int { return sizeOf(&commits[i]) })
	calls := make([]*redis.BoolSliceCmd, len(scripts))
	keyOf := func(i int) string { return s.keys.Projection(commits[scripts[i].from].Partition, projection).State }
	errs := s.nodes.Calls(ctx, len(calls), redisnode.Exchange{Key: keyOf, Replicas: s.options.MinReplicas, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		part := commits[scripts[i].from:scripts[i].to]
		args := make([]any, 0, 5+5*len(part))
		args = append(args, "evalsha", commitScript.Hash(), 5*len(part))
		for _, c := range part {
			keys := s.keys.Projection(c.Partition, projection)
			args = append(args, keys.State, keys.Cursors, keys.Dead, keys.Groups, keys.Counts)
		}
		args = append(args, deadLettersKept, commitsJSON(part))
		calls[i] = redis.NewBoolSliceCmd(ctx, args...)
		_ = pipeline.Process(ctx, calls[i])
		return calls[i]
	}})
	stored := make([]bool, len(commits))
	for i, call := range calls {
		if errs[i] != nil {
			return nil, callError("store the cursors of projection "+projection, errs[i])
		}
		copy(stored[scripts[i].from:scripts[i].to], call.Val())
	}
	return stored, nil
}

// sizeOf counts the changes of a commit.
func sizeOf(c *chat.Commit) int {
	n := 1 + len(c.Cursors) + len(c.Dead) + len(c.Revived)
	for i := range c.Cursors {
		n += len(c.Cursors[i].Counts)
	}
	return n
}

// span is a part of a list.
type span struct{ from, to int }

// scriptsOf divides a list of n partitions among script calls, of up to changesInScript changes each unless one partition has more.
// In a cluster each partition has a slot of its own, so each is a call.
func (s *Store) scriptsOf(n int, changes func(i int) int) (spans []span) {
	sum := 0
	for i := range n {
		sum += changes(i)
		if i == 0 || s.nodes.Only == nil || sum > changesInScript {
			sum = changes(i)
			spans = append(spans, span{i, i})
		}
		spans[len(spans)-1].to = i + 1
	}
	return spans
}

// storedCommit is a commit as commit.lua reads it. Numbers that it stores are strings: Lua would round those beyond 2^53.
type storedCommit struct {
	Token   int64       `json:"token,string"`
	Floor   int64       `json:"floor,string"`
	Handled int64       `json:"handled,string"`
	Failing int64       `json:"failing,string"`
	Error   string      `json:"error"`
	Cursors [][]any     `json:"cursors,omitempty"`
	Dead    [][2]string `json:"dead,omitempty"`
	Revived []string    `json:"revived,omitempty"`
}

// commitsJSON is the last argument of commit.lua.
func commitsJSON(commits []chat.Commit) []byte {
	list := make([]storedCommit, len(commits))
	for i, c := range commits {
		list[i] = storedCommit{Token: c.Token, Floor: c.Floor, Handled: c.Handled, Failing: c.FailingSince, Error: c.Error, Revived: c.Revived}
		for _, cursor := range c.Cursors {
			list[i].Cursors = append(list[i].Cursors, cursorJSON(cursor))
		}
		for _, letter := range c.Dead {
			list[i].Dead = append(list[i].Dead, [2]string{letter.Event, strconv.FormatInt(letter.At, 10) + " " + letter.Error})
		}
	}
	encoded, _ := json.Marshal(list) // nothing in it can fail
	return encoded
}

func cursorJSON(c chat.CommittedCursor) []any {
	if len(c.Counts) == 0 {
		return []any{c.Chat, c.Cursor.String()}
	}
	counts := make([][4]any, len(c.Counts))
	for k, count := range c.Counts {
		counts[k] = [4]any{count.Group, count.Counter, count.Amount, count.Expires}
	}
	return []any{c.Chat, c.Cursor.String(), c.Expected.String(), counts}
}
