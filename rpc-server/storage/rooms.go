package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var _ chat.RoomStore = (*Store)(nil)

// ReadRooms implements chat.RoomReader.
func (s *Store) ReadRooms(ctx context.Context, queries []chat.RoomQuery) ([]chat.StoredRoom, error) {
	reads := make([]roomRead, len(queries))
	const each = 3
	errs := s.nodes.Calls(ctx, each*len(queries), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return s.queueRoom(ctx, pipeline, queries[i/each], &reads[i/each], i%each)
		},
		Key: func(i int) string { return s.keys.Room(queries[i/each].Room) },
	})
	rooms := make([]chat.StoredRoom, len(queries))
	for i, err := range errs {
		if err != nil && !errors.Is(err, redis.Nil) { // there is no newest
			return nil, callError(fmt.Sprintf("read room %s", queries[i/each].Room), err)
		}
	}
	for i, q := range queries {
		var err error
		if rooms[i], err = reads[i].room(q); err != nil {
			return nil, fmt.Errorf("read room %s: %w", q.Room, err)
		}
		rooms[i].Oldest = s.oldestIn(q.Room, s.oldest())
	}
	if err := s.readOldest(ctx, queries, rooms); err != nil {
		return nil, err
	}
	return rooms, s.readRestrained(ctx, queries, reads, rooms)
}

// readOldest raises Oldest to the first message of the log, in rooms with pins whose queries ask for it.
func (s *Store) readOldest(ctx context.Context, queries []chat.RoomQuery, rooms []chat.StoredRoom) error {
	var with []int
	for i, q := range queries {
		if q.Pins && len(rooms[i].Pins) > 0 {
			with = append(with, i)
		}
	}
	if len(with) == 0 {
		return nil
	}
	logOf := func(i int) string { return s.keys.Log(queries[with[i]].Room) }
	calls := make([]*redis.ZSliceCmd, len(with))
	errs := s.nodes.Calls(ctx, len(with), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = pipeline.ZRangeWithScores(ctx, logOf(i), 0, 0)
			return calls[i]
		},
		Key: logOf,
	})
	if err := errors.Join(errs...); err != nil {
		return callError("look which pinned messages are there", err)
	}
	for i, k := range with {
		oldest := int64(chat.MaxSendTime + 1)
		if first := calls[i].Val(); len(first) > 0 {
			oldest = int64(first[0].Score)
		}
		rooms[k].Oldest = max(rooms[k].Oldest, oldest)
	}
	return nil
}

// roomRead has the parts of a room. Each may be of another moment: a change of the room compares them.
type roomRead struct {
	fields *redis.SliceCmd
	count  *redis.IntCmd
	some   *redis.SliceCmd
	all    *redis.MapStringStringCmd
	newest *redis.FloatCmd

	restricted bool // the room has bans or mutes
}

func (s *Store) queueRoom(ctx context.Context, pipeline redis.Pipeliner, q chat.RoomQuery, r *roomRead, part int) redis.Cmder {
	switch {
	case part == 0:
		r.fields = pipeline.HMGet(ctx, s.keys.Room(q.Room), layout.VisibilityField, layout.NameField, layout.CreatedField, layout.AdminsField, layout.ReservedField, layout.HeirsField, layout.RetentionField,
			layout.RulesField, layout.PinsField)
		return r.fields
	case part == 1:
		r.count = pipeline.HLen(ctx, s.keys.Members(q.Room))
		return r.count
	case q.All:
		r.all = pipeline.HGetAll(ctx, s.keys.Members(q.Room))
		return r.all
	case q.Log:
		_, _, activity := s.keys.Append(q.Room)
		r.newest = pipeline.ZScore(ctx, activity, q.Room.String())
		return r.newest
	case len(q.Users) == 0:
		return pipeline.Ping(ctx) // each room has as many commands
	}
	r.some = pipeline.HMGet(ctx, s.keys.Members(q.Room), q.Users...)
	return r.some
}

