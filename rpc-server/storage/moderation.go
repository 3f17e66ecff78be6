package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var (
	suspendScript = script("audit", "suspend")
	restoreScript = script("audit", "restore")
	recordScript  = script("audit", "record")
)

var _ chat.ModerationStore = (*Store)(nil)

// PutSuspension implements chat.ModerationStore with suspend.lua.
func (s *Store) PutSuspension(ctx context.Context, suspension chat.Suspension, e chat.AuditEntry) (since int64, err error) {
	since, err = s.runUser(ctx, suspendScript, []string{s.keys.Suspended(), s.keys.Audit(), s.keys.AuditUsers()},
		suspension.User, layout.FormatSuspension(suspension), layout.FormatAudit(e), s.options.AuditMax, s.now())
	if err == nil {
		s.readSuspended(ctx)
	}
	return since, userError("suspend "+suspension.User, err)
}

// RemoveSuspension implements chat.ModerationStore with restore.lua.
func (s *Store) RemoveSuspension(ctx context.Context, user string, e chat.AuditEntry) error {
	_, err := s.runUser(ctx, restoreScript, []string{s.keys.Suspended(), s.keys.Audit(), s.keys.AuditUsers()}, user, layout.FormatAudit(e), s.options.AuditMax, s.now())
	if err == nil {
		s.readSuspended(ctx)
	}
	return userError("restore "+user, err)
}

// readSuspended has this server know a change at once. Where it fails, the job reads it, as on all other servers.
func (s *Store) readSuspended(ctx context.Context) { _ = s.subscriptions.ReadSuspended(ctx) }

// ReadSuspensions implements chat.ModerationStore.
func (s *Store) ReadSuspensions(ctx context.Context) ([]chat.Suspension, error) {
	key := s.keys.Suspended()
	var call *redis.MapStringStringCmd
	err := s.callOne(ctx, "list the suspended users", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HGetAll(ctx, key)
		return call
	})
	if err != nil {
		return nil, err
	}
	var all []chat.Suspension
	for user, value := range call.Val() {
		if suspension, ok := layout.ParseSuspension(user, value); ok && user != layout.SuspendedVersion {
			all = append(all, suspension)
		}
	}
	return all, nil
}

// IsSuspended implements chat.ModerationStore.
func (s *Store) IsSuspended(ctx context.Context, user string) (bool, error) {
	key := s.keys.Suspended()
	var call *redis.BoolCmd
	err := s.callOne(ctx, "see whether "+user+" is suspended", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HExists(ctx, key, user)
		return call
	})
	return err == nil && call.Val(), err
}

// EndSessions implements chat.ModerationStore.
func (s *Store) EndSessions(ctx context.Context, user string) error {
	key := s.keys.Sessions(user)
	return userError("end the sessions of "+user, s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.Del(ctx, key)
	}))
}

// Record implements chat.ModerationStore with record.lua. Users have a log of their own, so that they cannot push out the
// entries of services.
func (s *Store) Record(ctx context.Context, e chat.AuditEntry) error {
	keys := []string{s.keys.Audit(), s.keys.AuditUsers()}
	if e.ByUser {
		slices.Reverse(keys)
	}
	_, err := s.runUser(ctx, recordScript, keys, layout.FormatAudit(e), s.options.AuditMax, s.now())
	return userError("add to the audit log", err)
}

// ReadSessions implements chat.ModerationStore.
func (s *Store) ReadSessions(ctx context.Context, user string) (map[string]chat.StoredSession, error) {
	key, tried := s.keys.Sessions(user), "read the sessions of "+user
	var call *redis.MapStringStringCmd
	err := s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HGetAll(ctx, key)
		return call
	})
	if err != nil {
		return nil, err
	}
	sessions := make(map[string]chat.StoredSession, len(call.Val()))
	for id, value := range call.Val() {
		if sessions[id], err = layout.ParseSession(value); err != nil {
			return nil, fmt.Errorf("%s: %w", tried, err)
		}
	}
	return sessions, nil
}

// ReadAudit implements chat.ModerationStore. It merges the logs of services and of users. An entry's time is unique in both.
func (s *Store) ReadAudit(ctx context.Context, before int64, limit int) ([]chat.AuditEntry, error) {
	services, err := s.readAudit(ctx, s.keys.Audit(), before, limit)
	if err != nil {
		return nil, err
	}
	users, err := s.readAudit(ctx, s.keys.AuditUsers(), before, limit)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(services, users)
	slices.SortFunc(all, func(a, b chat.AuditEntry) int { return cmp.Compare(b.At, a.At) })
	return all[:min(limit, len(all))], nil
}

func (s *Store) readAudit(ctx context.Context, key string, before int64, limit int) ([]chat.AuditEntry, error) {
	by := &redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(limit)}
	if before > 0 {
		by.Max = "(" + strconv.FormatInt(before, 10)
	}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "read the audit log", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRevRangeByScore(ctx, key, by)
		return call
	})
	if err != nil {
		return nil, err
	}
	entries := make([]chat.AuditEntry, len(call.Val()))
	for i, member := range call.Val() {
		var ok bool
		if entries[i], ok = layout.ParseAudit(member); !ok {
			return nil, fmt.Errorf("read the audit log: %q is no entry", member)
		}
	}
	return entries, nil
}

// forgetSuspension removes the suspension of a user whose account was deleted for good, without an entry.
func (s *Store) forgetSuspension(ctx context.Context, user string) error {
	key := s.keys.Suspended()
	return s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return pipeline.HDel(ctx, key, user) })
}
