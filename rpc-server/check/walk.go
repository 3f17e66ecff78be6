package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// finding is a fault that has not been counted yet.
type finding struct {
	Fault
	of    string                              // the entry of the key, where the fault has no position
	times int64                               // its weight in the count; 0 means 1
	mend  func(context.Context) (bool, error) // nil where no repair is safe; it returns false where the repair came too late
}

// checkPage is consecutive entries of a sorted set, with all entries of each score. Only a score that fills a page is
// cut off.
type checkPage struct {
	entries []redis.Z
	left    int64  // entries with the last score that are not in the page
	next    string // where the next page starts; "" at the end
}

// readPage reads the page at c.resume. Its cost does not depend on the set's size.
func (c *Checker) readPage(ctx context.Context, key string) (checkPage, error) {
	from, size := c.resume.From, c.options.PageSize
	entries, err := c.redis.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
		Key: key, ByScore: true, Start: from, Stop: c.resume.To, Count: int64(size),
	}).Result()
	switch {
	case err != nil:
		return checkPage{}, fmt.Errorf("read %s: %w", printable(key), err)
	case len(entries) < size:
		return checkPage{entries: entries}, nil
	}
	last := entries[size-1].Score
	end := slices.IndexFunc(entries, func(z redis.Z) bool { return z.Score == last })
	if end > 0 {
		return checkPage{entries: entries[:end], next: redisnode.FormatScore(last)}, nil
	}
	count, err := c.redis.ZCount(ctx, key, redisnode.FormatScore(last), redisnode.FormatScore(last)).Result()
	if err != nil {
		return checkPage{}, fmt.Errorf("count %s: %w", printable(key), err)
	}
	return checkPage{entries: entries, left: max(count-int64(size), 0), next: "(" + redisnode.FormatScore(last)}, nil
}

// judge finds the faults in a page and its contribution to the counts. It only reads.
type judge func(context.Context, checkPage) ([]finding, tally, error)

// walk judges a sorted set from c.resume on. A page's counts and the next page change in one step: after an error the
// page is judged again, except for repairs that were made.
func (c *Checker) walk(ctx context.Context, key string, judge judge) error {
	size, err := c.bound(ctx, key)
	if err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, err := c.readPage(ctx, key)
		if err != nil {
			return err
		}
		found, counts, err := judge(ctx, page)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			if found, err = c.confirm(ctx, key, found, judge); err != nil {
				return err
			}
		}
		if err := c.settle(ctx, found); err != nil {
			return err
		}
		c.report.addTally(counts)
		if page.next == "" {
			return nil
		}
		c.resume.From = page.next
		c.resume.Read += float64(len(page.entries))
		part := min(c.resume.Read/float64(max(size, 1)), 1) / 2
		if c.resume.Stage == stageIDs {
			part += 0.5 // the log was the first half
		}
		c.progress(part)
	}
}

// bound sets the ends of a walk that has not begun, and returns the set's size. The walk ends at the entry that is
// newest now; otherwise it might never end while servers append.
func (c *Checker) bound(ctx context.Context, key string) (size int64, err error) {
	var count *redis.IntCmd
	var newest *redis.ZSliceCmd
	_, err = c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		count = p.ZCard(ctx, key)
		newest = p.ZRevRangeWithScores(ctx, key, 0, 0)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", printable(key), err)
	}
	if c.resume.To == "" {
		c.resume.From, c.resume.To = "-inf", "-inf"
		if len(newest.Val()) > 0 {
			c.resume.To = redisnode.FormatScore(newest.Val()[0].Score)
		}
	}
	return count.Val(), nil
}

// confirm reads the page again and keeps the faults that are found again.
func (c *Checker) confirm(ctx context.Context, key string, found []finding, judge judge) ([]finding, error) {
	page, err := c.readPage(ctx, key)
	if err != nil {
		return nil, err
	}
	again, _, err := judge(ctx, page)
	if err != nil {
		return nil, err
	}
	return stillThere(found, again), nil
}

// stillThere returns the findings that were found twice.
func stillThere(found, again []finding) []finding {
	type findingKey struct {
		kind     FaultKind
		key, of  string
		position int64
	}
	still := make(map[findingKey]bool, len(again))
	for _, f := range again {
		still[findingKey{f.Kind, f.Key, f.of, f.Position}] = true
	}
	return slices.DeleteFunc(found, func(f finding) bool { return !still[findingKey{f.Kind, f.Key, f.of, f.Position}] })
}

// judgeWhole judges a unit at once, and returns its counts. It only reads.
type judgeWhole func(context.Context) ([]finding, tally, error)

// whole judges a small unit, or one that is read without an order. It counts in one step, like a page of walk.
func (c *Checker) whole(ctx context.Context, judge judgeWhole) error {
	found, counts, err := judge(ctx)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		again, _, err := judge(ctx)
		if err != nil {
			return err
		}
		found = stillThere(found, again)
	}
	if err := c.settle(ctx, found); err != nil {
		return err
	}
	c.report.addTally(counts)
	return nil
}

// settle repairs faults where that is allowed and counts all. A repaired fault counts at once, because it will not be
// found again; the others count when all are settled.
func (c *Checker) settle(ctx context.Context, found []finding) error {
	var rest []finding
	for _, f := range found {
		if f.mend == nil || !c.options.Repair {
			rest = append(rest, f)
			continue
		}
		mended, err := f.mend(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("repair %s: %w", printable(f.Key), err)
		case mended:
			f.Repaired = true
			c.report.addFault(f.Fault, 1)
		default:
			rest = append(rest, f)
		}
	}
	for _, f := range rest {
		c.report.addFault(f.Fault, max(f.times, 1))
	}
	return nil
}

// stage advances to a stage of the present unit. It returns false if the unit is past that stage.
func (c *Checker) stage(stage int) bool {
	if c.resume.Stage > stage {
		return false
	}
	if c.resume.Stage < stage {
		c.resume = resumePoint{Unit: c.resume.Unit, Stage: stage}
	}
	return true
}

// position converts a score to a message's position; false where it is none.
func position(score float64) (int64, bool) {
	p := int64(score)
	return p, score >= 0 && score <= chat.MaxSendTime && float64(p) == score
}
