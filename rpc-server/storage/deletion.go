package storage

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

//go:embed scripts/delete_account.lua
var deleteAccountSource string

//go:embed scripts/erase.lua
var eraseSource string

//go:embed scripts/forget.lua
var forgetSource string

var (
	deleteAccountScript = redis.NewScript(deleteAccountSource)
	eraseScript         = redis.NewScript(eraseSource)
	forgetScript        = redis.NewScript(forgetSource)
)

// deletionSources are the scripts of deletions.
var deletionSources = []string{deleteAccountSource, eraseSource, forgetSource}

var _ chat.DeletionStore = (*Store)(nil)

// What a job's member of im:deletions says.
const (
	eraseTexts, keepTexts = "erase", "keep"
	firstTime, secondTime = "first", "last"
)

func formatJob(job chat.DeletionJob) string {
	texts, time := keepTexts, firstTime
	if job.Erase {
		texts = eraseTexts
	}
	if job.Last {
		time = secondTime
	}
	return job.User + " " + texts + " " + time
}

func parseJob(member string) (chat.DeletionJob, bool) {
	parts := strings.Split(member, " ")
	if len(parts) != 3 {
		return chat.DeletionJob{}, false
	}
	job := chat.DeletionJob{User: parts[0], Erase: parts[1] == eraseTexts, Last: parts[2] == secondTime}
	return job, formatJob(job) == member
}

// BeginDeletion implements chat.DeletionStore. The job is kept first: what an account had is found by it after a crash.
func (s *Store) BeginDeletion(ctx context.Context, job chat.DeletionJob) error {
	tried := "delete the account of " + job.User
	if err := s.dueIn(ctx, job, chat.DeletionLease); err != nil {
		return err
	}
	_, err := s.runUser(ctx, deleteAccountScript, []string{s.keys.account(job.User), s.keys.sessions(job.User)}, s.now())
	if err != nil {
		return userError(tried, err)
	}
	users := s.keys.users()
	return userError(tried, s.write(ctx, users, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZRem(ctx, users, job.User)
	}))
}

// dueIn keeps a job that is due after a time.
func (s *Store) dueIn(ctx context.Context, job chat.DeletionJob, after time.Duration) error {
	key := s.keys.deletions()
	due := redis.Z{Member: formatJob(job), Score: float64(time.Now().Add(after).UnixMicro())}
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
	key := s.keys.deletions()
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
		job, known := parseJob(member)
		if !known {
			continue // a check names it
		}
		if err := s.dueIn(ctx, job, chat.DeletionLease); err != nil {
			return jobs, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// Traces implements chat.DeletionStore.
func (s *Store) Traces(ctx context.Context, user string) ([]chat.ID, error) {
	key := s.keys.chats(user)
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
	key, ids, _ := s.keys.append(id)
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
		m, err := decodeMember(member)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", tried, err)
		}
		next = m.SendTime + 1
		if m.Sender == user && m.Notice == nil && !m.Erased {
			erased := m
			erased.Text, erased.Erased = "", true
			replaced = append(replaced, member, member[:positionDigits]+string(encode(erased)), twin(m), twin(erased))
		}
	}
	if len(replaced) > 0 {
		if _, err := s.runUser(ctx, eraseScript, []string{key, ids}, replaced...); err != nil {
			return 0, userError(tried, err)
		}
	}
	if len(call.Val()) < erasedAtOnce {
		next = 0
	}
	return next, nil
}

// ForgetReader implements chat.DeletionStore with forget.lua.
func (s *Store) ForgetReader(ctx context.Context, id chat.ID, user string) error {
	_, err := s.runUser(ctx, forgetScript, []string{s.keys.read(id)}, user)
	return userError(fmt.Sprintf("forget how far %s has read %s", user, id), err)
}

// EndDeletion implements chat.DeletionStore.
func (s *Store) EndDeletion(ctx context.Context, job chat.DeletionJob) error {
	lists := []string{s.keys.ignored(job.User)}
	if job.Last {
		lists = append(lists, s.keys.chats(job.User))
	}
	tried := "remove the lists of " + job.User
	for _, key := range lists {
		err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return pipeline.Unlink(ctx, key) })
		if err != nil {
			return userError(tried, err)
		}
	}
	if !job.Last {
		again := job
		again.Last = true
		if err := s.dueIn(ctx, again, chat.DeletionSettles); err != nil {
			return err
		}
	}
	key := s.keys.deletions()
	return userError(tried, s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZRem(ctx, key, formatJob(job))
	}))
}
