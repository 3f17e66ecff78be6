package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// checkUser judges one of a user's keys.
func (c *Checker) checkUser(
	ctx context.Context, key, want string, judge func(ctx context.Context, key, user string) ([]finding, tally, error),
) error {
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		user := c.keys.UserOf(key)
		if !isUser(user) {
			return []finding{{Fault: Fault{Kind: FaultUser, Key: key, Detail: fmt.Sprintf("%q is no user", user)}}}, tally{}, nil
		}
		wrong, err := c.wrongTypes(ctx, want, key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		return judge(ctx, key, user)
	})
}

// checkNames judges a global list, such as that of all users.
func (c *Checker) checkNames(ctx context.Context, key string, judge func(ctx context.Context, key string) ([]finding, tally, error)) error {
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "zset", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		return judge(ctx, key)
	})
}

// judgeAccount judges an account, and whether the list of all users has it. That list is written first.
func (c *Checker) judgeAccount(ctx context.Context, key, user string) ([]finding, tally, error) {
	fields, err := c.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
	}
	if _, deleted := fields[layout.DeletedField]; deleted || len(fields) == 0 {
		return nil, tally{}, nil
	}
	var found []finding
	add := func(format string, args ...any) {
		found = append(found, finding{Fault: Fault{Kind: FaultAccount, Key: key, Detail: fmt.Sprintf(format, args...)}, of: format})
	}
	if fields[layout.HashField] == "" {
		add("there is no hash of a password")
	}
	if created, err := strconv.ParseInt(fields[layout.CreatedField], 10, 64); err != nil || !isPosition(created) {
		add("created is %q", fields[layout.CreatedField])
	}
	at := lookup{c.keys.Users(), user}
	absent, err := c.absent(ctx, []lookup{at})
	if err != nil || !absent[0] {
		return found, tally{accounts: 1}, err
	}
	deleted, err := c.deleted(ctx, user) // meanwhile
	if err == nil && !deleted {
		fault := Fault{Kind: FaultUserUnlisted, Key: key, Detail: at.key + " does not have the user"}
		found = append(found, finding{Fault: fault, mend: c.listing(at, 0)})
	}
	return found, tally{accounts: 1}, err
}

// judgeUsers judges the list of all users by itself. It may have names without an account, from failed registrations.
func (c *Checker) judgeUsers(ctx context.Context, key string) ([]finding, tally, error) {
	found := map[string]finding{}
	err := c.scanSet(ctx, key, func(entry string, at float64) {
		if !isUser(entry) || at != 0 {
			detail := fmt.Sprintf("%q at %s is no user at 0", entry, redisnode.FormatScore(at))
			found[entry] = finding{Fault: Fault{Kind: FaultUser, Key: key, Detail: detail}, of: entry}
		}
	})
	return sorted(found), tally{}, err
}

// checkLook judges the owner of a look. An account may lack its look for a day after an earlier release created it, or
// because an older account has the same look.
func (c *Checker) checkLook(ctx context.Context, key string) error {
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "string", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		user, err := c.redis.Get(ctx, key).Result()
		switch {
		case errors.Is(err, redis.Nil):
			return nil, tally{}, nil
		case err != nil:
			return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
		case !isUser(user):
			return []finding{{Fault: Fault{Kind: FaultLook, Key: key, Detail: fmt.Sprintf("%q is no user", user)}}}, tally{}, nil
		}
		return nil, tally{}, nil
	})
}

// judgeRevoked judges the users whose tokens are revoked.
func (c *Checker) judgeRevoked(ctx context.Context, key string) ([]finding, tally, error) {
	found := map[string]finding{}
	err := c.scanSet(ctx, key, func(entry string, at float64) {
		if !isUser(entry) || at <= 0 {
			detail := fmt.Sprintf("%q at %s is no user and time", entry, redisnode.FormatScore(at))
			found[entry] = finding{Fault: Fault{Kind: FaultUser, Key: key, Detail: detail}, of: entry}
		}
	})
	return sorted(found), tally{}, err
}

// judgeDeletions judges the pending deletions by themselves.
func (c *Checker) judgeDeletions(ctx context.Context, key string) ([]finding, tally, error) {
	found := map[string]finding{}
	err := c.scanSet(ctx, key, func(entry string, _ float64) {
		if job, known := layout.ParseJob(entry); !known || !isUser(job.User) {
			found[entry] = finding{Fault: Fault{Kind: FaultDeletion, Key: key, Detail: fmt.Sprintf("%q is no deletion", entry)}, of: entry}
		}
	})
	return sorted(found), tally{}, err
}

// judgeSessions judges a user's sessions. Their number is limited. Their content is secret, and in no report.
func (c *Checker) judgeSessions(ctx context.Context, key, _ string) ([]finding, tally, error) {
	sessions, err := c.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
	}
	found := map[string]finding{}
	for id, text := range sessions {
		s, err := layout.ParseSession(text)
		if err != nil || id == "" || s.Begun <= 0 || s.Expires <= s.Begun || s.Seed == "" || s.Current == "" {
			fault := Fault{Kind: FaultSession, Key: key, Detail: fmt.Sprintf("session %q cannot be read", id)}
			found[id] = finding{Fault: fault, of: id}
		}
	}
	return sorted(found), tally{}, nil
}

