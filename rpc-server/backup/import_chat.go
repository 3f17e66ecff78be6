package backup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// importedChat is a chat whose lines are being read. Nothing is stored before all are known.
type importedChat struct {
	name    string // as the file has it
	id      chat.ID
	head    line
	members spool
	newest  int64
	senders map[string]struct{} // in a room
	earlier map[int64][]earlierText
	refused error // a refusal: the rest of its lines is skipped

	buffer []byte
}

func (i *Importer) beginChat(l line) {
	c := &importedChat{name: l.Chat, head: l, senders: map[string]struct{}{}, earlier: map[int64][]earlierText{}}
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
		return nil //nolint:nilerr // the chat was refused as a whole, with this reason
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
	if len(l.Earlier) > 0 && !l.Erased {
		c.earlier[l.SendTime] = l.Earlier
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

// checkHead judges the chat's first line.
func (c *importedChat) checkHead() error {
	for user, value := range c.head.Members {
		if _, err := layout.ParseMember(user, value); err != nil || !isUser(user) {
			return refusal{Chat: c.name, Reason: fmt.Sprintf("member %q is %q", user, value)}
		}
	}
	for field, value := range c.head.Barred {
		if restraint, known := layout.ParseRestraint(field, value); !known || !isUser(restraint.User) {
			return refusal{Chat: c.name, Reason: fmt.Sprintf("barred has %q, which is %q", field, value)}
		}
	}
	_, users, known := layout.ParseRules(c.head.Room[layout.RulesField])
	_, pinned := layout.ParsePins(c.head.Room[layout.PinsField])
	if !known || !pinned || users != (len(c.head.Barred) > 0) {
		return refusal{Chat: c.name, Reason: "its rules, pins, bans and mutes do not belong together"}
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

// existing is the data of a chat in Redis before the import.
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
