package storage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// roomsAtOnce is how many chats of a partition are read in one call.
	roomsAtOnce = 1000
	// roomReads bounds the calls for one page: chats of two users are passed over.
	roomReads = 300
)

// roomsCursor is where the listing of all rooms continues: after a chat in the order of a partition's activity.
type roomsCursor struct {
	partition int
	after     int64 // the chat's newest position
	chat      string
}

func (c roomsCursor) String() string { return fmt.Sprintf("%d/%d/%s", c.partition, c.after, c.chat) }

func parseRoomsCursor(text string) (c roomsCursor, ok bool) {
	if text == "" {
		return c, true
	}
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 {
		return c, false
	}
	partition, err := strconv.ParseUint(parts[0], 10, 16)
	if err != nil {
		return c, false
	}
	after, err := strconv.ParseInt(parts[1], 10, 64)
	return roomsCursor{int(partition), after, parts[2]}, err == nil && after >= 0 && after <= chat.MaxCursor
}

// ListAllRooms implements chat.ModerationStore. Every room has a notice of its creation, and so is in its partition's
// activity. A room that gets a message moves towards the end, and is not left out.
func (s *Store) ListAllRooms(ctx context.Context, cursor string, limit int) (rooms []chat.ID, next string, err error) {
	at, ok := parseRoomsCursor(cursor)
	if !ok {
		return nil, "", chat.Errorf(chat.InvalidArgument, "cursor is %q; it is none of a page of rooms", cursor)
	}
	for range roomReads {
		if at.partition >= len(s.keys.Partitions) {
			return rooms, "", nil
		}
		chats, err := s.activeAfter(ctx, at)
		if err != nil {
			return nil, "", err
		}
		for _, z := range chats {
			name, _ := z.Member.(string)
			position := int64(z.Score)
			if position == at.after && name <= at.chat {
				continue
			}
			if len(rooms) == limit {
				return rooms, at.String(), nil
			}
			at.after, at.chat = position, name
			if id, err := chat.ParseID(name); err == nil && id.IsRoom() {
				rooms = append(rooms, id)
			}
		}
		if len(chats) < roomsAtOnce {
			at = roomsCursor{partition: at.partition + 1}
		}
	}
	return rooms, at.String(), nil
}

// activeAfter returns chats of a partition from a position on, the least recently written first.
func (s *Store) activeAfter(ctx context.Context, at roomsCursor) ([]redis.Z, error) {
	key := s.keys.Partitions[at.partition].Activity
	by := redis.ZRangeArgs{Key: key, ByScore: true, Start: strconv.FormatInt(at.after, 10), Stop: "+inf", Count: roomsAtOnce}
	var call *redis.ZSliceCmd
	err := s.callOne(ctx, "list all rooms", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgsWithScores(ctx, by)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}
