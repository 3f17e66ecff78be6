package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var (
	deleteAccountScript = script("delete_account")
	eraseScript         = script("erase")
	forgetScript        = script("forget")
)

var _ chat.DeletionStore = (*Store)(nil)

// including returns the jobs that include a job: those that erase include one that keeps. A first run does not include the
// last one: its end makes the last run due and removes the first, so a server that saw the first would remove both.
func including(job chat.DeletionJob) (members []string) {
	if job.Erase {
		return nil
	}
	for _, last := range []bool{false, true} {
		members = append(members, layout.FormatJob(chat.DeletionJob{User: job.User, Erase: true, Last: last}))
	}
	return members
}

// CloseAccount implements chat.DeletionStore.
func (s *Store) CloseAccount(ctx context.Context, user string) error {
	tried := "delete the account of " + user
	if err := s.revoke(ctx, user); err != nil { // first, so that no crash leaves tokens of a user who is gone
		return userError(tried, err)
	}
	_, err := s.runUser(ctx, deleteAccountScript, []string{s.keys.Account(user), s.keys.Sessions(user)}, s.now())
	if err != nil {
		return userError(tried, err)
	}
	users := s.keys.Users()
	return userError(tried, s.write(ctx, users, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZRem(ctx, users, user)
	}))
}

// dueIn keeps a job that is due after a time.
func (s *Store) dueIn(ctx context.Context, job chat.DeletionJob, after time.Duration) error {
	key := s.keys.Deletions()
	due := redis.Z{Member: layout.FormatJob(job), Score: float64(time.Now().Add(after).UnixMicro())}
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZAdd(ctx, key, due)
	})
	return userError("keep the deletion of "+job.User, err)
}

// KeepDeletion implements chat.DeletionStore.
func (s *Store) KeepDeletion(ctx context.Context, job chat.DeletionJob) error {
	return s.dueIn(ctx, job, chat.DeletionLease)
}

// DueDeletions implements chat.DeletionStore.
func (s *Store) DueDeletions(ctx context.Context, limit int) ([]chat.DeletionJob, error) {
	if err := s.CheckPartitions(ctx); err != nil {
		return nil, err
	}
	key := s.keys.Deletions()
	due := redis.ZRangeArgs{
		Key: key, ByScore: true, Start: "-inf", Stop: strconv.FormatInt(time.Now().UnixMicro(), 10), Count: int64(limit),
	}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "look for deletions", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgs(ctx, due)
		return call
	})
	if err != nil {
		return nil, err
	}
	var jobs []chat.DeletionJob
	for _, member := range call.Val() {
		job, known := layout.ParseJob(member)
		if !known {
			continue // a check names it
		}
		included, err := s.isIncluded(ctx, job)
		if err == nil && included {
			err = s.forgetJob(ctx, job)
		} else if err == nil {
			err = s.dueIn(ctx, job, chat.DeletionLease)
		}
		if err != nil {
			return jobs, err
		}
		if !included {
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// isIncluded says whether there is a job that includes another.
func (s *Store) isIncluded(ctx context.Context, job chat.DeletionJob) (bool, error) {
	key, members := s.keys.Deletions(), including(job)
	if len(members) == 0 {
		return false, nil
	}
	var call *redis.FloatSliceCmd
	err := s.callOne(ctx, "look for deletions", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZMScore(ctx, key, members...)
		return call
	})
	return err == nil && slices.ContainsFunc(call.Val(), func(due float64) bool { return due > 0 }), err
}

func (s *Store) forgetJob(ctx context.Context, job chat.DeletionJob) error {
	key := s.keys.Deletions()
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZRem(ctx, key, layout.FormatJob(job))
	})
	return userError("end the deletion of "+job.User, err)
}

// ChatsOf implements chat.DeletionStore.
func (s *Store) ChatsOf(ctx context.Context, user string) ([]chat.ID, error) {
	key := s.keys.Chats(user)
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "list where "+user+" was", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRange(ctx, key, 0, -1)
		return call
	})
	if err != nil {
		return nil, err
	}
	return parseIDs(call.Val()), nil
}

