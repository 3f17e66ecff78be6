package check

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// checkSuspended judges the suspended users.
func (c *Checker) checkSuspended(ctx context.Context, key string) error {
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "hash", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		stored, err := c.redis.HGetAll(ctx, key).Result()
		if err != nil {
			return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
		}
		found := map[string]finding{}
		for user, value := range stored {
			if user == layout.SuspendedVersion {
				if at, err := strconv.ParseInt(value, 10, 64); err == nil && isPosition(at) {
					continue
				}
			} else if _, ok := layout.ParseSuspension(user, value); ok && isUser(user) {
				continue
			}
			found[user] = finding{Fault: Fault{Kind: FaultModeration, Key: key, Detail: fmt.Sprintf("the suspension of %q cannot be read", user)}, of: user}
		}
		return sorted(found), tally{}, nil
	})
}

// judgeAudit judges the entries of the audit log by themselves.
func (c *Checker) judgeAudit(ctx context.Context, key string) ([]finding, tally, error) {
	found := map[string]finding{}
	err := c.scanSet(ctx, key, func(entry string, at float64) {
		if e, ok := layout.ParseAudit(entry); !ok || float64(e.At) != at {
			detail := fmt.Sprintf("an entry at %s cannot be read, or is of another time", redisnode.FormatScore(at))
			found[entry] = finding{Fault: Fault{Kind: FaultModeration, Key: key, Detail: detail}, of: entry}
		}
	})
	return sorted(found), tally{}, err
}

// checkReports judges the reports, and whether those that are open and resolved are listed as such.
func (c *Checker) checkReports(ctx context.Context, key string) error {
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "hash", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		var stored *redis.MapStringStringCmd
		var open, resolved *redis.StringSliceCmd
		_, err = c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
			stored = p.HGetAll(ctx, key)
			open, resolved = p.ZRange(ctx, c.keys.ReportsOpen(), 0, -1), p.ZRange(ctx, c.keys.ReportsResolved(), 0, -1)
			return nil
		})
		if err != nil {
			return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
		}
		listed := map[string]chat.ReportState{}
		for _, id := range open.Val() {
			listed[id] = chat.ReportOpen
		}
		for _, id := range resolved.Val() {
			listed[id] = chat.ReportResolved
		}
		found := map[string]finding{}
		for id, value := range stored.Val() {
			if r, known := layout.ParseReport(id, value); !known || listed[id] != r.State {
				found[id] = finding{Fault: Fault{Kind: FaultModeration, Key: key, Detail: fmt.Sprintf("the report %q cannot be read, or is not listed", id)}, of: id}
			}
		}
		return sorted(found), tally{}, nil
	})
}