func (r *roomRead) room(q chat.RoomQuery) (chat.StoredRoom, error) {
	text := func(i int) string {
		value, _ := r.fields.Val()[i].(string)
		return value
	}
	number := func(i int) (int64, error) {
		if text(i) == "" {
			return 0, nil
		}
		return strconv.ParseInt(text(i), 10, 64)
	}
	room := chat.StoredRoom{
		Visibility: chat.Visibility(text(0)), Name: text(1), Count: int(r.count.Val()), Members: map[string]chat.Member{},
	}
	var err error
	if room.Created, err = number(2); err != nil {
		return room, err
	}
	admins, err := number(3)
	if err != nil {
		return room, err
	}
	room.Admins = int(admins)
	if room.Reserved, err = number(4); err != nil {
		return room, err
	}
	retention, err := number(6)
	if err != nil {
		return room, err
	}
	room.Retention = time.Duration(retention) * time.Microsecond
	var known, pinned bool
	room.Rules, r.restricted, known = layout.ParseRules(text(7))
	if room.Pins, pinned = layout.ParsePins(text(8)); !known || !pinned {
		return room, fmt.Errorf("its rules are %q and its pins %q", text(7), text(8))
	}
	if text(7) != "" {
		room.Count-- // the members have the rules too
	}
	room.Heirs, room.Logged = strings.Fields(text(5)), r.newest != nil && r.newest.Val() > 0
	values := map[string]string{}
	if r.all != nil {
		values = r.all.Val()
	}
	if r.some != nil {
		for i, value := range r.some.Val() {
			if value, member := value.(string); member {
				values[q.Users[i]] = value
			}
		}
	}
	for user, value := range values {
		if user == layout.RulesMember {
			continue
		}
		if room.Members[user], err = layout.ParseMember(user, value); err != nil {
			return room, err
		}
	}
	return room, nil
}

// EditRoom implements chat.RoomStore with room.lua. Lists have a room before it belongs there, and lose it later.
func (s *Store) EditRoom(ctx context.Context, e chat.RoomEdit) (chat.EditOutcome, int64, error) {
	tried := fmt.Sprintf("change room %s", e.Room)
	if err := s.listBefore(ctx, e); err != nil {
		return 0, 0, userError(tried, err)
	}
	if err := s.noteRetention(ctx, e); err != nil {
		return 0, 0, userError(tried, err)
	}
	if e.Pin > 0 && e.Pin < s.oldestIn(e.Room, s.oldest()) {
		return chat.EditNoMessage, 0, nil
	}
	reply, err := s.runUser(ctx, roomScript, s.keys.RoomKeys(e.Room), s.roomArgs(e, false)...)
	if err != nil {
		return 0, 0, roomError(tried, err)
	}
	if reply > 0 {
		s.retained(ctx, e)
		s.tellListed(ctx, membersOf(e))
		s.unlistAfter(ctx, e)
		s.listAgain(ctx, e)
	}
	return editOutcome(reply), reply, nil
}

// DropRoom implements chat.RoomStore with room.lua.
func (s *Store) DropRoom(ctx context.Context, e chat.RoomEdit) (chat.EditOutcome, error) {
	e.Tell, e.Revoked, e.Visibility = true, nil, chat.Deleted
	if !e.Emptied {
		e.MaxMembers = 0 // however many there are
	}
	reply, err := s.runUser(ctx, roomScript, s.keys.RoomKeys(e.Room), s.roomArgs(e, true)...)
	if err != nil {
		return 0, roomError(fmt.Sprintf("delete room %s", e.Room), err)
	}
	if reply > 0 {
		s.unlistAfter(ctx, e)
	}
	return editOutcome(reply), nil
}

// membersOf are the room in the lists of those who become members, or are none any more.
func membersOf(e chat.RoomEdit) (entries []layout.ListEntry) {
	for _, m := range e.Set {
		if m.Since == 0 {
			entries = append(entries, layout.ListEntry{User: m.User, Chat: e.Room})
		}
	}
	for _, user := range e.Remove {
		entries = append(entries, layout.ListEntry{User: user, Chat: e.Room})
	}
	return entries
}

