package storage

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var _ chat.WordStore = (*Store)(nil)

var (
	putWordScript    = script("put_word")
	deleteWordScript = script("delete_word")
	wordsScript      = script("words")
)

// AddWord implements chat.WordStore with put_word.lua.
func (s *Store) AddWord(ctx context.Context, w chat.Word, most int) (chat.Word, error) {
	key := s.keys.Words()
	var call *redis.Cmd
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.EvalSha(ctx, putWordScript.Hash(), []string{key},
			layout.WordField(w.Chat, w.Word), layout.WordMatch(w), w.Chat+" ", most, chat.MaxTotalWords)
		return call
	})
	if err != nil {
		return chat.Word{}, err
	}
	text, _ := call.Text()
	switch w.ID = number(text); w.ID {
	case 0:
		return chat.Word{}, chat.Errorf(chat.Conflict, "there are %d words already; delete one first", most)
	case -1:
		return chat.Word{}, chat.Errorf(chat.Conflict, "there are %d words in all chats together already", chat.MaxTotalWords)
	}
	return w, nil
}

// RemoveWord implements chat.WordStore with delete_word.lua.
func (s *Store) RemoveWord(ctx context.Context, w chat.Word) (bool, error) {
	key := s.keys.Words()
	var call *redis.Cmd
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.EvalSha(ctx, deleteWordScript.Hash(), []string{key}, layout.WordField(w.Chat, w.Word))
		return call
	})
	if err != nil {
		return false, err
	}
	return call.Bool()
}

// ReadWords implements chat.WordStore with words.lua.
func (s *Store) ReadWords(ctx context.Context, known int64) (chat.WordRegistry, error) {
	key := s.keys.Words()
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "read the words", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewStringSliceCmd(ctx, "evalsha", wordsScript.Hash(), 1, key, known)
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return chat.WordRegistry{}, err
	}
	values := call.Val()
	registry := chat.WordRegistry{Version: number(values[0]), Clock: number(values[1])}
	for fields := values[2:]; len(fields) > 1; fields = fields[2:] {
		if w, ok := layout.ParseWord(fields[0], fields[1]); ok {
			registry.Words = append(registry.Words, w)
		}
	}
	return registry, nil
}

// Counts implements chat.Projections.
func (s *Store) Counts(ctx context.Context, q chat.CountsQuery) ([]chat.Count, error) {
	partitions := redisnode.UpTo(len(s.keys.Partitions))
	if q.Chat != "" {
		id, err := chat.ParseID(q.Chat)
		if err != nil {
			return nil, err
		}
		partitions = []int{s.PartitionOf(id)}
	}
	var counts []chat.Count
	for _, group := range q.Groups {
		sums := map[string]int64{}
		if err := s.addCounts(ctx, sums, q.Projection, group, partitions); err != nil {
			return nil, err
		}
		for counter, sum := range sums {
			counts = append(counts, chat.Count{Group: group, Counter: counter, Amount: sum})
		}
	}
	return counts, nil
}

// addCounts adds a group's counters in some partitions to sums. A call for each group keeps the answers small.
func (s *Store) addCounts(ctx context.Context, sums map[string]int64, projection, group string, partitions []int) error {
	calls := make([]*redis.MapStringStringCmd, len(partitions))
	keyOf := func(i int) string { return s.keys.Projection(partitions[i], projection).Counts + group }
	errs := s.nodes.Calls(ctx, len(calls), redisnode.Exchange{Key: keyOf, Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
		calls[i] = pipeline.HGetAll(ctx, keyOf(i))
		return calls[i]
	}})
	for i, call := range calls {
		if errs[i] != nil {
			return callError(fmt.Sprintf("read the counts of projection %s in partition %d", projection, partitions[i]), errs[i])
		}
		for counter, count := range call.Val() {
			sums[counter] += number(count)
		}
	}
	return nil
}
