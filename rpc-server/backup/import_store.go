package backup

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var (
	//go:embed scripts/raise.lua
	raiseSource string
	//go:embed scripts/room.lua
	roomSource string
	//go:embed scripts/highest.lua
	highestSource string

	raiseScript   = redis.NewScript(raiseSource)
	roomScript    = redis.NewScript(roomSource)
	highestScript = redis.NewScript(highestSource)
)

// pageBytes is how many bytes of messages one command stores.
const pageBytes = 1 << 20

// storeChat stores a chat, or nothing of it: then the error is a refusal. Everything that may refuse comes first. Activity
// is raised before the first message is stored, so an append that comes meanwhile gets a position above all of them.
func (i *Importer) storeChat(ctx context.Context, c *importedChat) error {
	if c.refused != nil {
		return c.refused
	}
	if err := c.checkHead(); err != nil {
		return err
	}
	existed, err := i.compare(ctx, c)
	if err != nil {
		return err
	}
	if err := i.enlist(ctx, c); err != nil {
		return err
	}
	if err := i.storeRoom(ctx, c); err != nil {
		return err
	}
	end := max(c.newest, c.head.Position)
	if end > 0 && chat.Visibility(c.head.Room[layout.VisibilityField]) != chat.Deleted {
		if existed, err = i.raise(ctx, c, end, existed); err != nil {
			return err
		}
	}
	if err := i.storeMessages(ctx, c, existed); err != nil {
		return err
	}
	if err := i.storeReaders(ctx, c, max(end, existed.active)); err != nil {
		return err
	}
	i.report.Chats++
	return nil
}

// raise sets the chat's activity to end, unless it is higher already. It returns the data in Redis at that moment: if a
// message has been appended since found was read, it compares again.
func (i *Importer) raise(ctx context.Context, c *importedChat, end int64, found existing) (existing, error) {
	log, _, activity := i.keys.Append(c.id)
	for {
		raised, err := raiseScript.Run(ctx, i.redis, []string{activity, log}, c.id.String(), end, found.active).Int()
		if err != nil {
			return existing{}, fmt.Errorf("raise its activity: %w", err)
		}
		if raised == 1 {
			return found, nil
		}
		if found, err = i.compare(ctx, c); err != nil {
			return existing{}, err
		}
	}
}

// enlist puts the chat into the lists of its users before anything of it is stored.
func (i *Importer) enlist(ctx context.Context, c *importedChat) error {
	scores := map[string]float64{}
	first, second, pair := c.id.Users()
	if pair {
		scores[first], scores[second] = 0, 0
	} else {
		for sender := range c.senders {
			scores[sender] = layout.WasThere
		}
		for reader := range c.head.Readers {
			scores[chat.UserOf(reader)] = layout.WasThere
		}
		for user, value := range c.head.Members {
			m, _ := layout.ParseMember(user, value)
			scores[user] = float64(m.Since)
		}
	}
	public := c.head.Room[layout.VisibilityField] == string(chat.Public)
	for part := range slices.Chunk(slices.Sorted(maps.Keys(scores)), i.options.PageSize) {
		_, err := i.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, user := range part {
				p.ZAddGT(ctx, i.keys.Chats(user), redis.Z{Score: scores[user], Member: c.id.String()})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list it: %w", err)
		}
	}
	if c.head.Room[layout.RetentionField] != "" {
		noted := redis.Z{Score: float64(time.Now().UnixMicro()), Member: c.id.String()}
		if err := i.redis.ZAddGT(ctx, i.keys.Retentions(), noted).Err(); err != nil {
			return fmt.Errorf("note its retention: %w", err)
		}
	}
	if public {
		if err := i.redis.ZAddNX(ctx, i.keys.PublicRooms(), redis.Z{Member: c.id.String()}).Err(); err != nil {
			return fmt.Errorf("list it: %w", err)
		}
	}
	return nil
}

// storeRoom stores the room of the chat's line, unless it is there.
func (i *Importer) storeRoom(ctx context.Context, c *importedChat) error {
	if len(c.head.Room) == 0 || c.head.Expires != 0 && c.head.Expires <= time.Now().UnixMilli() {
		return nil
	}
	room := maps.Clone(c.head.Room)
	if room[layout.VisibilityField] != string(chat.Deleted) {
		admins := 0
		for user, value := range c.head.Members {
			if m, _ := layout.ParseMember(user, value); m.Role == chat.Admin {
				admins++
			}
		}
		room[layout.AdminsField] = strconv.Itoa(admins)
	}
	args := []any{c.head.Expires, 2 * len(room), 2 * len(c.head.Barred)}
	for field, value := range room {
		args = append(args, field, value)
	}
	for field, value := range c.head.Barred {
		args = append(args, field, value)
	}
	if rules := room[layout.RulesField]; rules != "" {
		args = append(args, layout.RulesMember, rules)
	}
	for user, value := range c.head.Members {
		args = append(args, user, value)
	}
	stored, err := roomScript.Run(ctx, i.redis, []string{i.keys.Room(c.id), i.keys.Members(c.id), i.keys.Restraints(c.id)}, args...).Int()
	switch {
	case err != nil:
		return fmt.Errorf("store the room: %w", err)
	case stored < 0:
		return refusal{Chat: c.name, Reason: "another room has this id"}
	case stored == 1 && room[layout.VisibilityField] != string(chat.Deleted):
		i.report.Rooms++
	}
	return nil
}

