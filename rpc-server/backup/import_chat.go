package backup

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// importedChat is a chat whose lines are being read. Nothing is stored before all are known.
type importedChat struct {
	name    string // as the file has it
	id      chat.ID
	head    line
	members spool
	newest  int64
	senders map[string]struct{} // in a room
	refused error               // a refusal: the rest of its lines is skipped

	buffer []byte
}

func (i *Importer) beginChat(l line) {
	c := &importedChat{name: l.Chat, head: l, senders: map[string]struct{}{}}
	id, err := chat.ParseID(l.Chat)
	if c.id = id; err != nil {
		c.refuse(0, err.Error())
	} else if l.Position < 0 || l.Position > chat.MaxSendTime {
		c.refuse(l.Position, "it is no position")
	}
	i.chat = c
}

func (c *importedChat) close() {
	if c != nil {
		c.members.reset()
	}
}

func (c *importedChat) refuse(at int64, reason string) {
	if c.refused == nil {
		c.refused = refusal{Chat: c.name, Position: at, Reason: reason}
	}
	c.members.reset()
}

// add takes a message.
func (c *importedChat) add(l line) error {
	if c.refused != nil {
		return nil
	}
	if reason := c.wrong(l); reason != "" {
		c.refuse(l.SendTime, reason)
		return nil
	}
	c.newest = l.SendTime
	if c.id.IsRoom() {
		if l.Event == "" {
			c.senders[l.Sender] = struct{}{}
		}
	}
	c.buffer = entry.AppendMember(c.buffer[:0], l.message())
	return c.members.add(c.buffer)
}

// wrong says why no server could have stored a message, or "".
func (c *importedChat) wrong(l line) string {
	first, second, pair := c.id.Users()
	switch {
	case l.SendTime <= 0 || l.SendTime > chat.MaxSendTime:
		return "it is no position"
	case l.SendTime <= c.newest:
		return fmt.Sprintf("positions must increase, and the one before is %d", c.newest)
	case pair && l.Sender != first && l.Sender != second:
		return fmt.Sprintf("sender %q is none of the two", l.Sender)
	case l.Event == "" && !isUser(l.Sender):
		return fmt.Sprintf("sender %q is no user", l.Sender)
	case l.Event != "" && pair:
		return "a chat of two users has no notices"
	case l.Text == "" && !l.Erased && l.Event == "":
		return "text is empty"
	case len(l.ID) > chat.MaxIDBytes || strings.HasPrefix(l.Sender, "#"):
		return fmt.Sprintf("id is %d bytes; the limit is %d", len(l.ID), chat.MaxIDBytes)
	case !utf8.ValidString(l.Text):
		return "text is not valid UTF-8"
	}
	return ""
}

// isUser reports whether a user may have this name.
func isUser(name string) bool {
	_, err := chat.ParseID(name + ":" + name)
	return err == nil
}

// pageBytes is how many bytes of messages one command stores.
const pageBytes = 1 << 20

