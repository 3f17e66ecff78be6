package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// checkRoom judges a room and its members against each other, and against the lists that have it. key is the room's or
// the members'.
func (c *Checker) checkRoom(ctx context.Context, key string, name layout.KeyName) error {
	id, placed := c.placed(key, name)
	if !placed {
		return nil
	}
	return c.whole(ctx, func(ctx context.Context) ([]finding, tally, error) { return c.judgeRoom(ctx, id) })
}

// checkedRoom is a room as it was found at one moment.
type checkedRoom struct {
	id      chat.ID
	fields  map[string]string
	members map[string]string
	found   []finding

	restraints map[string]string
	rules      string // that the members' hash has
}

func (r *checkedRoom) add(kind FaultKind, key, of, format string, args ...any) {
	r.found = append(r.found, finding{Fault: Fault{Kind: kind, Key: key, Detail: fmt.Sprintf(format, args...)}, of: of})
}

func (c *Checker) judgeRoom(ctx context.Context, id chat.ID) ([]finding, tally, error) {
	wrong, err := c.wrongTypes(ctx, "hash", c.keys.Room(id), c.keys.Members(id), c.keys.Restraints(id))
	if err != nil || len(wrong) > 0 {
		return wrong, tally{}, err
	}
	r, err := c.readRoom(ctx, id)
	if err != nil {
		return nil, tally{}, err
	}
	visibility := chat.Visibility(r.fields[layout.VisibilityField])
	switch {
	case visibility != chat.Public && visibility != chat.Private:
		c.judgeNoRoom(&r, visibility)
		return r.found, tally{}, nil
	case visibility == chat.Public:
		if err := c.judgePublicRoom(ctx, id); err != nil {
			return nil, tally{}, err
		}
	}
	if created, err := strconv.ParseInt(r.fields[layout.CreatedField], 10, 64); err != nil || !isPosition(created) {
		r.add(FaultRoom, c.keys.Room(id), layout.CreatedField, "created is %q", r.fields[layout.CreatedField])
	}
	c.judgeRules(&r)
	members := c.judgeMembers(&r)
	return r.found, tally{rooms: 1}, c.judgeListed(ctx, &r, members)
}

// judgeNoRoom judges the remains of a room that was deleted or never created. There should be none.
func (c *Checker) judgeNoRoom(r *checkedRoom, visibility chat.Visibility) {
	key, members := c.keys.Room(r.id), c.keys.Members(r.id)
	switch {
	case len(r.members) == 0 && len(r.restraints) == 0 && r.rules == "" && (visibility == chat.Deleted || len(r.fields) == 0): // it may be gone by now
	case visibility == chat.Deleted:
		r.add(FaultRoomMissing, members, "", "there are %d, and the room was deleted", len(r.members))
	case len(r.fields) == 0 && len(r.members) == 0:
		r.add(FaultRoomMissing, members, "", "there are rules, bans or mutes, and %s is not there", key)
	case len(r.fields) == 0:
		r.add(FaultRoomMissing, members, "", "there are %d, and %s is not there", len(r.members), key)
	default:
		r.add(FaultRoom, key, layout.VisibilityField, "visibility is %q", visibility)
	}
}

// readRoom reads a room and its members in one transaction. The number of members is limited.
func (c *Checker) readRoom(ctx context.Context, id chat.ID) (checkedRoom, error) {
	var fields, members, restraints *redis.MapStringStringCmd
	_, err := c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		fields = p.HGetAll(ctx, c.keys.Room(id))
		members = p.HGetAll(ctx, c.keys.Members(id))
		restraints = p.HGetAll(ctx, c.keys.Restraints(id))
		return nil
	})
	if err != nil {
		return checkedRoom{}, fmt.Errorf("read room %s: %w", id, err)
	}
	r := checkedRoom{id: id, fields: fields.Val(), members: members.Val(), restraints: restraints.Val()}
	r.rules = r.members[layout.RulesMember]
	delete(r.members, layout.RulesMember)
	return r, nil
}