// judgeIgnored judges the users that a user ignores. Their number is limited.
func (c *Checker) judgeIgnored(ctx context.Context, key, _ string) ([]finding, tally, error) {
	names, err := c.redis.SMembers(ctx, key).Result()
	if err != nil {
		return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
	}
	found := map[string]finding{}
	for _, name := range names {
		if !isUser(name) {
			found[name] = finding{Fault: Fault{Kind: FaultIgnored, Key: key, Detail: fmt.Sprintf("%q is no user", name)}, of: name}
		}
	}
	return sorted(found), tally{}, nil
}

// checkReaders judges the cursors of a chat's readers, or how far its users have received it. There may be no log. A delivery
// past the chat's end is no fault: the next one moves it back.
func (c *Checker) checkReaders(ctx context.Context, key string, name layout.KeyName) error {
	id, placed := c.placed(key, name)
	if !placed {
		return nil
	}
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) {
		wrong, err := c.wrongTypes(ctx, "hash", key)
		if err != nil || len(wrong) > 0 {
			return wrong, tally{}, err
		}
		found := map[string]finding{}
		for cursor := uint64(0); ; {
			pairs, next, err := c.redis.HScan(ctx, key, cursor, "", int64(c.options.PageSize)).Result()
			if err != nil {
				return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
			}
			end, err := c.endOf(ctx, id)
			if err != nil {
				return nil, tally{}, err
			}
			for i := 0; i+1 < len(pairs); i += 2 {
				reader, at := pairs[i], pairs[i+1]
				if detail := wrongCursor(id, reader, at); detail != "" {
					found[reader] = finding{Fault: Fault{Kind: FaultCursor, Key: key, Detail: detail}, of: reader}
				} else if end > 0 && name.Kind == layout.ReadKey && layout.CursorOf(at) > end {
					detail := fmt.Sprintf("%s is at %s, and the chat ends at %d", reader, at, end)
					found[reader] = finding{
						Fault: Fault{Kind: FaultCursorAhead, Key: key, Detail: detail}, of: reader,
						mend: func(ctx context.Context) (bool, error) {
							return true, c.options.MoveBack(ctx, c.redis, c.keys, id, reader)
						},
					}
				}
			}
			if cursor = next; cursor == 0 {
				return sorted(found), tally{}, nil
			}
		}
	})
}

// endOf returns a chat's end, which is after its newest message, or 0 where none is known. It is read after the
// cursors: a cursor is never set past an end that did not exist.
func (c *Checker) endOf(ctx context.Context, id chat.ID) (int64, error) {
	_, _, activity := c.keys.Append(id)
	newest, err := c.redis.ZScore(ctx, activity, id.String()).Result()
	switch {
	case errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE"): // the latter is a fault of its own
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the activity of %s: %w", id, err)
	}
	return int64(newest) + 1, nil
}

// wrongCursor returns the fault of a reader or of its cursor; "" means none.
func wrongCursor(id chat.ID, reader, text string) string {
	user, device, hasDevice := strings.Cut(reader, "/")
	first, second, pair := id.Users()
	cursor, err := strconv.ParseInt(text, 10, 64)
	switch {
	case !isUser(user) || hasDevice && !isUser(device):
		return fmt.Sprintf("%q is no reader", reader)
	case pair && user != first && user != second:
		return fmt.Sprintf("%q is none of the two", reader)
	case err != nil || cursor < 0 || cursor > chat.MaxCursor:
		return fmt.Sprintf("%s is at %q", reader, text)
	}
	return ""
}

// sorted orders findings by their subject, so that reports are reproducible.
func sorted(found map[string]finding) []finding {
	all := make([]finding, 0, len(found))
	for _, of := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[of])
	}
	return all
}

// judgeSubscriptions judges a user's push subscriptions. Their number is limited. Their content is secret, and in no report.
func (c *Checker) judgeSubscriptions(ctx context.Context, key, user string) ([]finding, tally, error) {
	return c.judgeFields(ctx, key, "subscription", func(device, value string) bool {
		_, ok := layout.ParseSubscription(user, device, value)
		return ok && device != ""
	})
}

// judgeMuted judges the chats that a user has muted. Their number is limited.
func (c *Checker) judgeMuted(ctx context.Context, key, _ string) ([]finding, tally, error) {
	return c.judgeFields(ctx, key, "muted chat", func(name, value string) bool {
		id, err := chat.ParseID(name)
		_, ok := layout.ParseMuted(value)
		return ok && err == nil && id.String() == name
	})
}

func (c *Checker) judgeFields(ctx context.Context, key, what string, sound func(field, value string) bool) ([]finding, tally, error) {
	fields, err := c.redis.HGetAll(ctx, key).Result()
	if err != nil {
		return nil, tally{}, fmt.Errorf("read %s: %w", key, err)
	}
	found := map[string]finding{}
	for field, value := range fields {
		if !sound(field, value) {
			found[field] = finding{Fault: Fault{Kind: FaultPush, Key: key, Detail: fmt.Sprintf("%s %q cannot be read", what, field)}, of: field}
		}
	}
	return sorted(found), tally{}, nil
}
