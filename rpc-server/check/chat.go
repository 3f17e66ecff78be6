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

// The stages of a unit, in order. A partition's activity has the first two.
const (
	stageTypes = iota
	stageLog   // or a partition's activity
	stageActivity
	stageIDs
	stageLists
)

// checkedKey is a sorted set of a chat as it was found.
type checkedKey struct {
	name   string
	there  bool
	broken bool // of another type: it is not judged
}

// checkedChat is a chat that lies where servers look for it.
type checkedChat struct {
	id                 chat.ID
	log, ids, activity checkedKey
}

// checkChat judges a chat's log, ids and activity against each other. key is its log or its ids. A chat where no server
// looks for it is reported and not read.
func (c *Checker) checkChat(ctx context.Context, key string, name layout.KeyName) error {
	id, placed := c.placed(key, name)
	if !placed {
		return nil
	}
	under, wrong, err := c.look(ctx, id)
	if err != nil {
		return err
	}
	if c.stage(stageTypes) {
		for _, fault := range wrong {
			c.report.addFault(fault, 1)
		}
		if under.log.there {
			c.report.Chats++
		}
	}
	return c.checkStages(ctx, under)
}

// placed returns the chat of a key in its right place. A key in a wrong place counts as a fault.
func (c *Checker) placed(key string, name layout.KeyName) (chat.ID, bool) {
	id, err := chat.ParseID(name.Chat)
	misplaced := Fault{Key: key}
	switch {
	case err != nil:
		misplaced.Kind, misplaced.Detail = FaultChatID, err.Error()
	case id.String() != name.Chat:
		misplaced.Kind, misplaced.Detail = FaultChatID, fmt.Sprintf("its canonical form is %q", id)
	case c.keys.Partition(id) != c.keys.Tag(name.Partition):
		misplaced.Kind, misplaced.Detail = FaultPartition, "its chat belongs to "+c.keys.Partition(id)
	default:
		return id, true
	}
	c.report.addFault(misplaced, 1)
	return chat.ID{}, false
}

// checkBeside judges the place and the type of a chat's key besides log and ids. There may be no log.
func (c *Checker) checkBeside(ctx context.Context, key string, name layout.KeyName, want string) error {
	if _, placed := c.placed(key, name); !placed {
		return nil
	}
	return c.checkType(ctx, key, want)
}

func (c *Checker) checkStages(ctx context.Context, under checkedChat) error {
	if c.stage(stageLog) && under.log.there {
		if err := c.walk(ctx, under.log.name, func(ctx context.Context, page checkPage) ([]finding, tally, error) {
			return c.judgeLog(ctx, under, page)
		}); err != nil {
			return err
		}
	}
	if c.stage(stageActivity) && under.log.there && !under.activity.broken {
		found, err := c.judgeActivity(ctx, under)
		if err != nil {
			return err
		}
		if err := c.settle(ctx, found); err != nil {
			return err
		}
	}
	if c.stage(stageIDs) && under.ids.there {
		if err := c.walk(ctx, under.ids.name, func(ctx context.Context, page checkPage) ([]finding, tally, error) {
			return c.judgeIDs(ctx, under, page)
		}); err != nil {
			return err
		}
	}
	if c.stage(stageLists) && under.log.there {
		return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) { return c.judgeLists(ctx, under) })
	}
	return nil
}

// look returns a chat's keys, and a fault for a log or ids that is no sorted set. Activity is judged separately.
func (c *Checker) look(ctx context.Context, id chat.ID) (checkedChat, []Fault, error) {
	var names [3]string
	var types [3]*redis.StatusCmd
	names[0], names[1], names[2] = c.keys.Append(id)
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			types[i] = p.Type(ctx, name)
		}
		return nil
	})
	if err != nil {
		return checkedChat{}, nil, fmt.Errorf("types of the keys of %s: %w", id, err)
	}
	var found [3]checkedKey
	var faults []Fault
	for i, name := range names {
		got := types[i].Val()
		fault, wrong := wrongType(name, got, "zset")
		found[i] = checkedKey{name: name, there: got == "zset", broken: wrong}
		if wrong && i < 2 {
			faults = append(faults, fault)
		}
	}
	return checkedChat{id: id, log: found[0], ids: found[1], activity: found[2]}, faults, nil
}

// judgeActivity compares a chat's activity with its log, both read in one transaction. While there is a log they are
// equal: retention and MAX_CHAT_MESSAGES never remove the newest message. Activity without a log means that the log has
// expired; that is not judged here.
func (c *Checker) judgeActivity(ctx context.Context, under checkedChat) ([]finding, error) {
	var newest *redis.ZSliceCmd
	var active *redis.FloatCmd
	_, err := c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		newest = p.ZRevRangeWithScores(ctx, under.log.name, 0, 0)
		active = p.ZScore(ctx, under.activity.name, under.id.String())
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("compare %s with %s: %w", under.activity.name, under.log.name, err)
	}
	if len(newest.Val()) == 0 {
		return nil, nil // it has expired
	}
	entry := newest.Val()[0]
	member, _ := entry.Member.(string)
	last, ok := memberPosition(member)
	if !ok || float64(last) != entry.Score {
		return nil, nil // reported with the log; activity must not be raised to a position that was never given
	}
	fault := Fault{Key: under.log.name, Position: last}
	switch {
	case active.Err() != nil:
		fault.Kind, fault.Detail = FaultActivityMissing, under.activity.name+" does not have the chat"
	case active.Val() < entry.Score:
		fault.Kind, fault.Detail = FaultActivityLow, under.activity.name+" has it at "+redisnode.FormatScore(active.Val())
	case active.Val() > entry.Score:
		fault.Kind, fault.Detail = FaultActivityHigh, under.activity.name+" has it at "+redisnode.FormatScore(active.Val())
		return []finding{{Fault: fault}}, nil
	default:
		return nil, nil
	}
	return []finding{{Fault: fault, mend: func(ctx context.Context) (bool, error) {
		// GT: a later append has raised it further.
		err := c.redis.ZAddGT(ctx, under.activity.name, redis.Z{Score: entry.Score, Member: under.id.String()}).Err()
		return err == nil, err
	}}}, nil
}

// memberPosition parses the 16 digits at the beginning of a log's member. It returns false where they are no position.
func memberPosition(member string) (int64, bool) {
	if len(member) < layout.PositionDigits {
		return 0, false
	}
	p, err := strconv.ParseUint(member[:layout.PositionDigits], 10, 53)
	return int64(p), err == nil && p <= chat.MaxSendTime
}