// storeChat stores a chat, or nothing of it: then the error is a refusal. Everything that may refuse comes first. Activity
// is raised before the first message is stored, so an append that comes meanwhile gets a position above all of them.
func (i *Importer) storeChat(ctx context.Context, c *importedChat) error {
	if err := cmpErr(c.refused, c.checkHead()); err != nil {
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
	for end > 0 && len(c.head.Room) == 0 || end > 0 && c.head.Room[layout.VisibilityField] != string(chat.Deleted) {
		log, _, activity := i.keys.Append(c.id)
		raised, err := raiseScript.Run(ctx, i.redis, []string{activity, log}, c.id.String(), end, existed.active).Int()
		if err != nil {
			return fmt.Errorf("raise its activity: %w", err)
		}
		if raised == 1 {
			break
		}
		if existed, err = i.compare(ctx, c); err != nil {
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

// cmpErr returns the first error.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkHead judges the chat's first line.
func (c *importedChat) checkHead() error {
	for user, value := range c.head.Members {
		if _, err := layout.ParseMember(user, value); err != nil || !isUser(user) {
			return refusal{Chat: c.name, Reason: fmt.Sprintf("member %q is %q", user, value)}
		}
	}
	for reader := range c.head.Readers {
		user, device, hasDevice := strings.Cut(reader, "/")
		if !isUser(user) || hasDevice && !isUser(device) {
			return refusal{Chat: c.name, Reason: fmt.Sprintf("%q is no reader", reader)}
		}
	}
	if len(c.head.Room) == 0 {
		return nil
	}
	visibility := chat.Visibility(c.head.Room[layout.VisibilityField])
	created, err := strconv.ParseInt(c.head.Room[layout.CreatedField], 10, 64)
	switch {
	case !c.id.IsRoom():
		return refusal{Chat: c.name, Reason: "a chat of two users is no room"}
	case visibility == chat.Deleted:
		return nil
	case visibility != chat.Public && visibility != chat.Private || err != nil || created <= 0:
		return refusal{Chat: c.name, Reason: fmt.Sprintf("the room has visibility %q and was created at %q", visibility, c.head.Room[layout.CreatedField])}
	}
	return nil
}

// existing is what Redis has of a chat before the import.
type existing struct {
	active int64 // its activity; 0 is none
	log    bool  // it has messages
}

// compare refuses a chat of which Redis has another message at a position, or an id at another position.
func (i *Importer) compare(ctx context.Context, c *importedChat) (existing, error) {
	log, ids, activity := i.keys.Append(c.id)
	var there, known *redis.IntCmd
	var active *redis.FloatCmd
	var room *redis.SliceCmd
	_, err := i.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		there, known = p.Exists(ctx, log), p.Exists(ctx, ids)
		room = p.HMGet(ctx, i.keys.Room(c.id), layout.VisibilityField, layout.CreatedField)
		active = p.ZScore(ctx, activity, c.id.String())
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return existing{}, fmt.Errorf("look for it: %w", err)
	}
	if err := i.compareRoom(c, room.Val()); err != nil {
		return existing{}, err
	}
	found := existing{active: int64(active.Val()), log: there.Val() > 0}
	if !found.log && known.Val() == 0 {
		return found, nil
	}
	return found, c.members.pages(i.options.PageSize, pageBytes, func(members []string) error {
		_, err := i.missing(ctx, c, members)
		return err
	})
}

// compareRoom refuses a room where another one has its id.
func (*Importer) compareRoom(c *importedChat, stored []any) error {
	visibility, _ := stored[0].(string)
	created, _ := stored[1].(string)
	wanted := c.head.Room
	switch {
	case visibility == "" || wanted[layout.VisibilityField] == string(chat.Deleted) && c.members.count == 0:
		return nil
	case visibility == string(chat.Deleted):
		return refusal{Chat: c.name, Reason: "the room was deleted here"}
	case len(wanted) > 0 && created != wanted[layout.CreatedField]:
		return refusal{Chat: c.name, Reason: "another room has this id: it was created at " + created}
	}
	return nil
}

// missing returns the members of a page that Redis does not have.
func (i *Importer) missing(ctx context.Context, c *importedChat, members []string) (missing []string, err error) {
	log, ids, _ := i.keys.Append(c.id)
	messages := make([]chat.Message, len(members))
	stored, known := make([]*redis.StringSliceCmd, len(members)), make([]*redis.FloatCmd, len(members))
	outdated := i.outdated()
	_, err = i.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k, member := range members {
			if messages[k], err = layout.DecodeMember(member); err != nil {
				return err
			}
			at := messages[k].SendTime
			stored[k] = p.ZRangeArgs(ctx, redis.ZRangeArgs{Key: log, ByScore: true, Start: at, Stop: at, Count: 2})
			if messages[k].ID != "" && at > outdated {
				known[k] = p.ZScore(ctx, ids, layout.IDEntry(messages[k].Sender, messages[k].ID))
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("compare its messages: %w", err)
	}
	for k, m := range messages {
		found := stored[k].Val()
		if known[k] != nil && known[k].Val() > float64(outdated) && int64(known[k].Val()) != m.SendTime {
			reason := fmt.Sprintf("the id %q of %s is stored at %d", m.ID, m.Sender, int64(known[k].Val()))
			return nil, refusal{Chat: c.name, Position: m.SendTime, Reason: reason}
		}
		if len(found) == 0 {
			missing = append(missing, members[k])
			continue
		}
		if there, err := layout.DecodeMember(found[0]); err != nil || len(found) > 1 || !same(there, m) {
			return nil, refusal{Chat: c.name, Position: m.SendTime, Reason: "another message is stored there"}
		}
	}
	return missing, nil
}

// outdated is the last position at which an id need not be known.
func (i *Importer) outdated() int64 { return time.Now().Add(-i.options.IdempotencyWindow).UnixMicro() }

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
	args := []any{c.head.Expires, 2 * len(room)}
	for field, value := range room {
		args = append(args, field, value)
	}
	for user, value := range c.head.Members {
		args = append(args, user, value)
	}
	stored, err := roomScript.Run(ctx, i.redis, []string{i.keys.Room(c.id), i.keys.Members(c.id)}, args...).Int()
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
	var idEntries []redis.Z
	newest := int64(0)
	for k, member := range members {
		m, err := layout.DecodeMember(member)
		if err != nil {
			return err
		}
		at := float64(m.SendTime)
		entries[k] = redis.Z{Score: at, Member: member}
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
