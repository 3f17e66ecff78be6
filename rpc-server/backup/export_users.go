package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/rpc-server/layout"
)

func (e *Exporter) exportAccount(ctx context.Context, key string) error {
	fields, err := e.redis.HGetAll(ctx, key).Result()
	if err != nil || len(fields) == 0 {
		return err
	}
	if !e.options.Secrets {
		delete(fields, layout.HashField)
	}
	e.report.Accounts++
	return e.write(line{Kind: kindAccount, User: e.keys.UserOf(key), Account: fields})
}

func (e *Exporter) exportIgnored(ctx context.Context, key string) error {
	users, err := e.redis.SMembers(ctx, key).Result()
	if err != nil || len(users) == 0 {
		return err
	}
	slices.Sort(users)
	return e.write(line{Kind: kindIgnored, User: e.keys.UserOf(key), Users: users})
}

// exportPush exports a user's subscriptions. With them anyone can tell the user's devices: they are secrets.
func (e *Exporter) exportPush(ctx context.Context, key string) error {
	if !e.options.Secrets {
		return nil
	}
	subscriptions, err := e.redis.HGetAll(ctx, key).Result()
	if err != nil || len(subscriptions) == 0 {
		return err
	}
	return e.write(line{Kind: kindPush, User: e.keys.UserOf(key), Push: subscriptions})
}

func (e *Exporter) exportMuted(ctx context.Context, key string) error {
	stored, err := e.redis.HGetAll(ctx, key).Result()
	muted := map[string]int64{}
	for name, value := range stored {
		if until, ok := layout.ParseMuted(value); ok {
			muted[name] = until
		}
	}
	if err != nil || len(muted) == 0 {
		return err
	}
	return e.write(line{Kind: kindMuted, User: e.keys.UserOf(key), Muted: muted})
}

// listed is how many chats of a user one line has at most.
const listed = 1000

func (e *Exporter) exportList(ctx context.Context, key string) error {
	chats := map[string]float64{}
	flush := func() error {
		l := line{Kind: kindList, User: e.keys.UserOf(key), Chats: maps.Clone(chats)}
		clear(chats)
		return e.write(l)
	}
	err := e.scanSet(ctx, key, func(entry string, at float64) error {
		chats[entry] = at
		if len(chats) < listed {
			return nil
		}
		return flush()
	})
	if err != nil || len(chats) == 0 {
		return err
	}
	return flush()
}

func (e *Exporter) exportLook(ctx context.Context, key string) error {
	user, err := e.redis.Get(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) || user == "" {
		return err
	}
	return e.write(line{Kind: kindLook, Look: strings.TrimPrefix(key, e.keys.Look("")), User: user})
}

func (e *Exporter) exportDeletions(ctx context.Context, key string) error {
	return e.scanSet(ctx, key, func(entry string, at float64) error {
		return e.write(line{Kind: kindDeletion, Job: entry, At: int64(at)})
	})
}

func (e *Exporter) exportRevoked(ctx context.Context, key string) error {
	return e.scanSet(ctx, key, func(entry string, at float64) error {
		return e.write(line{Kind: kindRevoked, User: entry, At: int64(at)})
	})
}

func (e *Exporter) exportDropped(ctx context.Context, key string) error {
	text, err := e.redis.HGet(ctx, key, "").Result()
	if err != nil && !errors.Is(err, redis.Nil) || layout.CursorOf(text) == 0 {
		return err
	}
	return e.write(line{Kind: kindDropped, Position: layout.CursorOf(text)})
}

// scanSet meets every entry of a sorted set at least once.
func (e *Exporter) scanSet(ctx context.Context, key string, each func(entry string, score float64) error) error {
	for cursor := uint64(0); ; {
		entries, next, err := e.redis.ZScan(ctx, key, cursor, "", int64(e.options.PageSize)).Result()
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		for i := 0; i+1 < len(entries); i += 2 {
			at, err := strconv.ParseFloat(entries[i+1], 64)
			if err != nil {
				return fmt.Errorf("read %s: the score %q: %w", key, entries[i+1], err)
			}
			if err := each(entries[i], at); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