// judgeMembers judges a room's members, and its number of admins by them. It returns the sound members.
func (c *Checker) judgeMembers(r *checkedRoom) (sound []chat.Member) {
	admins := 0
	for _, user := range slices.Sorted(maps.Keys(r.members)) {
		m, err := layout.ParseMember(user, r.members[user])
		if m.Role == chat.Admin {
			admins++
		}
		if err != nil || m.Role != chat.Admin && m.Role != chat.PlainMember || !isPosition(m.Since) || !isUser(user) {
			r.add(FaultRoomMember, c.keys.Members(r.id), user, "member %q is %q", user, r.members[user])
			continue
		}
		sound = append(sound, m)
	}
	if number, err := strconv.Atoi(r.fields[layout.AdminsField]); err != nil || number != admins {
		r.add(FaultRoomAdmins, c.keys.Room(r.id), "", "admins is %q, and %d members are", r.fields[layout.AdminsField], admins)
	}
	return sound
}

// judgeListed judges whether a room is in the lists of its members. A member with the same notice before and after the
// list was read was a member throughout.
func (c *Checker) judgeListed(ctx context.Context, r *checkedRoom, members []chat.Member) error {
	lookups := make([]lookup, len(members))
	for i, m := range members {
		lookups[i] = lookup{c.keys.Chats(m.User), r.id.String()}
	}
	absent, err := c.absent(ctx, lookups)
	if err != nil || !slices.Contains(absent, true) {
		return err
	}
	after, err := c.readRoom(ctx, r.id)
	if err != nil {
		return err
	}
	for i, m := range members {
		still, err := layout.ParseMember(m.User, after.members[m.User])
		if !absent[i] || err != nil || still.Since != m.Since {
			continue
		}
		fault := Fault{Kind: FaultRoomUnlisted, Key: c.keys.Room(r.id), Detail: lookups[i].key + " does not have the room"}
		listed := float64(time.Now().UnixMicro())
		r.found = append(r.found, finding{Fault: fault, of: m.User, mend: c.listing(lookups[i], listed)})
	}
	return nil
}

// judgePublicRoom notes a public room that is not in im:rooms. It is judged at the end.
func (c *Checker) judgePublicRoom(ctx context.Context, id chat.ID) error {
	absent, err := c.absent(ctx, []lookup{{c.keys.PublicRooms(), id.String()}})
	if err == nil && absent[0] {
		c.unlisted[id.String()] = struct{}{}
	}
	return err
}

// isPosition reports whether a message or a notice may have this position.
func isPosition(at int64) bool { return at > 0 && at <= chat.MaxSendTime }

// isUser reports whether a user may have this name.
func isUser(name string) bool {
	_, err := chat.ParseID(name + ":" + name)
	return err == nil
}

// wrongTypes finds the keys of another type.
func (c *Checker) wrongTypes(ctx context.Context, want string, keys ...string) ([]finding, error) {
	var found []finding
	for _, key := range keys {
		got, err := c.redis.Type(ctx, key).Result()
		if err != nil {
			return nil, fmt.Errorf("type of %s: %w", printable(key), err)
		}
		if fault, wrong := wrongType(key, got, want); wrong {
			found = append(found, finding{Fault: fault})
		}
	}
	return found, nil
}

// judgeRules judges the rules and restraints of a room.
func (c *Checker) judgeRules(r *checkedRoom) {
	stored := r.fields[layout.RulesField]
	_, users, known := layout.ParseRules(stored)
	switch {
	case !known:
		r.add(FaultRoomRules, c.keys.Room(r.id), layout.RulesField, "rules are %q", stored)
	case stored != r.rules:
		r.add(FaultRoomRules, c.keys.Members(r.id), layout.RulesField, "rules are %q, and %q in the room", r.rules, stored)
	case users != (len(r.restraints) > 0):
		r.add(FaultRoomRules, c.keys.Restraints(r.id), layout.RulesField, "there are %d, and rules are %q", len(r.restraints), stored)
	}
	if _, known := layout.ParsePins(r.fields[layout.PinsField]); !known {
		r.add(FaultRoomRules, c.keys.Room(r.id), layout.PinsField, "pins are %q", r.fields[layout.PinsField])
	}
	for _, field := range slices.Sorted(maps.Keys(r.restraints)) {
		restraint, known := layout.ParseRestraint(field, r.restraints[field])
		if !known || !isUser(restraint.User) || !isPosition(restraint.Since) {
			r.add(FaultRoomRules, c.keys.Restraints(r.id), field, "%q is %q", field, r.restraints[field])
		}
	}
}
