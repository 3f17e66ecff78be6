package storage

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var (
	targetScript = script("log", "restraint", "change", "target")
	amendScript  = script("log", "restraint", "change", "amend")
)

var _ chat.ChangeStore = (*Store)(nil)

// idEntry is a change's entry of ids, or "".
func idEntry(q chat.TargetQuery) string {
	if q.ID == "" {
		return ""
	}
	return layout.IDEntry(q.Sender, q.ID)
}

// ReadTarget implements chat.ChangeStore with target.lua.
func (s *Store) ReadTarget(ctx context.Context, q chat.TargetQuery) (chat.Target, error) {
	tried := fmt.Sprintf("read message %d of %s", q.Ref, q.Chat)
	if err := s.CheckPartitions(ctx); err != nil {
		return chat.Target{}, err
	}
	log, ids, _ := s.keys.Append(q.Chat)
	var call *redis.SliceCmd
	err := s.callOne(ctx, tried, log, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = redis.NewSliceCmd(ctx, "evalsha", targetScript.Hash(), 5,
			log, ids, s.keys.Room(q.Chat), s.keys.Members(q.Chat), s.keys.Reactions(q.Chat),
			s.now(), s.options.IdempotencyWindow.Microseconds(), fmt.Sprintf("%016d", q.Ref), s.oldestIn(q.Chat, s.oldest()),
			idEntry(q), layout.TextDigest(q.Digest), q.Member, truth(q.Exists), q.Sender, q.Emoji, chat.ReactionUsers+1, truth(q.Speaks))
		_ = pipeline.Process(ctx, call)
		return call
	})
	if err != nil {
		return chat.Target{}, err
	}
	t, err := targetOf(q, call.Val())
	if err != nil {
		return chat.Target{}, fmt.Errorf("%s: %w", tried, err)
	}
	return t, nil
}

func targetOf(q chat.TargetQuery, reply []any) (t chat.Target, err error) {
	if len(reply) != 7 {
		return t, errFailed
	}
	outcome, _ := reply[0].(int64)
	t.Now, _ = reply[1].(int64)
	t.Stored, _ = reply[2].(string)
	role, _ := reply[3].(string)
	reacted, _ := reply[4].(int64)
	count, _ := reply[5].(int64)
	users, _ := reply[6].([]any)
	if outcome < 0 {
		return t, changeOutcome(q, outcome)
	}
	t.Duplicate = outcome
	if t.Stored != "" {
		if t.Message, err = layout.DecodeMember(t.Stored); err != nil {
			return t, err
		}
	}
	if role != "" {
		member, err := layout.ParseMember(q.Sender, role)
		if err != nil {
			return t, err
		}
		t.Role = member.Role
	}
	t.Reactors.Own, t.Reactors.Count = reacted == 1, int(count)
	for _, user := range users {
		if name, ok := user.(string); ok {
			t.Reactors.First = append(t.Reactors.First, name)
		}
	}
	return t, nil
}

// changeOutcome decodes an outcome of change.lua that is not a position.
func changeOutcome(q chat.TargetQuery, outcome int64) error {
	if outcome == outcomeAmended {
		return chat.ErrAmended
	}
	member := chat.Append{Chat: q.Chat, Member: q.Member}
	_, err := appended(&member, outcome)
	return err
}

// Amend implements chat.ChangeStore with amend.lua.
func (s *Store) Amend(ctx context.Context, a chat.Amendment) (chat.Appended, error) {
	tried := fmt.Sprintf("change message %d of %s", a.Ref, a.Chat)
	outcome, err := s.runUser(ctx, amendScript, s.amendKeys(a.Chat), s.amendArgs(a)...)
	switch {
	case err != nil:
		return chat.Appended{}, changeError(tried, err)
	case outcome > 0:
		return chat.Appended{SendTime: outcome}, nil
	case outcome < 0 && outcome >= -chat.MaxCursor:
		return chat.Appended{SendTime: -outcome, Duplicate: true}, nil
	}
	return chat.Appended{}, changeOutcome(a.TargetQuery, outcome)
}

func (s *Store) amendKeys(id chat.ID) []string {
	log, ids, activity := s.keys.Append(id)
	return []string{activity, log, ids, s.keys.Room(id), s.keys.Members(id), s.keys.Reactions(id), s.keys.LookAt(s.keys.Partition(id)), s.keys.Edits(id)}
}

func (s *Store) amendArgs(a chat.Amendment) []any {
	reaction := ""
	switch {
	case a.Reacts:
		reaction = "+"
	case a.Retract:
		reaction = "-"
	case a.Forget:
		reaction = "0"
	}
	position := a.Stored[:layout.PositionDigits]
	return []any{
		s.now(), s.options.IdempotencyWindow.Microseconds(), a.Chat.String(), idEntry(a.TargetQuery), layout.TextDigest(a.Digest),
		a.Member, truth(a.Exists), string(a.Role), a.Sender, a.Stored, string(layout.AppendEncoded([]byte(position), a.Message)),
		string(layout.Encode(a.Entry)), string(layout.Encode(a.Shown)), s.publish, s.keys.Of(a.Chat).Hints,
		strconv.FormatInt(s.options.Retention.Microseconds(), 10), s.options.MaxChatMessages, reaction, a.Emoji, a.Detach, truth(a.Speaks),
		earlierEntry(a), truth(a.Bury),
	}
}

// changeError is userError for a change, which may have been made: the same id settles that.
func changeError(tried string, err error) error {
	const settle = "it is unknown whether the message was changed; try again with the same id to be sure"
	switch cause := fmt.Errorf("%s: %w", tried, err); {
	case redisnode.TimedOut(err) && !redisnode.NeverSent(err):
		return chat.Wrap(cause, chat.DeadlineExceeded, "redis took too long; "+settle)
	case redisnode.Interrupted(err) && !redisnode.NeverSent(err):
		return chat.Wrap(cause, chat.Unavailable, "the connection to redis broke; "+settle)
	}
	return userError(tried, err)
}