// storeMessages stores the messages that are missing, in pages.
func (i *Importer) storeMessages(ctx context.Context, c *importedChat, found existing) error {
	oldest := int64(0)
	if i.options.Retention > 0 {
		oldest = time.Now().Add(-i.options.Retention).UnixMicro()
	}
	return c.members.pages(i.options.PageSize, pageBytes, func(members []string) error {
		count := len(members)
		if found.log {
			var err error
			if members, err = i.missing(ctx, c, members); err != nil {
				return err
			}
		}
		i.report.Present += int64(count - len(members))
		var kept []string
		for _, member := range members {
			if at, _ := entry.Position(member); at >= oldest {
				kept = append(kept, member)
			}
		}
		i.report.Expired += int64(len(members) - len(kept))
		if err := i.storePage(ctx, c, kept); err != nil {
			return err
		}
		i.report.Messages += int64(len(kept))
		return ctx.Err()
	})
}

// storePage stores messages with their ids. An id that the servers would not know any more is left out.
func (i *Importer) storePage(ctx context.Context, c *importedChat, members []string) error {
	if len(members) == 0 {
		return nil
	}
	log, ids, _ := i.keys.Append(c.id)
	outdated := i.outdated()
	entries := make([]redis.Z, len(members))
	var idEntries, answers, earlier []redis.Z
	var reactions []chat.Message // and deletions, in their order
	newest := int64(0)
	for k, member := range members {
		m, err := layout.DecodeMember(member)
		if err != nil {
			return err
		}
		at := float64(m.SendTime)
		entries[k] = redis.Z{Score: at, Member: member}
		if m.Content != nil && m.Content.ReplyTo > 0 {
			answers = append(answers, redis.Z{Member: fmt.Sprintf("%016d%016d", m.Content.ReplyTo, m.SendTime)})
		}
		for _, v := range c.earlier[m.SendTime] {
			earlier = append(earlier, redis.Z{Member: layout.VersionEntry(m.SendTime, chat.Version{SendTime: v.SendTime, Text: v.Text})})
		}
		if m.Notice.IsChange() && m.Notice.Event != chat.MessageEdited {
			reactions = append(reactions, m)
		}
		if twin := layout.Twin(m); twin != "" && m.SendTime > outdated {
			idEntries = append(idEntries, redis.Z{Score: at, Member: layout.IDEntry(m.Sender, m.ID)}, redis.Z{Score: at, Member: twin})
			newest = m.SendTime
		}
	}
	_, err := i.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAdd(ctx, log, entries...)
		if i.options.Retention > 0 {
			lives(ctx, p, log, i.options.Retention)
		}
		if len(answers) > 0 {
			p.ZAdd(ctx, i.keys.Threads(c.id), answers...)
		}
		if len(earlier) > 0 {
			p.ZAdd(ctx, i.keys.Edits(c.id), earlier...)
			if i.options.Retention > 0 {
				lives(ctx, p, i.keys.Edits(c.id), i.options.Retention)
			}
		}
		i.storeReactions(ctx, p, c.id, reactions)
		if len(idEntries) > 0 {
			p.ZAdd(ctx, ids, idEntries...)
			lives(ctx, p, ids, time.Until(time.UnixMicro(newest))+i.options.IdempotencyWindow)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store its messages: %w", err)
	}
	return nil
}

// storeReactions makes the reactions of a chat again from the entries about them.
func (i *Importer) storeReactions(ctx context.Context, p redis.Pipeliner, id chat.ID, entries []chat.Message) {
	key := i.keys.Reactions(id)
	for _, m := range entries {
		reaction := layout.ReactionEntry(chat.Reacting{Ref: m.Notice.Ref, Emoji: m.Notice.Emoji, User: m.Sender})
		switch m.Notice.Event {
		case chat.MessageReacted:
			p.ZAdd(ctx, key, redis.Z{Score: layout.ReactionScore, Member: reaction})
		case chat.MessageUnreacted:
			p.ZRem(ctx, key, reaction)
		case chat.MessageDeleted:
			of := fmt.Sprintf("%016d", m.Notice.Ref)
			p.ZRemRangeByLex(ctx, key, "["+of, "("+of+layout.AfterReactions)
		}
	}
	if len(entries) > 0 && i.options.Retention > 0 {
		lives(ctx, p, key, i.options.Retention)
	}
}

// lives makes a key expire no earlier than after a time.
func lives(ctx context.Context, p redis.Pipeliner, key string, after time.Duration) {
	milliseconds := after.Milliseconds() + 1
	p.Do(ctx, "PEXPIRE", key, milliseconds, "NX")
	p.Do(ctx, "PEXPIRE", key, milliseconds, "GT")
}

// storeReaders moves the readers' cursors ahead, at most to the chat's end.
func (i *Importer) storeReaders(ctx context.Context, c *importedChat, newest int64) error {
	if len(c.head.Readers) == 0 {
		return nil
	}
	args := make([]any, 0, 2*len(c.head.Readers))
	for reader, cursor := range c.head.Readers {
		if newest > 0 {
			cursor = min(cursor, newest+1)
		}
		args = append(args, reader, cursor)
	}
	if err := highestScript.Run(ctx, i.redis, []string{i.keys.Read(c.id)}, args...).Err(); err != nil {
		return fmt.Errorf("store its readers: %w", err)
	}
	return nil
}
