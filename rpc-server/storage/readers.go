package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Advance implements chat.LiveStore with advance.lua. It first notes in the user's list that the user was there.
func (s *Store) Advance(ctx context.Context, id chat.ID, r chat.Reading, force bool) (int64, error) {
	user := chat.UserOf(r.Reader)
	isNew, score := s.readerIsNew(id, user)
	_, _, activity := s.keys.Append(id)
	if isNew && s.nodes.Only == nil {
		begun, err := s.begun(ctx, activity, id)
		if err != nil || !begun { // where nothing was ever said nothing is read, and nothing is listed
			return 0, err
		}
		if err := s.enlistReader(ctx, id, user, score); err != nil {
			return 0, err
		}
	}
	keys := []any{s.keys.Read(id), activity}
	if isNew && s.nodes.Only != nil {
		keys = append(keys, s.keys.Chats(user))
	}
	before, after := layout.EncodeMoved(id, r.Reader)
	args := append([]any{"evalsha", advanceScript.Hash(), len(keys)}, keys...)
	args = append(args, r.Reader, r.Cursor, force, s.publish, s.newsOf(id), before, after, id.String(), score, s.options.MaxDevices)
	var call *redis.IntCmd
	err := s.callOne(ctx, fmt.Sprintf("move a reader of %s", id), s.keys.Read(id),
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			call = redis.NewIntCmd(ctx, args...)
			_ = pipeline.Process(ctx, call)
			return call
		})
	if err != nil {
		return 0, err
	}
	if call.Val() < 0 {
		return 0, chat.Errorf(chat.Conflict, "reader %s has %d devices in chat %s, which is the limit", user, s.options.MaxDevices, id)
	}
	if isNew && call.Val() > 0 { // at 0 the script may not have listed the chat
		s.known.add([]layout.Listing{{Chat: id, User: user}}, nil)
	}
	return call.Val(), nil
}

// begun reports whether something was ever said in a chat.
func (s *Store) begun(ctx context.Context, activity string, id chat.ID) (bool, error) {
	var newest *redis.FloatCmd
	err := s.callOne(ctx, "look for "+id.String(), activity, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		newest = pipeline.ZScore(ctx, activity, id.String())
		return newest
	})
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// ReaderPositions implements chat.ReaderStore.
func (s *Store) ReaderPositions(ctx context.Context, queries []chat.PositionQuery) []chat.PositionResult {
	const each = 3
	cursors := make([]*redis.StringCmd, len(queries))
	members := make([]*redis.StringCmd, len(queries))
	ignored := make([]*redis.StringSliceCmd, len(queries))
	keyOf := func(i int) string {
		switch query := queries[i/each]; i % each {
		case 0:
			return s.keys.Read(query.Chat)
		case 1:
			return s.keys.Members(query.Chat)
		default:
			return s.keys.Ignored(chat.UserOf(query.Reader))
		}
	}
	errs := s.nodes.Calls(ctx, each*len(queries), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			switch query := queries[i/each]; i % each {
			case 0:
				cursors[i/each] = pipeline.HGet(ctx, keyOf(i), query.Reader)
				return cursors[i/each]
			case 1:
				members[i/each] = pipeline.HGet(ctx, keyOf(i), chat.UserOf(query.Reader))
				return members[i/each]
			default:
				ignored[i/each] = pipeline.SMembers(ctx, keyOf(i))
				return ignored[i/each]
			}
		},
		Key: keyOf,
	})
	placed := make([]chat.PositionResult, len(queries))
	for i, query := range queries {
		tried := fmt.Sprintf("find %s in %s", query.Reader, query.Chat)
		for _, err := range errs[each*i : each*(i+1)] {
			if err != nil && !errors.Is(err, redis.Nil) {
				placed[i].Err = callError(tried, err)
			}
		}
		if placed[i].Err == nil {
			placed[i].Ignored = setOf(ignored[i].Val())
			placed[i].Cursor, _ = standsAt(cursors[i].Val(), members[i].Val())
		}
	}
	return placed
}

// Readings implements chat.ReaderStore. Who reads a room of many is read whole, which is a hash of names and numbers.
func (s *Store) Readings(ctx context.Context, id chat.ID, limit int) (chat.Receipts, error) {
	key := s.keys.Read(id)
	var call *redis.MapStringStringCmd
	err := s.callOne(ctx, fmt.Sprintf("read the readers of %s", id), key,
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			call = pipeline.HGetAll(ctx, key)
			return call
		})
	if err != nil {
		return chat.Receipts{}, err
	}
	readers := slices.Sorted(maps.Keys(call.Val()))
	receipts := chat.Receipts{Count: len(readers)}
	for _, reader := range readers[:min(limit, len(readers))] {
		receipts.Readings = append(receipts.Readings, chat.Reading{Reader: reader, Cursor: layout.CursorOf(call.Val()[reader])})
	}
	return receipts, nil
}

// maxIgnored is how many others a user ignores at most.
const maxIgnored = 1000

// SetIgnored implements chat.ReaderStore with ignore.lua. It tells of it also where it was so before: the one who had
// said so may not have come to that.
func (s *Store) SetIgnored(ctx context.Context, r chat.IgnoreRequest) error {
	ignore := 0
	if r.Ignore {
		ignore = 1
	}
	changed, err := s.runUser(ctx, ignoreScript, []string{s.keys.Ignored(r.User)}, r.Other, ignore, maxIgnored)
	switch {
	case err != nil:
		return userError(fmt.Sprintf("have %s ignore %s", r.User, r.Other), err)
	case changed < 0:
		return chat.Errorf(chat.Conflict, "user %s ignores %d others already, which is the limit; remove some first", r.User, maxIgnored)
	}
	return s.Tell(ctx, chat.Event{Chat: chat.SelfChat(r.User), Kind: chat.IgnoredChanged})
}

// MoveBack runs advance.lua for a reader whose cursor is past the chat's end, and moves it there. It is for a check of the
// data, which has a connection of its own.
func MoveBack(ctx context.Context, client redis.Scripter, keys layout.Keys, id chat.ID, reader string) error {
	_, _, activity := keys.Append(id)
	before, after := layout.EncodeMoved(id, reader)
	return advanceScript.Run(ctx, client, []string{keys.Read(id), activity},
		reader, 0, false, "publish", keys.News(keys.Partition(id)), before, after, id.String()).Err()
}
