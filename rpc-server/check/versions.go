package check

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// checkVersions judges the earlier texts of a chat's messages. Those of a message that was deleted must be gone.
func (c *Checker) checkVersions(ctx context.Context, key string, name layout.KeyName) error {
	id, placed := c.placed(key, name)
	if !placed {
		return nil
	}
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "zset", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		found := map[string]finding{}
		for cursor := uint64(0); ; {
			entries, next, err := c.redis.ZScan(ctx, key, cursor, "", int64(c.options.PageSize)).Result()
			if err == nil {
				err = c.judgeVersions(ctx, key, id, entries, found)
			}
			if err != nil {
				return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
			}
			if cursor = next; cursor == 0 {
				return sorted(found), tally{}, nil
			}
		}
	})
}

// judgeVersions judges a page of entries and their scores. The texts are in no report.
func (c *Checker) judgeVersions(ctx context.Context, key string, id chat.ID, entries []string, found map[string]finding) error {
	add := func(of string, position int64, format string, args ...any) {
		found[of] = finding{Fault: Fault{Kind: FaultVersions, Key: key, Position: position, Detail: fmt.Sprintf(format, args...)}, of: of}
	}
	edited := map[int64]*redis.StringSliceCmd{}
	for i := 0; i+1 < len(entries); i += 2 {
		ref, v, ok := layout.ParseVersion(entries[i])
		switch {
		case !ok || ref <= 0 || v.SendTime < ref:
			add(entries[i], 0, "an entry of %d bytes does not begin with the positions of a message and of a text of it", len(entries[i]))
		case entries[i+1] != "0":
			add(entries[i], ref, "an earlier text of this message has the score %s", entries[i+1])
		default:
			edited[ref] = nil
		}
	}
	log := c.keys.Log(id)
	if wrong, err := c.wrongTypes(ctx, "zset", log); err != nil || len(wrong) > 0 || len(edited) == 0 {
		return err // its own unit reports it
	}
	var oldest *redis.ZSliceCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for ref := range edited {
			at := strconv.FormatInt(ref, 10)
			edited[ref] = p.ZRangeByScore(ctx, log, &redis.ZRangeBy{Min: at, Max: at, Count: 1})
		}
		oldest = p.ZRangeWithScores(ctx, log, 0, 0) // after the messages: messages trimmed meanwhile are below it
		return nil
	})
	if err != nil {
		return err
	}
	for ref, call := range edited {
		of := fmt.Sprintf("%0*d", layout.PositionDigits, ref)
		if len(call.Val()) == 0 {
			if first := oldest.Val(); len(first) > 0 && float64(ref) > first[0].Score { // those of trimmed messages stay until the next edit
				add(of, ref, "there are earlier texts of this message, but no message")
			}
			continue
		}
		switch m, err := layout.DecodeMember(call.Val()[0]); {
		case err != nil: // reported with the log
		case m.Notice != nil:
			add(of, ref, "there are earlier texts of this entry, which is a notice")
		case m.Erased:
			add(of, ref, "there are earlier texts of this message, which was deleted or erased")
		}
	}
	return nil
}
