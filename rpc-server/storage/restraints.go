package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// refused decodes the outcomes of restraint.lua; nil for any other.
func refused(id chat.ID, user string, outcome int64) error {
	switch {
	case outcome == outcomeAnnounced:
		return chat.Announced(id)
	case outcome <= outcomeTooSoon:
		return chat.TooSoon(id, time.Duration(outcomeTooSoon-outcome)*time.Microsecond)
	case outcome <= outcomeBanned:
		return chat.Banned(id, user, outcomeBanned-outcome)
	case outcome <= outcomeMuted:
		return chat.Muted(id, user, outcomeMuted-outcome)
	}
	return nil
}

// readRestrained fills in the restraints of the requested users, of those rooms that have any.
func (s *Store) readRestrained(ctx context.Context, queries []chat.RoomQuery, reads []roomRead, rooms []chat.StoredRoom) error {
	var restricted []int
	for i := range reads {
		if reads[i].restricted && len(queries[i].Users) > 0 {
			restricted = append(restricted, i)
		}
	}
	if len(restricted) == 0 {
		return nil
	}
	calls := make([]*redis.SliceCmd, len(restricted))
	errs := s.nodes.Calls(ctx, len(restricted), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			q := queries[restricted[i]]
			calls[i] = pipeline.HMGet(ctx, s.keys.Restraints(q.Room), restraintFields(q.Users)...)
			return calls[i]
		},
		Key: func(i int) string { return s.keys.Restraints(queries[restricted[i]].Room) },
	})
	if err := errors.Join(errs...); err != nil {
		return callError("read who is banned or muted", err)
	}
	for i, k := range restricted {
		fields := restraintFields(queries[k].Users)
		for at, value := range calls[i].Val() {
			text, set := value.(string)
			if !set {
				continue
			}
			restraint, known := layout.ParseRestraint(fields[at], text)
			if !known {
				return fmt.Errorf("read room %s: %s is %q", queries[k].Room, fields[at], text)
			}
			if restraint.InEffect(s.clock().UnixMicro()) {
				rooms[k].Restraints = append(rooms[k].Restraints, restraint)
			}
		}
	}
	return nil
}

// restraintFields are the fields of the bans and mutes of users.
func restraintFields(users []string) []string {
	fields := make([]string, 0, 2*len(users))
	for _, user := range users {
		fields = append(fields, layout.RestraintField(chat.Ban, user), layout.RestraintField(chat.Mute, user))
	}
	return fields
}

// ReadRestraints implements chat.RoomStore.
func (s *Store) ReadRestraints(ctx context.Context, id chat.ID) ([]chat.Restraint, error) {
	key, tried := s.keys.Restraints(id), fmt.Sprintf("read the bans and mutes of %s", id)
	var call *redis.MapStringStringCmd
	err := s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HGetAll(ctx, key)
		return call
	})
	if err != nil {
		return nil, err
	}
	var all []chat.Restraint
	for field, value := range call.Val() {
		restraint, known := layout.ParseRestraint(field, value)
		if !known {
			return nil, fmt.Errorf("%s: %s is %q", tried, field, value)
		}
		if restraint.InEffect(s.clock().UnixMicro()) {
			all = append(all, restraint)
		}
	}
	return all, nil
}
