package check

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// checkPin judges the pinned number of partitions. It comes last: a Redis without chats needs none yet.
func (c *Checker) checkPin(ctx context.Context) error {
	key, ours := c.keys.PartitionCount(), strconv.Itoa(layout.DefaultPartitions)
	pinned, err := c.redis.Get(ctx, key).Result()
	fault := Fault{Kind: FaultPartitions, Key: key}
	switch {
	case errors.Is(err, redis.Nil):
		if c.report.Chats+c.report.Emptied == 0 {
			return nil
		}
		fault.Detail = "it is missing, and there are chats"
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return nil // reported already
	case err != nil:
		return fmt.Errorf("read %s: %w", key, err)
	case pinned == ours:
		return nil
	default:
		fault.Detail = fmt.Sprintf("it is %q; this release uses %s and would not start", pinned, ours)
	}
	c.report.addFault(fault, 1)
	return nil
}

// checkType judges a key of which only the type matters.
func (c *Checker) checkType(ctx context.Context, key, want string) error {
	_, err := c.typed(ctx, key, want)
	return err
}

// typed reports whether a key exists and has the right type. Another type counts as a fault.
func (c *Checker) typed(ctx context.Context, key, want string) (readable bool, err error) {
	got, err := c.redis.Type(ctx, key).Result()
	if err != nil {
		return false, fmt.Errorf("type of %s: %w", printable(key), err)
	}
	if fault, wrong := wrongType(key, got, want); wrong {
		c.report.addFault(fault, 1)
	}
	return got == want, nil
}

func wrongType(key, got, want string) (Fault, bool) {
	if got == want || got == "none" { // it has expired
		return Fault{}, false
	}
	return Fault{Kind: FaultType, Key: key, Detail: fmt.Sprintf("it is a %s, not a %s", got, want)}, true
}

// inPartition reports whether the partition of a key exists. A key of another one counts as a fault.
func (c *Checker) inPartition(key string, name layout.KeyName) bool {
	if c.keys.IsPartition(name.Partition) {
		return true
	}
	c.report.addFault(Fault{Kind: FaultPartition, Key: key, Detail: fmt.Sprintf("there are %d partitions, from 0", len(c.keys.Partitions))}, 1)
	return false
}

// checkInPartition judges the place and the type of a key of a partition.
func (c *Checker) checkInPartition(ctx context.Context, key string, name layout.KeyName, want string) error {
	if !c.inPartition(key, name) {
		return nil
	}
	return c.checkType(ctx, key, want)
}

// checkActivity judges a partition's index by itself. An entry is compared with its log when the chat is judged.
func (c *Checker) checkActivity(ctx context.Context, key string, name layout.KeyName) error {
	if !c.inPartition(key, name) {
		return nil
	}
	if c.stage(stageTypes) {
		if readable, err := c.typed(ctx, key, "zset"); err != nil || !readable {
			return err
		}
	}
	c.stage(stageLog)
	return c.walk(ctx, key, func(ctx context.Context, page checkPage) ([]finding, tally, error) {
		return c.judgeActivities(ctx, key, name, page)
	})
}

// judgeActivities judges a page of activity. Scores only rise, so an upward walk meets every entry. A chat without a
// log is sound: its last message expired, and its activity stays so that positions go on rising.
func (c *Checker) judgeActivities(ctx context.Context, key string, name layout.KeyName, page checkPage) ([]finding, tally, error) {
	var found []finding
	var chats []chat.ID
	add := func(kind FaultKind, format string, args ...any) {
		found = append(found, finding{Fault: Fault{Kind: kind, Key: key, Detail: fmt.Sprintf(format, args...)}})
	}
	for _, z := range page.entries {
		member, _ := z.Member.(string)
		id, err := chat.ParseID(member)
		switch _, ok := position(z.Score); {
		case err != nil:
			add(FaultChatID, "%q: %v", member, err)
		case id.String() != member:
			add(FaultChatID, "%q is %q in its canonical form", member, id)
		case c.keys.Partition(id) != c.keys.Tag(name.Partition):
			add(FaultPartition, "%q belongs to %s", member, c.keys.Partition(id))
		case !ok:
			add(FaultActivityScore, "%q has the score %s", member, redisnode.FormatScore(z.Score))
		default:
			chats = append(chats, id)
		}
	}
	emptied, err := c.withoutLog(ctx, chats)
	return found, tally{emptied: emptied}, err
}

func (c *Checker) withoutLog(ctx context.Context, chats []chat.ID) (n int64, err error) {
	if len(chats) == 0 {
		return 0, nil
	}
	calls := make([]*redis.IntCmd, len(chats))
	_, err = c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range chats {
			calls[i] = p.Exists(ctx, c.keys.Log(id))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("look for logs: %w", err)
	}
	for _, call := range calls {
		n += 1 - call.Val()
	}
	return n, nil
}
