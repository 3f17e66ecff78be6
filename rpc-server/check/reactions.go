package check

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// judgeReactions compares the counts of messages with the reactions of their chat: one command for each emoji, in one pipeline.
func (c *Checker) judgeReactions(ctx context.Context, id chat.ID, reacted []chat.Message) ([]finding, error) {
	if len(reacted) == 0 {
		return nil, nil
	}
	key := c.keys.Reactions(id)
	if wrong, err := c.wrongTypes(ctx, "zset", key); err != nil || len(wrong) > 0 {
		return nil, err // its own unit reports it
	}
	var counts []*redis.IntCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range reacted {
			for _, r := range reacted[i].State.Reactions {
				prefix := layout.ReactionPrefix(reacted[i].SendTime, r.Emoji)
				counts = append(counts, p.ZLexCount(ctx, key, "["+prefix, "("+prefix+layout.AfterReactions))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count reactions in %s: %w", key, err)
	}
	var found []finding
	for i := range reacted {
		for _, r := range reacted[i].State.Reactions {
			if users := counts[0].Val(); users != int64(r.Count) {
				detail := fmt.Sprintf("the message counts %d users for %q, the chat has %d", r.Count, r.Emoji, users)
				found = append(found, finding{Fault: Fault{Kind: FaultReactions, Key: key, Position: reacted[i].SendTime, Detail: detail}})
			}
			counts = counts[1:]
		}
	}
	return found, nil
}