// editOutcome reads the answer of room.lua.
func editOutcome(reply int64) chat.EditOutcome {
	switch reply {
	case 0:
		return chat.EditNoPositions
	case -1:
		return chat.EditStale
	case -2:
		return chat.EditTooMany
	case -3:
		return chat.EditNotEmpty
	case -4:
		return chat.EditNoMessage
	case -5:
		return chat.EditRestrained
	}
	return chat.Edited
}

// roomArgs are those of room.lua.
func (s *Store) roomArgs(e chat.RoomEdit, drop bool) []any {
	var event []byte
	if e.Tell {
		event = layout.EncodeEvent(chat.Event{Chat: e.Room, Kind: chat.MembersChanged, Users: e.Revoked, Deleted: drop})
	}
	admins := ""
	if e.IfAdmins >= 0 {
		admins = strconv.Itoa(e.IfAdmins)
	}
	tag := s.keys.Partition(e.Room)
	args := []any{
		e.Room.String(), s.now(), s.options.Retention.Microseconds(), s.options.MaxChatMessages, s.publish,
		s.keys.Hints(tag), s.keys.News(tag), event, e.MaxMembers, oneIf(e.IfEmpty), admins, oneIf(drop), e.Reserve.Microseconds(),
	}
	ifRoom := []any{layout.VisibilityField, string(e.IfVisibility)}
	if e.IfReserved > 0 {
		ifRoom = append(ifRoom, layout.ReservedField, strconv.FormatInt(e.IfReserved, 10))
	}
	var ifMembers, fields, memberArgs, notices, restrain, mustExist []any
	if e.IfRules != nil {
		ifRoom = append(ifRoom, layout.RulesField, layout.FormatRules(*e.IfRules))
	}
	if e.Rules != nil {
		fields = append(fields, layout.RulesField, layout.FormatRules(*e.Rules))
	}
	if e.Pins != nil {
		ifRoom = append(ifRoom, layout.PinsField, layout.FormatPins(e.IfPins))
		fields = append(fields, layout.PinsField, layout.FormatPins(e.Pins))
	}
	if e.Pin > 0 {
		mustExist = append(mustExist, layout.FormatPins([]int64{e.Pin}))
	}
	for _, r := range e.Restrain {
		restrain = append(restrain, layout.RestraintField(r.Kind, r.User), strconv.FormatInt(r.Until, 10), layout.FormatRestraint(r))
	}
	for _, r := range e.Release {
		restrain = append(restrain, layout.RestraintField(r.Kind, r.User), "", "")
	}
	for _, m := range e.IfMembers {
		ifMembers = append(ifMembers, m.User, layout.FormatMember(m))
	}
	if e.Name != nil {
		fields = append(fields, layout.NameField, *e.Name)
	}
	if e.Visibility != "" {
		fields = append(fields, layout.VisibilityField, string(e.Visibility))
	}
	if e.Created {
		fields = append(fields, layout.CreatedField, "")
	}
	if e.Retention != nil {
		fields = append(fields, layout.RetentionField, strconv.FormatInt(e.Retention.Microseconds(), 10))
	}
	for _, m := range e.Set {
		since := ""
		if m.Since != 0 {
			since = strconv.FormatInt(m.Since, 10)
		}
		memberArgs = append(memberArgs, m.User, string(m.Role), since)
	}
	for _, user := range e.Remove {
		memberArgs = append(memberArgs, user, "", "")
	}
	for _, m := range e.Notices {
		notices = append(notices, layout.Encode(m))
	}
	for _, list := range [][]any{ifRoom, ifMembers, fields, memberArgs, notices, restrain, mustExist} {
		args = append(append(args, len(list)), list...)
	}
	return append(args, chat.MaxRestraints)
}

func oneIf(yes bool) string {
	if yes {
		return "1"
	}
	return ""
}
