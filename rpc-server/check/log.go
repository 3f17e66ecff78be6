package check

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

//go:embed scripts/add_ids.lua
var addIDsSource string

var addIDsScript = redis.NewScript(addIDsSource)

// logged is a message with an id, whose entries in ids are looked up.
type logged struct {
	position int64
	member   string
	owner    string // "sender/id"
	digest   string // "" for a changed message, because the digest is of the original text
}

// judgeLog judges a page of a log, and whether ids has its ids.
func (c *Checker) judgeLog(ctx context.Context, under checkedChat, page checkPage) ([]finding, tally, error) {
	var found []finding
	var withID []logged
	var reacted []chat.Message
	var counts tally
	add := func(kind FaultKind, position int64, times int64, detail string) {
		fault := Fault{Kind: kind, Key: under.log.name, Position: position, Detail: detail}
		found = append(found, finding{Fault: fault, times: times})
	}
	for i, z := range page.entries {
		member, _ := z.Member.(string)
		counts.messages++
		counts.bytes += int64(len(member))
		at, _ := position(z.Score)
		if i > 0 && page.entries[i-1].Score == z.Score {
			add(FaultLogShared, at, 1, "another entry has the score "+redisnode.FormatScore(z.Score))
		}
		m, kind, err := judgeMember(under.id, z.Score, member)
		switch {
		case err != nil:
			add(kind, at, 1, err.Error())
			continue
		case m.State != nil && len(m.State.Reactions) > 0:
			reacted = append(reacted, m)
		}
		if m.ID != "" {
			digest := layout.TextDigest(m.Text)
			if m.Changed() {
				digest = ""
			}
			withID = append(withID, logged{m.SendTime, member, layout.IDEntry(m.Sender, m.ID), digest})
		}
	}
	if page.left > 0 {
		at, _ := position(page.entries[0].Score)
		add(FaultLogShared, at, page.left, "so many more entries have this score that they are not read")
		counts.messages += page.left
	}
	wrong, err := c.judgeReactions(ctx, under.id, reacted)
	if found = append(found, wrong...); err != nil || under.ids.broken {
		return found, counts, err
	}
	missing, err := c.judgeMissing(ctx, under, withID)
	return append(found, missing...), counts, err
}

// judgeMember judges one entry by itself. With an error it also returns the fault's kind.
func judgeMember(id chat.ID, at float64, member string) (chat.Message, FaultKind, error) {
	m, err := layout.DecodeMember(member)
	if err != nil {
		return m, FaultLogMember, err
	}
	if p, ok := position(at); !ok || p != m.SendTime {
		return m, FaultLogScore, fmt.Errorf("its digits are %d, its score is %s", m.SendTime, redisnode.FormatScore(at))
	}
	if first, second, pair := id.Users(); pair && m.Sender != first && m.Sender != second && !chat.IsService(m) {
		return m, FaultLogSender, fmt.Errorf("its sender is %q", m.Sender)
	}
	return m, "", nil
}

// windowEdge is left out at the old end of the window, where entries are about to be removed.
const windowEdge = time.Second

// judgeMissing looks up the entries of messages in ids. Messages are read before and the time after, so a message
// inside the window was inside it when ids was read.
func (c *Checker) judgeMissing(ctx context.Context, under checkedChat, withID []logged) ([]finding, error) {
	oldest := func() int64 { return c.knownTime - (c.options.IdempotencyWindow - windowEdge).Microseconds() }
	if len(withID) == 0 || c.options.IdempotencyWindow <= windowEdge || withID[len(withID)-1].position < oldest() {
		return nil, nil
	}
	entries := make([]string, 0, 2*len(withID))
	for _, m := range withID {
		entries = append(entries, m.owner, m.digest+m.owner)
	}
	scores, err := c.redis.ZMScore(ctx, under.ids.name, entries...).Result() // 0 where an entry is not there
	if err != nil {
		return nil, fmt.Errorf("look up ids in %s: %w", under.ids.name, err)
	}
	now, err := c.redisTime(ctx, under.ids.name)
	if err != nil {
		return nil, fmt.Errorf("time of redis: %w", err)
	}
	c.knownTime = now.UnixMicro()
	var found []finding
	for i, m := range withID {
		if m.position < oldest() || m.position > c.knownTime { // the clock was set back: nothing can be concluded
			continue
		}
		if f, wrong := c.judgeEntries(under, m, scores[2*i], scores[2*i+1]); wrong {
			found = append(found, f)
		}
	}
	return found, nil
}

// judgeEntries judges the two scores that ids has for a message within the window; 0 means no entry.
func (c *Checker) judgeEntries(under checkedChat, m logged, plain, twin float64) (finding, bool) {
	fault := Fault{Kind: FaultIDsMissing, Key: under.ids.name, Position: m.position}
	switch {
	case plain != 0 && plain != float64(m.position):
		fault.Kind, fault.Detail = FaultIDRepeated, fmt.Sprintf("%q is known at %s too", m.owner, redisnode.FormatScore(plain))
		return finding{Fault: fault}, true
	case plain != 0 && (twin != 0 || m.digest == ""):
		return finding{}, false
	case plain != 0:
		fault.Detail = fmt.Sprintf("%q is there, but not with its digest", m.owner)
	case twin != 0:
		fault.Detail = fmt.Sprintf("%q is there with its digest only", m.owner)
	default:
		fault.Detail = fmt.Sprintf("%q is not there", m.owner)
	}
	return finding{Fault: fault, mend: func(ctx context.Context) (bool, error) {
		added, err := c.addIDs(ctx, under, m)
		return added > 0, err
	}}, true
}

// addIDs runs add_ids.lua.
func (c *Checker) addIDs(ctx context.Context, under checkedChat, m logged) (int, error) {
	return addIDsScript.Run(ctx, c.redis, []string{under.log.name, under.ids.name},
		strconv.FormatInt(m.position, 10), m.member, m.owner, m.digest, c.options.IdempotencyWindow.Microseconds()).Int()
}

// redisTime reads the clock of the node that has a key.
func (c *Checker) redisTime(ctx context.Context, key string) (time.Time, error) {
	if cluster, ok := c.redis.(*redis.ClusterClient); ok {
		node, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return time.Time{}, err
		}
		return node.Time(ctx).Result()
	}
	return c.redis.Time(ctx).Result()
}
