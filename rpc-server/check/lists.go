package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Lists are written before the data that they list, and no server removes a needed entry. So lists are read after that
// data: a member found in a room was in the list then, unless the member has left meanwhile.

// lookup is an entry that a sorted set should have.
type lookup struct{ key, member string }

// absent reports for each lookup whether the list does not show the entry. An entry at wasThere is not shown either. A
// key of another type counts as showing it, because that is a fault of its own.
func (c *Checker) absent(ctx context.Context, lookups []lookup) ([]bool, error) {
	absent := make([]bool, 0, len(lookups))
	for len(lookups) > 0 {
		some := lookups[:min(len(lookups), c.options.PageSize)]
		lookups = lookups[len(some):]
		calls := make([]*redis.FloatCmd, len(some))
		_, _ = c.redis.Pipelined(ctx, func(p redis.Pipeliner) error { // each command has its own error
			for i, at := range some {
				calls[i] = p.ZScore(ctx, at.key, at.member)
			}
			return nil
		})
		for i, call := range calls {
			err := call.Err()
			if err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
				return nil, fmt.Errorf("look into %s: %w", printable(some[i].key), err)
			}
			absent = append(absent, errors.Is(err, redis.Nil) || call.Val() == layout.WasThere)
		}
	}
	return absent, nil
}

// listing repairs a list that lacks an entry. Readers of lists skip an excess entry.
func (c *Checker) listing(at lookup, score float64) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		err := c.redis.ZAddGT(ctx, at.key, redis.Z{Member: at.member, Score: score}).Err()
		return err == nil, err
	}
}

// deleted reports whether a user's account was deleted, and the user's list with it.
func (c *Checker) deleted(ctx context.Context, user string) (bool, error) {
	deleted, err := c.redis.HExists(ctx, c.keys.Account(user), layout.DeletedField).Result()
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the account of %s: %w", user, err)
	}
	return deleted, nil
}

// judgeLists judges whether a conversation is in the lists of its users. Its log was read before.
func (c *Checker) judgeLists(ctx context.Context, under checkedChat) ([]finding, tally, error) {
	if _, _, pair := under.id.Users(); !pair {
		return nil, tally{}, nil
	}
	entries := layout.ListingOf(under.id, "").Entries()
	lookups := make([]lookup, len(entries))
	for i, e := range entries {
		lookups[i] = lookup{c.keys.Chats(e.User), e.Chat.String()}
	}
	absent, err := c.absent(ctx, lookups)
	if err != nil {
		return nil, tally{}, err
	}
	if !slices.Contains(absent, true) {
		return nil, tally{}, nil
	}
	if going, err := c.dropping(ctx, under); err != nil || going {
		return nil, tally{}, err
	}
	var found []finding
	for i, e := range entries {
		if !absent[i] {
			continue
		}
		deleted, err := c.deleted(ctx, e.User)
		if err != nil {
			return nil, tally{}, err
		}
		if !deleted {
			fault := Fault{Kind: FaultChatUnlisted, Key: under.log.name, Detail: lookups[i].key + " does not have the chat"}
			found = append(found, finding{Fault: fault, of: e.User, mend: c.listing(lookups[i], 0)})
		}
	}
	return found, tally{}, nil
}

// dropping reports whether a chat's log has expired since it was read, so that the chat may have been dropped; or whether
// a server of a cluster drops the chat now, and will list it again.
func (c *Checker) dropping(ctx context.Context, under checkedChat) (bool, error) {
	var log *redis.IntCmd
	var marked *redis.BoolCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		log = p.Exists(ctx, under.log.name)
		marked = p.HExists(ctx, c.keys.Dropped(c.keys.Partition(under.id)), under.id.String())
		return nil
	})
	if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return false, fmt.Errorf("look whether %s is dropped: %w", under.id, err)
	}
	return log.Val() == 0 || marked.Val(), nil
}

