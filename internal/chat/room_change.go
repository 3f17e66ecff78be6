package chat

import (
	"maps"
	"slices"
)

// rule implements a kind of change. It fills in an edit, or leaves it without notices if nothing changes.
type rule func(c *change, room StoredRoom, e *RoomEdit) error

// change is a RoomChange in progress.
type change struct {
	who   acting
	asked RoomChange
	rule  rule
	all   bool // the rule needs all members
	read  bool // all members were read
}

// rules has all kinds of changes. Those with adminsOnly are for admins.
var rules = map[ChangeKind]struct {
	rule       rule
	adminsOnly bool
	users      bool // the change names users
}{
	JoinRoom:      {rule: (*change).join},
	LeaveRoom:     {rule: (*change).leave},
	AddMembers:    {rule: (*change).add, adminsOnly: true, users: true},
	RemoveMembers: {rule: (*change).remove, adminsOnly: true, users: true},
	PromoteMember: {rule: (*change).promote, adminsOnly: true, users: true},
	DemoteAdmin:   {rule: (*change).demote, adminsOnly: true, users: true},
	RenameRoom:    {rule: (*change).rename, adminsOnly: true},
	OpenRoom:      {rule: (*change).open, adminsOnly: true},
	CloseRoom:     {rule: (*change).close, adminsOnly: true},
	UpdateRoom:    {rule: (*change).update, adminsOnly: true},
	RetainRoom:    {rule: (*change).retain, adminsOnly: true},
	DeleteRoom:    {rule: (*change).drop, adminsOnly: true},
	BanUser:       {rule: (*change).ban, adminsOnly: true, users: true},
	UnbanUser:     {rule: (*change).unban, adminsOnly: true, users: true},
	MuteMember:    {rule: (*change).mute, adminsOnly: true, users: true},
	UnmuteMember:  {rule: (*change).unmute, adminsOnly: true, users: true},
	SlowRoom:      {rule: (*change).slow, adminsOnly: true},
	AnnounceRoom:  {rule: (*change).announce, adminsOnly: true},
	DiscussRoom:   {rule: (*change).discuss, adminsOnly: true},
	PinMessage:    {rule: (*change).pin, adminsOnly: true},
	UnpinMessage:  {rule: (*change).unpin, adminsOnly: true},
}

func ruleOf(r RoomChange, who acting) (rule, error) {
	known, ok := rules[r.Kind]
	switch {
	case !ok:
		return nil, Errorf(InvalidArgument, "kind %q is unknown; it is one of join, leave, add, remove, promote, demote, rename, open, close, update, retain, delete, ban, unban, mute, unmute, slow, announce, discuss, pin or unpin", r.Kind)
	case known.users && len(r.Users) == 0:
		return nil, Errorf(InvalidArgument, "users is empty")
	case !known.adminsOnly:
		return known.rule, who.named()
	}
	if err := checkLabel(r.Name, MaxRoomNameBytes); err != nil {
		return nil, err
	}
	if r.Kind == UpdateRoom {
		if err := checkVisibility(r.Visibility); err != nil {
			return nil, err
		}
	}
	if err := checkRetention(r.Retention); err != nil {
		return nil, err
	}
	if err := r.checkModeration(); err != nil {
		return nil, err
	}
	return func(c *change, room StoredRoom, e *RoomEdit) error {
		if err := c.checkAdmin(room, e); err != nil {
			return err
		}
		return known.rule(c, room, e)
	}, nil
}

// query returns the query for the parts of the room that the change needs.
func (c *change) query(id ID) RoomQuery {
	c.read = c.all
	if c.all {
		return RoomQuery{Room: id, All: true, Users: c.asked.Users, Pins: true}
	}
	users := slices.Clone(c.asked.Users)
	if c.who.user != "" {
		users = append(users, c.who.user)
	}
	return RoomQuery{Room: id, Users: users, Pins: true}
}

// decide returns the edit, or nil if nothing changes, or if the change needs all members first.
func (c *change) decide(id ID, room StoredRoom) (*RoomEdit, error) {
	e := &RoomEdit{Room: id, IfVisibility: room.Visibility, IfAdmins: -1}
	if err := c.rule(c, room, e); err != nil {
		return nil, err
	}
	if err := e.refuseBanned(room); err != nil {
		return nil, err
	}
	if c.all != c.read || len(e.Notices) == 0 && c.asked.Kind != DeleteRoom {
		return nil, nil
	}
	return e, nil
}

// invites reports whether the change names users who become members or admins. A handover names none.
func (c *change) invites() bool {
	switch c.asked.Kind {
	case JoinRoom, AddMembers, PromoteMember:
		return true
	}
	return false
}

func (c *change) tell(e *RoomEdit, event NoticeEvent, users ...string) {
	e.Notices = append(e.Notices, notice(c.who.name, Notice{Event: event, Users: users}))
}

// checkAdmin refuses users who are not admins, and makes the role a condition of the edit.
func (c *change) checkAdmin(room StoredRoom, e *RoomEdit) error {
	if err := c.who.checkAdmin(e.Room, room); err != nil || c.who.free {
		return err
	}
	e.IfMembers = append(e.IfMembers, room.Members[c.who.user])
	return nil
}

func (c *change) join(room StoredRoom, e *RoomEdit) error {
	user := c.who.user
	if _, member := room.Members[user]; member {
		return nil
	}
	if room.Visibility != Public {
		return Errorf(PermissionDenied, "room %s is private: an admin can add %s", e.Room, user)
	}
	c.enter(room, e, []string{user})
	c.tell(e, MemberJoined, user)
	return nil
}

