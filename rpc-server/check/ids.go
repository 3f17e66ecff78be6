package check

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// pointer is all entries of one id at one position.
type pointer struct {
	owner   string   // "sender/id"
	plain   bool     // the entry without a digest is there
	digests []string // those of the entries with one
}

// pointed are the ids at one position: one, where all is sound.
type pointed struct {
	position int64
	ids      []*pointer
}

// judgeIDs judges each entry in a page of ids, and the message that it points at.
func (c *Checker) judgeIDs(ctx context.Context, under checkedChat, page checkPage) ([]finding, tally, error) {
	var found []finding
	add := func(kind FaultKind, position int64, times int64, detail string) {
		fault := Fault{Kind: kind, Key: under.ids.name, Position: position, Detail: detail}
		found = append(found, finding{Fault: fault, times: times})
	}
	var counts tally
	var all []*pointed
	for _, z := range page.entries {
		entry, _ := z.Member.(string)
		digest, owner, err := layout.ParseIDEntry(entry)
		at, ok := position(z.Score)
		switch {
		case err != nil:
			add(FaultIDsEntry, at, 1, err.Error())
			continue
		case !ok:
			add(FaultIDsEntry, 0, 1, fmt.Sprintf("entry %q has the score %s", entry, redisnode.FormatScore(z.Score)))
			continue
		}
		if len(all) == 0 || all[len(all)-1].position != at {
			all = append(all, &pointed{position: at})
		}
		id := all[len(all)-1].id(owner)
		if digest == "" {
			id.plain = true
			counts.ids++
		} else {
			id.digests = append(id.digests, digest)
		}
	}
	if page.left > 0 {
		at, _ := position(page.entries[0].Score)
		add(FaultIDsEntry, at, page.left, "so many more entries have this score that they are not read")
	}
	if under.log.broken || len(all) == 0 {
		return found, counts, nil
	}
	return found, counts, c.judgePointed(ctx, under, all, add)
}

func (p *pointed) id(owner string) *pointer {
	for _, id := range p.ids {
		if id.owner == owner {
			return id
		}
	}
	p.ids = append(p.ids, &pointer{owner: owner})
	return p.ids[len(p.ids)-1]
}

// judgePointed looks up the messages. The ids were read earlier, so their messages existed then. The log's oldest is
// read later, so trimmed messages are below it.
func (c *Checker) judgePointed(ctx context.Context, under checkedChat, all []*pointed, add func(FaultKind, int64, int64, string)) error {
	members := make([]*redis.StringSliceCmd, len(all))
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, at := range all {
			members[i] = p.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: under.log.name, ByScore: true, Start: at.position, Stop: at.position, Count: 2,
			})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up messages in %s: %w", under.log.name, err)
	}
	first, err := c.redis.ZRangeWithScores(ctx, under.log.name, 0, 0).Result()
	if err != nil {
		return fmt.Errorf("oldest of %s: %w", under.log.name, err)
	}
	for i, at := range all {
		trimmed := len(first) == 0 || float64(at.position) < first[0].Score
		for _, id := range at.ids {
			if kind, detail := judgePointer(id, members[i].Val(), trimmed); kind != "" {
				add(kind, at.position, 1, detail)
			}
		}
	}
	return nil
}

// judgePointer judges an id by the log's members at its position. Without members, it checks whether trimming has
// removed them.
func judgePointer(id *pointer, members []string, trimmed bool) (FaultKind, string) {
	if len(members) == 0 {
		switch {
		case !trimmed:
			return FaultIDsLost, fmt.Sprintf("%q points at no message", id.owner)
		case !id.plain:
			return FaultIDsTwin, fmt.Sprintf("%q has only its digest", id.owner)
		case len(id.digests) == 0:
			return FaultIDsTwin, fmt.Sprintf("%q has no digest", id.owner)
		}
		return "", ""
	}
	for _, member := range members {
		m, err := layout.DecodeMember(member)
		if err != nil || owns(m, id) {
			return "", "" // an unreadable entry is reported with the log
		}
	}
	return FaultIDsWrong, fmt.Sprintf("%q points at another message", id.owner)
}

func owns(m chat.Message, id *pointer) bool {
	if m.ID == "" || layout.IDEntry(m.Sender, m.ID) != id.owner {
		return false
	}
	if m.Changed() { // the digest is of the original text
		return true
	}
	for _, digest := range id.digests {
		if digest != layout.TextDigest(m.Text) {
			return false
		}
	}
	return true
}