// erasedAtOnce is how many messages of a log are looked at in one step.
const erasedAtOnce = 500

// EraseTexts implements chat.DeletionStore with erase.lua.
func (s *Store) EraseTexts(ctx context.Context, id chat.ID, user string, from int64) (int64, error) {
	tried := fmt.Sprintf("erase what %s wrote in %s", user, id)
	key, ids, _ := s.keys.Append(id)
	part := redis.ZRangeArgs{
		Key: key, ByScore: true, Start: strconv.FormatInt(from, 10), Stop: "+inf", Count: erasedAtOnce,
	}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgs(ctx, part)
		return call
	})
	if err != nil {
		return 0, err
	}
	var replaced []any
	next := int64(0)
	for _, member := range call.Val() {
		m, err := layout.DecodeMember(member)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", tried, err)
		}
		next = m.SendTime + 1
		if m.Sender != user || m.Notice != nil && !m.Notice.IsChange() || (m.Erased || m.Notice != nil) && m.ID == "" {
			continue // earlier releases kept ids of erased messages
		}
		replaced = append(replaced, member, erasedMember(member, m), truth(m.ID != ""))
	}
	if len(replaced) > 0 || from <= 1 { // the first part removes also earlier texts of messages that are gone
		switch changed, err := s.runUser(ctx, eraseScript, []string{key, ids, s.keys.Edits(id), s.keys.Room(id)}, replaced...); {
		case err != nil:
			return 0, userError(tried, err)
		case changed > 0: // meanwhile: the part is read again
			return max(from, 1), nil
		}
	}
	if len(call.Val()) < erasedAtOnce {
		next = 0
	}
	return next, nil
}

// erasedMember returns the member without a text that replaces a message, or the entry of its change.
func erasedMember(member string, m chat.Message) string {
	m.ID = ""
	if m.Notice == nil {
		m.Text, m.Erased, m.Content = "", true, m.Content.Erased()
	}
	return string(layout.AppendEncoded([]byte(member[:layout.PositionDigits]), m))
}

// ForgetReader implements chat.DeletionStore with forget.lua.
func (s *Store) ForgetReader(ctx context.Context, id chat.ID, user string) error {
	_, err := s.runUser(ctx, forgetScript, []string{s.keys.Read(id), s.keys.Delivered(id)}, user)
	return userError(fmt.Sprintf("forget how far %s has read %s", user, id), err)
}

// EndDeletion implements chat.DeletionStore.
func (s *Store) EndDeletion(ctx context.Context, job chat.DeletionJob) error {
	lists := []string{s.keys.Ignored(job.User), s.keys.Spent(job.User), s.keys.Seen(job.User), s.keys.Subscriptions(job.User), s.keys.Muted(job.User)}
	if job.Last {
		lists = append(lists, s.keys.Chats(job.User), s.keys.Files(job.User))
	}
	tried := "remove the lists of " + job.User
	if err := s.removeWebhooksOf(ctx, job.User); err != nil {
		return err
	}
	if job.Erase { // before the list goes
		if err := s.lookAtFiles(ctx, job.User); err != nil {
			return userError(tried, err)
		}
	}
	if job.Last && !job.Erase { // before the list goes
		account := s.keys.Account(job.User)
		err := s.write(ctx, account, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			return pipeline.HSet(ctx, account, layout.KeptField, 1)
		})
		if err != nil {
			return userError(tried, err)
		}
	}
	for _, key := range lists {
		err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return pipeline.Unlink(ctx, key) })
		if err != nil {
			return userError(tried, err)
		}
	}
	if err := s.unlistPushed(ctx, job.User); err != nil {
		return userError(tried, err)
	}
	if err := s.forgetSuspension(ctx, job.User); err != nil {
		return userError(tried, err)
	}
	if !job.Last {
		again := job
		again.Last = true
		if err := s.dueIn(ctx, again, chat.DeletionSettles); err != nil {
			return err
		}
	}
	return s.forgetJob(ctx, job)
}
