package storage

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// The lists of users' chats and of public rooms lie in other slots than the rooms, so no script changes both. A room is
// put into a list before it belongs there. It is removed after a check that it does not belong there. It stays if a
// server put it there again, or did so within listedFor: that server may be about to make it belong there. Readers skip
// rooms that do not belong in the list.

// listedFor is far longer than a change takes.
const listedFor = time.Minute

// listBefore puts a room into the lists of those who are about to become members, and of public rooms.
func (s *Store) listBefore(ctx context.Context, e chat.RoomEdit) error {
	var users []string
	for _, m := range e.Set {
		if m.Since == 0 {
			users = append(users, m.User)
		}
	}
	keys := make([]string, 0, len(users)+1)
	for _, user := range users {
		keys = append(keys, s.keys.Chats(user))
	}
	if e.Visibility == chat.Public {
		keys = append(keys, s.keys.PublicRooms())
	}
	listed := float64(time.Now().UnixMicro())
	errs := s.nodes.Calls(ctx, len(keys), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			entry := redis.Z{Member: e.Room.String()}
			if i < len(users) {
				entry.Score = listed
			}
			return pipeline.ZAdd(ctx, keys[i], entry)
		},
		Key:      func(i int) string { return keys[i] },
		Replicas: s.options.MinReplicas,
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// unlistAfter removes a room from lists where it no longer belongs. A failed removal is done when the list is read.
func (s *Store) unlistAfter(ctx context.Context, e chat.RoomEdit) {
	for _, user := range e.Remove {
		key := s.keys.Chats(user)
		var listed *redis.FloatCmd
		err := s.callOne(ctx, "read a list of rooms", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			listed = pipeline.ZScore(ctx, key, e.Room.String())
			return listed
		})
		if err == nil {
			s.unlist(ctx, user, []redis.Z{{Member: e.Room.String(), Score: listed.Val()}})
		}
	}
	if e.Visibility == "" || e.Visibility == chat.Public {
		return
	}
	public := s.keys.PublicRooms()
	_ = s.callOne(ctx, "list public rooms", public, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.ZRem(ctx, public, e.Room.String())
	})
	if rooms, err := s.ReadRooms(ctx, []chat.RoomQuery{{Room: e.Room}}); err == nil {
		s.listAgain(ctx, chat.RoomEdit{Room: e.Room, Visibility: rooms[0].Visibility}) // it has become public again meanwhile
	}
}

// listAgain puts a room that has become public into the list of public rooms once more. A server that took it out for an
// earlier change may have done so after listBefore, and looked at the room before it became public.
func (s *Store) listAgain(ctx context.Context, e chat.RoomEdit) {
	if e.Visibility == chat.Public {
		_ = s.listBefore(ctx, chat.RoomEdit{Room: e.Room, Visibility: chat.Public})
	}
}

// unlist takes rooms of which a user is no member from the user's list. Of each it is known when it was put there.
func (s *Store) unlist(ctx context.Context, user string, listed []redis.Z) {
	members := make([]*redis.BoolCmd, len(listed))
	recent := time.Now().Add(-listedFor).UnixMicro()
	listed = slices.DeleteFunc(listed, func(z redis.Z) bool { return int64(z.Score) >= recent })
	rooms := make([]chat.ID, len(listed))
	for i, z := range listed {
		name, _ := z.Member.(string)
		rooms[i], _ = chat.ParseID(name)
	}
	errs := s.nodes.Calls(ctx, len(listed), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			members[i] = pipeline.HExists(ctx, s.keys.Members(rooms[i]), user)
			return members[i]
		},
		Key: func(i int) string { return s.keys.Members(rooms[i]) },
	})
	for i, z := range listed {
		if errs[i] == nil && !members[i].Val() {
			_, _ = s.runUser(ctx, unlistScript, []string{s.keys.Chats(user)}, z.Member, strconv.FormatInt(int64(z.Score), 10), recent)
		}
	}
}

// ListRooms implements chat.RoomStore. It repairs the lists that it returns.
func (s *Store) ListRooms(ctx context.Context, user, from string, limit int) ([]string, error) {
	key := s.keys.Chats(user)
	var call *redis.ZSliceCmd
	err := s.callOne(ctx, "list the rooms of "+user, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{Key: key, ByScore: true, Start: "(0", Stop: "+inf"}) // no conversations
		return call
	})
	if err != nil {
		return nil, err
	}
	listed := map[string]redis.Z{}
	names := make([]string, 0, len(call.Val()))
	for _, z := range call.Val() {
		name, _ := z.Member.(string)
		if name >= from {
			names, listed[name] = append(names, name), z
		}
	}
	slices.Sort(names)
	names = names[:min(len(names), limit)]
	old := make([]redis.Z, len(names))
	for i, name := range names {
		old[i] = listed[name]
	}
	s.unlist(ctx, user, old)
	return names, nil
}

// ListPublic implements chat.RoomStore.
func (s *Store) ListPublic(ctx context.Context, from string, limit int) ([]string, error) {
	key := s.keys.PublicRooms()
	by := redis.ZRangeArgs{Key: key, ByLex: true, Start: "[" + from, Stop: "+", Count: int64(limit)}
	if from == "" {
		by.Start = "-"
	}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "list public rooms", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgs(ctx, by)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}
