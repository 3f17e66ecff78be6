package chat

import (
	"context"
	"slices"
)

// ban removes a user from the room and keeps the user out of it. An admin may be banned as an admin may be removed.
func (c *change) ban(room StoredRoom, e *RoomEdit) error {
	user := c.asked.Users[0]
	if user == c.who.user {
		return Errorf(InvalidArgument, "%s cannot ban %s; leave the room instead", user, user)
	}
	if !c.restrain(Ban, room, e) {
		return nil
	}
	if m, member := room.Members[user]; member {
		c.part(room, e, UserBanned, []Member{m})
	} else {
		e.IfMembers = append(e.IfMembers, Member{User: user})
		c.tell(e, UserBanned, user)
		e.Tell, e.Revoked = true, []string{user} // a user who is not a member may read a public room
	}
	e.Emptied = false // the room stays with its bans
	e.Notices[0] = c.restraintNotice(UserBanned)
	return nil
}

func (c *change) mute(room StoredRoom, e *RoomEdit) error {
	user := c.asked.Users[0]
	m := room.Members[user]
	if m.Role == Admin {
		return Errorf(Conflict, "%s is an admin of room %s, and admins cannot be muted; demote the user first", user, e.Room)
	}
	if c.restrain(Mute, room, e) {
		e.IfMembers = append(e.IfMembers, Member{User: user, Role: m.Role, Since: m.Since})
		e.Notices = append(e.Notices, c.restraintNotice(MemberMuted))
	}
	return nil
}

// restrain adds the restraint to the edit. It is false if the user has the same one.
func (c *change) restrain(kind RestraintKind, room StoredRoom, e *RoomEdit) bool {
	user := c.asked.Users[0]
	wanted := Restraint{Kind: kind, User: user, Until: c.asked.Until, By: c.who.name, Reason: c.asked.Reason}
	known, restrained := room.restraint(kind, user)
	_, member := room.Members[user]
	if restrained && known.Until == wanted.Until && known.Reason == wanted.Reason && !(kind == Ban && member) {
		return false
	}
	e.Restrain = append(e.Restrain, wanted)
	return true
}

func (c *change) restraintNotice(event NoticeEvent) Message {
	return unnamed(notice(c.who.name, Notice{Event: event, Users: c.asked.Users, Name: FormatUntil(c.asked.Until)}))
}

func (c *change) unban(room StoredRoom, e *RoomEdit) error {
	return c.release(Ban, UserUnbanned, room, e)
}

func (c *change) unmute(room StoredRoom, e *RoomEdit) error {
	return c.release(Mute, MemberUnmuted, room, e)
}

func (c *change) release(kind RestraintKind, event NoticeEvent, room StoredRoom, e *RoomEdit) error {
	if known, restrained := room.restraint(kind, c.asked.Users[0]); restrained {
		e.Release = append(e.Release, known)
		c.tell(e, event, known.User)
	}
	return nil
}

func (c *change) slow(room StoredRoom, e *RoomEdit) error {
	if room.Rules.SlowMode == c.asked.SlowMode {
		return nil
	}
	wanted := room.Rules
	wanted.SlowMode = c.asked.SlowMode
	e.IfRules, e.Rules = &room.Rules, &wanted
	e.Notices = append(e.Notices, unnamed(notice(c.who.name, Notice{Event: SlowModeChanged, Name: FormatRetention(wanted.SlowMode)})))
	return nil
}

// unnamed leaves the time in the text of a notice only: clients take the name of a notice for the room's new one.
func unnamed(m Message) Message {
	m.Notice.Name = ""
	return m
}

func (c *change) announce(room StoredRoom, e *RoomEdit) error {
	return c.setAnnounce(true, AnnounceBegun, room, e)
}

func (c *change) discuss(room StoredRoom, e *RoomEdit) error {
	return c.setAnnounce(false, AnnounceEnded, room, e)
}

func (c *change) setAnnounce(wanted bool, event NoticeEvent, room StoredRoom, e *RoomEdit) error {
	if room.Rules.Announce == wanted {
		return nil
	}
	rules := room.Rules
	rules.Announce = wanted
	e.IfRules, e.Rules = &room.Rules, &rules
	c.tell(e, event)
	return nil
}

// pin adds a message to the pinned ones, the latest last. The store checks that there is such a message.
func (c *change) pin(room StoredRoom, e *RoomEdit) error {
	if slices.Contains(room.Pins, c.asked.Ref) {
		return nil
	}
	pins := room.shownPins()
	if len(pins) >= MaxPins {
		return Errorf(Conflict, "room %s has %d pinned messages, which is the limit; unpin one first", e.Room, MaxPins)
	}
	c.setPins(room, e, append(pins, c.asked.Ref), MessagePinned)
	e.Pin = c.asked.Ref
	return nil
}

func (c *change) unpin(room StoredRoom, e *RoomEdit) error {
	if !slices.Contains(room.Pins, c.asked.Ref) {
		return nil
	}
	pins := slices.DeleteFunc(room.shownPins(), func(at int64) bool { return at == c.asked.Ref })
	c.setPins(room, e, pins, MessageUnpinned)
	return nil
}

func (c *change) setPins(room StoredRoom, e *RoomEdit, pins []int64, event NoticeEvent) {
	if pins == nil {
		pins = []int64{}
	}
	e.IfPins, e.Pins = room.Pins, pins
	e.Notices = append(e.Notices, notice(c.who.name, Notice{Event: event, Ref: c.asked.Ref}))
}

// shownPins returns the pins whose messages are still there.
func (r StoredRoom) shownPins() []int64 {
	var shown []int64
	for _, at := range r.Pins {
		if at >= r.Oldest {
			shown = append(shown, at)
		}
	}
	return shown
}

// refuseBanned refuses a change that makes a banned user a member.
func (e *RoomEdit) refuseBanned(room StoredRoom) error {
	for _, m := range e.Set {
		if ban, banned := room.banOf(m.User); banned && m.Since == 0 {
			return Banned(e.Room, m.User, ban.Until)
		}
	}
	return nil
}

// audited returns the action of the audit log that a change is, and the users it is about; "" for one that is no
// moderation. Removing and banning others is, changing the room's name is not.
func (r RoomChange) audited() AuditAction {
	switch r.Kind {
	case BanUser, UnbanUser, MuteMember, UnmuteMember, SlowRoom, AnnounceRoom, DiscussRoom, RemoveMembers:
		return AuditAction(r.Kind)
	}
	return ""
}

// audit keeps the entry of a change before it is made, so that none is made without one. Anonymous callers have none.
func (s *RoomService) audit(ctx context.Context, who acting, id ID, r RoomChange) error {
	action := r.audited()
	if action == "" || who.any || s.options.Auditor == nil {
		return nil
	}
	entry := AuditEntry{Action: action, Chat: id.String(), Reason: r.Reason, Ref: r.Ref, RequestID: cutTo(r.RequestID, MaxServiceBytes)}
	if len(r.Users) == 1 {
		entry.User = r.Users[0]
	}
	entry.By, entry.ByUser = auditor(callerOf(ctx))
	return orNil(s.options.Auditor.Record(ctx, entry))
}

// auditor returns the caller as an entry of the audit log names it.
func auditor(by Caller) (name string, user bool) {
	return cutTo(by.User, MaxServiceBytes), !by.Service
}