// judgeList judges a user's list by itself.
func (c *Checker) judgeList(ctx context.Context, key, user string) ([]finding, tally, error) {
	found := map[string]finding{}
	err := c.scanSet(ctx, key, func(entry string, at float64) {
		id, err := chat.ParseID(entry)
		first, second, pair := id.Users()
		detail := ""
		switch {
		case err != nil:
			detail = err.Error()
		case id.String() != entry:
			detail = fmt.Sprintf("it is %q in its canonical form", id)
		case pair && first != user && second != user:
			detail = "it is a conversation of others"
		case pair && at != 0:
			detail = "it is a conversation, listed at " + redisnode.FormatScore(at)
		case !pair && at != layout.WasThere && (at < 1 || at > chat.MaxSendTime):
			detail = "it is a room, listed at " + redisnode.FormatScore(at)
		default:
			return
		}
		found[entry] = finding{Fault: Fault{Kind: FaultListEntry, Key: key, Detail: fmt.Sprintf("%q: %s", entry, detail)}, of: entry}
	})
	return sorted(found), tally{}, err
}

// judgePublic judges the list of public rooms by itself. Readers skip a room that is not public.
func (c *Checker) judgePublic(ctx context.Context, key string) ([]finding, tally, error) {
	found := map[string]finding{}
	err := c.scanSet(ctx, key, func(entry string, at float64) {
		if id, err := chat.ParseID(entry); err != nil || at != 0 || strings.Contains(id.String(), ":") {
			detail := fmt.Sprintf("%q at %s is no room at 0", entry, redisnode.FormatScore(at))
			found[entry] = finding{Fault: Fault{Kind: FaultListEntry, Key: key, Detail: detail}, of: entry}
		}
	})
	return sorted(found), tally{}, err
}

// scanSet meets every entry of a sorted set at least once, in any order.
func (c *Checker) scanSet(ctx context.Context, key string, each func(entry string, score float64)) error {
	for cursor := uint64(0); ; {
		entries, next, err := c.redis.ZScan(ctx, key, cursor, "", int64(c.options.PageSize)).Result()
		if err != nil {
			return fmt.Errorf("read %s: %w", printable(key), err)
		}
		for i := 0; i+1 < len(entries); i += 2 {
			at, err := strconv.ParseFloat(entries[i+1], 64)
			if err != nil {
				return fmt.Errorf("read %s: the score %q: %w", printable(key), entries[i+1], err)
			}
			each(entries[i], at)
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// listedWithin is the longest time until a room that was closed and opened again is back in im:rooms. Closing removes
// the room from there, checks it, and puts it back.
const listedWithin = 2 * time.Second

// checkUnlisted judges the public rooms that im:rooms did not have when the walk reached them. It reports those still
// missing.
func (c *Checker) checkUnlisted(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(listedWithin); len(c.unlisted) > 0; {
		if err := c.stillUnlisted(ctx); err != nil {
			return err
		}
		if time.Now().After(end) {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var found []finding
	for name := range c.unlisted {
		id, err := chat.ParseID(name)
		if err != nil {
			return fmt.Errorf("the state has %q for a room: %w", name, err)
		}
		at := lookup{c.keys.PublicRooms(), name}
		fault := Fault{Kind: FaultRoomUnlisted, Key: c.keys.Room(id), Detail: at.key + " does not have the room"}
		found = append(found, finding{Fault: fault, mend: c.listing(at, 0)})
	}
	if err := c.settle(ctx, found); err != nil {
		return err
	}
	clear(c.unlisted)
	return nil
}

// stillUnlisted forgets rooms that are listed now or no longer public.
func (c *Checker) stillUnlisted(ctx context.Context) error {
	names := make([]string, 0, len(c.unlisted))
	lookups := make([]lookup, 0, len(c.unlisted))
	for name := range c.unlisted {
		names, lookups = append(names, name), append(lookups, lookup{c.keys.PublicRooms(), name})
	}
	absent, err := c.absent(ctx, lookups)
	if err != nil {
		return err
	}
	for i, name := range names {
		id, err := chat.ParseID(name)
		if err != nil {
			return fmt.Errorf("the state has %q for a room: %w", name, err)
		}
		visibility := string(chat.Public)
		if absent[i] {
			visibility, err = c.redis.HGet(ctx, c.keys.Room(id), layout.VisibilityField).Result()
		}
		switch {
		case err != nil && !errors.Is(err, redis.Nil):
			return fmt.Errorf("read room %s: %w", id, err)
		case !absent[i] || visibility != string(chat.Public):
			delete(c.unlisted, name)
		}
	}
	return nil
}