// enter makes users members. In a room without an admin, the first of them becomes admin.
func (c *change) enter(room StoredRoom, e *RoomEdit, users []string) {
	for i, user := range users {
		role := PlainMember
		if room.Admins == 0 && i == 0 {
			role, e.IfAdmins = Admin, 0
		}
		e.IfMembers = append(e.IfMembers, Member{User: user})
		e.Set = append(e.Set, Member{User: user, Role: role})
	}
}

func (c *change) add(room StoredRoom, e *RoomEdit) error {
	users := slices.DeleteFunc(slices.Clone(c.asked.Users), func(user string) bool {
		_, member := room.Members[user]
		return member
	})
	if len(users) > 0 {
		c.enter(room, e, users)
		c.tell(e, MemberAdded, users...)
	}
	return nil
}

func (c *change) leave(room StoredRoom, e *RoomEdit) error {
	if me, member := room.Members[c.who.user]; member {
		c.part(room, e, MemberLeft, []Member{me})
	}
	return nil
}

func (c *change) remove(room StoredRoom, e *RoomEdit) error {
	var gone []Member
	for _, user := range c.asked.Users {
		if m, member := room.Members[user]; member {
			gone = append(gone, m)
		}
	}
	if len(gone) > 0 {
		c.part(room, e, MemberRemoved, gone)
	}
	return nil
}

// part removes members. If no admin is left, the member with the oldest membership becomes admin.
func (c *change) part(room StoredRoom, e *RoomEdit, event NoticeEvent, gone []Member) {
	admins := room.Admins
	for _, m := range gone {
		e.IfMembers = append(e.IfMembers, m)
		e.Remove = append(e.Remove, m.User)
		if m.Role == Admin {
			admins--
		}
	}
	c.tell(e, event, e.Remove...)
	e.Tell, e.Revoked = true, e.Remove
	if room.Visibility == Private && room.Count == len(gone) {
		e.Emptied = true
		return
	}
	if admins == room.Admins {
		return
	}
	e.IfAdmins = room.Admins
	if admins > 0 || room.Count == len(gone) {
		return
	}
	if c.all = true; !c.read {
		return
	}
	for _, m := range standing(room.Members) {
		if !slices.Contains(e.Remove, m.User) {
			e.IfMembers = append(e.IfMembers, m)
			e.Set = []Member{{User: m.User, Role: Admin, Since: m.Since}}
			c.tell(e, HandedOver, m.User)
			return
		}
	}
}

func (c *change) promote(room StoredRoom, e *RoomEdit) error {
	return c.assign(room, e, Admin, MemberPromoted)
}

func (c *change) demote(room StoredRoom, e *RoomEdit) error {
	if err := c.assign(room, e, PlainMember, MemberDemoted); err != nil {
		return err
	}
	if len(e.Set) > 0 && len(e.Set) >= room.Admins {
		return Errorf(Conflict, "room %s would have no admin", e.Room)
	}
	e.IfAdmins = room.Admins
	return nil
}

func (c *change) assign(room StoredRoom, e *RoomEdit, role Role, event NoticeEvent) error {
	var users []string
	for _, user := range c.asked.Users {
		m, member := room.Members[user]
		if !member {
			return Errorf(NotFound, "%s is not a member of room %s", user, e.Room)
		}
		if m.Role != role {
			users = append(users, user)
			e.IfMembers = append(e.IfMembers, m)
			e.Set = append(e.Set, Member{User: user, Role: role, Since: m.Since})
		}
	}
	if len(users) > 0 {
		c.tell(e, event, users...)
	}
	return nil
}

func (c *change) rename(room StoredRoom, e *RoomEdit) error {
	if room.Name != c.asked.Name {
		e.Name = &c.asked.Name
		e.Notices = append(e.Notices, notice(c.who.name, Notice{Event: RoomRenamed, Name: c.asked.Name}))
	}
	return nil
}

func (c *change) open(room StoredRoom, e *RoomEdit) error {
	if room.Visibility != Public {
		e.Visibility = Public
		c.tell(e, RoomOpened)
	}
	return nil
}

func (c *change) close(room StoredRoom, e *RoomEdit) error {
	if room.Visibility != Private {
		e.Visibility, e.Tell = Private, true
		c.tell(e, RoomClosed)
	}
	return nil
}

// update changes the name and the visibility. An unchanged one has no notice.
func (c *change) update(room StoredRoom, e *RoomEdit) error {
	visibility := c.open
	if c.asked.Visibility == Private {
		visibility = c.close
	}
	if err := visibility(room, e); err != nil {
		return err
	}
	return c.rename(room, e)
}

func (c *change) retain(room StoredRoom, e *RoomEdit) error {
	if room.Retention != c.asked.Retention {
		e.Retention = &c.asked.Retention
		e.Notices = append(e.Notices, notice(c.who.name, Notice{Event: RetentionChanged, Name: FormatRetention(c.asked.Retention)}))
	}
	return nil
}

func (c *change) drop(StoredRoom, *RoomEdit) error { return nil }

// after returns the room after the edit, as far as an answer shows it.
func (e *RoomEdit) after(room StoredRoom) StoredRoom {
	members := make(map[string]Member, len(room.Members)+len(e.Set))
	maps.Copy(members, room.Members)
	for _, m := range e.Set {
		if _, member := members[m.User]; !member {
			room.Count++
		}
		members[m.User] = m
	}
	for _, user := range e.Remove {
		room.Count--
		delete(members, user)
	}
	room.Members = members
	if e.Name != nil {
		room.Name = *e.Name
	}
	if e.Visibility != "" {
		room.Visibility = e.Visibility
	}
	if e.Retention != nil {
		room.Retention = *e.Retention
	}
	if e.Rules != nil {
		room.Rules = *e.Rules
	}
	if e.Pins != nil {
		room.Pins = e.Pins
	}
	return room
}
