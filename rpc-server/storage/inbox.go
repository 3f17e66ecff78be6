package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var (
	newestScript = script("newest")
	ignoreScript = script("ignore")
)

var _ chat.InboxServiceStore = (*Store)(nil)

// Lists implements chat.InboxStore.
func (s *Store) Lists(ctx context.Context, user string) ([]chat.ID, map[string]bool, error) {
	keys := []string{s.keys.Chats(user), s.keys.Ignored(user)}
	calls := make([]*redis.StringSliceCmd, len(keys))
	errs := s.nodes.Calls(ctx, len(keys), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			if calls[i] = pipeline.SMembers(ctx, keys[1]); i == 0 {
				calls[i] = pipeline.ZRangeArgs(ctx, redis.ZRangeArgs{Key: keys[0], ByScore: true, Start: "0", Stop: "+inf"})
			}
			return calls[i]
		},
		Key: func(i int) string { return keys[i] },
	})
	for _, err := range errs {
		if err != nil {
			return nil, nil, callError("read the lists of "+user, err)
		}
	}
	chats := parseIDs(calls[0].Val())
	slices.SortFunc(chats, func(a, b chat.ID) int { return strings.Compare(a.String(), b.String()) })
	return chats, setOf(calls[1].Val()), nil
}

// parseIDs skips invalid ids; a check reports them.
func parseIDs(names []string) []chat.ID {
	chats := make([]chat.ID, 0, len(names))
	for _, name := range names {
		if id, err := chat.ParseID(name); err == nil {
			chats = append(chats, id)
		}
	}
	return chats
}

// setOf is nil where there are no members.
func setOf(members []string) map[string]bool {
	if len(members) == 0 {
		return nil
	}
	set := make(map[string]bool, len(members))
	for _, member := range members {
		set[member] = true
	}
	return set
}

// Newest implements chat.InboxStore with one call of newest.lua for each partition, whatever the number of chats.
func (s *Store) Newest(ctx context.Context, reader string, chats []chat.ID) ([]chat.Newest, error) {
	began := s.now()
	var tags []string
	in := map[string][]int{} // indices of chats by partition
	for i, id := range chats {
		tag := s.keys.Partition(id)
		if in[tag] == nil {
			tags = append(tags, tag)
		}
		in[tag] = append(in[tag], i)
	}
	calls := make([]*redis.StringSliceCmd, len(tags))
	errs := s.nodes.Calls(ctx, len(tags), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			indices := in[tags[i]]
			args := make([]any, 0, 6+3*len(indices))
			args = append(args, "evalsha", newestScript.Hash(), 0, s.keys.Activity(tags[i]))
			for _, k := range indices {
				args = append(args, s.keys.Read(chats[k]))
				if chats[k].IsRoom() {
					args = append(args, s.keys.Members(chats[k]))
				}
			}
			args[2] = len(args) - 3
			args = append(args, reader, chat.UserOf(reader))
			for _, k := range indices {
				args = append(args, chats[k].String())
			}
			calls[i] = redis.NewStringSliceCmd(ctx, args...)
			_ = pipeline.Process(ctx, calls[i])
			return calls[i]
		},
		Key: func(i int) string { return s.keys.Activity(tags[i]) },
	})
	newest := make([]chat.Newest, len(chats))
	for i, tag := range tags {
		if errs[i] != nil {
			return nil, callError("read what is new in "+tag, errs[i])
		}
		answer := calls[i].Val()
		read := s.readAt(began, answer[0], answer[1])
		for k, index := range in[tag] {
			newest[index].Read = read
			found := answer[2+3*k : 2+3*k+3]
			if found[0] != "" {
				at, err := strconv.ParseFloat(found[0], 64)
				if err != nil {
					return nil, fmt.Errorf("read the activity of %s: %w", chats[index], err)
				}
				newest[index].Position = int64(at)
			}
			var member bool
			newest[index].Cursor, member = standsAt(found[1], found[2])
			newest[index].Gone = !member && chats[index].IsRoom()
		}
	}
	return newest, nil
}

// readAt is the time of an answer, by the clock that appends go by.
func (*Store) readAt(began, seconds, micros string) int64 {
	if began != "" {
		at, _ := strconv.ParseInt(began, 10, 64)
		return at
	}
	at, _ := strconv.ParseInt(seconds, 10, 64)
	beside, _ := strconv.ParseInt(micros, 10, 64)
	return at*1_000_000 + beside
}

// standsAt is where a reader stands: in a room not before the membership, which role says; it is "" for no member.
func standsAt(cursor, role string) (position int64, member bool) {
	_, since, _ := strings.Cut(role, " ")
	return max(layout.CursorOf(cursor), layout.CursorOf(since)), role != ""
}
