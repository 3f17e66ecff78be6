package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var _ chat.DeliveryStore = (*Store)(nil)

// Deliver implements chat.DeliveryStore with deliver.lua.
func (s *Store) Deliver(ctx context.Context, id chat.ID, r chat.Reading) (chat.Delivered, bool, error) {
	_, _, activity := s.keys.Append(id)
	keys := []any{s.keys.Delivered(id), activity, s.keys.Read(id)}
	if id.IsRoom() {
		keys = append(keys, s.keys.Members(id))
	}
	args := append([]any{"evalsha", deliverScript.Hash(), len(keys)}, keys...)
	args = append(args, chat.UserOf(r.Reader), r.Cursor, id.String(), r.Reader, chat.MaxReceiptMembers)
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, fmt.Sprintf("note what %s has received of %s", r.Reader, id), s.keys.Delivered(id),
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
			call = redis.NewStringSliceCmd(ctx, args...)
			_ = pipeline.Process(ctx, call)
			return call
		})
	if err != nil {
		return chat.Delivered{}, false, err
	}
	answer := call.Val()
	if len(answer) != 3 {
		return chat.Delivered{}, false, errFailed
	}
	return chat.Delivered{Position: layout.CursorOf(answer[0]), Cursor: layout.CursorOf(answer[1])}, answer[2] == "1", nil
}

// Reach implements chat.DeliveryStore.
func (s *Store) Reach(ctx context.Context, id chat.ID, sender string, users []string) ([]chat.Reached, error) {
	const shared = 2
	var furthest *redis.StringSliceCmd
	var delivered *redis.SliceCmd
	ignores := make([]*redis.BoolCmd, len(users))
	keyOf := func(i int) string {
		switch i {
		case 0:
			return s.keys.Read(id)
		case 1:
			return s.keys.Delivered(id)
		}
		return s.keys.Ignored(users[i-shared])
	}
	errs := s.nodes.Calls(ctx, shared+len(users), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			switch i {
			case 0:
				furthest = queueFurthest(ctx, pipeline, keyOf(i), users)
				return furthest
			case 1:
				delivered = pipeline.HMGet(ctx, keyOf(i), users...)
				return delivered
			}
			ignores[i-shared] = pipeline.SIsMember(ctx, keyOf(i), sender)
			return ignores[i-shared]
		},
		Key: keyOf,
	})
	if err := errors.Join(errs...); err != nil {
		return nil, callError(fmt.Sprintf("find who has received a message of %s", id), err)
	}
	reached := make([]chat.Reached, len(users))
	for i := range users {
		at, _ := delivered.Val()[i].(string)
		reached[i] = chat.Reached{
			Delivered: layout.CursorOf(at), Read: layout.CursorOf(furthest.Val()[i]), Ignores: ignores[i].Val(),
		}
	}
	return reached, nil
}
