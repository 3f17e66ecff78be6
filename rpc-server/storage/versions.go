package storage

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var versionsScript = script("log", "restraint", "change", "versions")

// earlierEntry is the member of edits for the text that an amendment keeps, or "".
func earlierEntry(a chat.Amendment) string {
	if a.Earlier.SendTime == 0 {
		return ""
	}
	return layout.VersionEntry(a.Ref, a.Earlier)
}

// ReadVersions implements chat.ChangeStore with versions.lua.
func (s *Store) ReadVersions(ctx context.Context, q chat.VersionsQuery) (found chat.StoredVersions, err error) {
	tried := fmt.Sprintf("read the history of message %d of %s", q.Ref, q.Chat)
	if err := s.CheckPartitions(ctx); err != nil {
		return found, err
	}
	log := s.keys.Log(q.Chat)
	var call *redis.SliceCmd
	err = s.callOne(ctx, tried, log, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewSliceCmd(ctx, "evalsha", versionsScript.Hash(), 4,
			log, s.keys.Room(q.Chat), s.keys.Members(q.Chat), s.keys.Edits(q.Chat),
			s.now(), fmt.Sprintf("%016d", q.Ref), s.oldestIn(q.Chat, s.oldest()), q.Member, truth(q.Exists),
			layout.VersionsFrom(q.Ref, q.From), q.Limit)
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return found, err
	}
	if found, err = versionsOf(q, call.Val()); err != nil {
		return found, fmt.Errorf("%s: %w", tried, err)
	}
	return found, nil
}

func versionsOf(q chat.VersionsQuery, reply []any) (found chat.StoredVersions, err error) {
	if len(reply) != 4 {
		return found, errFailed
	}
	outcome, _ := reply[0].(int64)
	stored, _ := reply[1].(string)
	role, _ := reply[2].(string)
	earlier, _ := reply[3].([]any)
	if outcome < 0 {
		return found, changeOutcome(chat.TargetQuery{Chat: q.Chat, Member: q.Member}, outcome)
	}
	if stored != "" {
		if found.Message, err = layout.DecodeMember(stored); err != nil {
			return found, err
		}
	}
	if role != "" {
		member, err := layout.ParseMember(q.Member, role)
		if err != nil {
			return found, err
		}
		found.Role = member.Role
	}
	for _, entry := range earlier {
		text, _ := entry.(string)
		_, v, known := layout.ParseVersion(text)
		if !known {
			return found, fmt.Errorf("earlier text %q", text)
		}
		found.Earlier = append(found.Earlier, v)
	}
	return found, nil
}
