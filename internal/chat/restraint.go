package chat

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of the moderation of a room.
const (
	MaxRestraints = 5000 // bans and mutes of a room
	MaxPins       = 50
	MaxSlowMode   = 6 * time.Hour
)

// RestraintKind is the kind of a restraint: a ban or a mute.
type RestraintKind string

// The kinds. Services and, of mutes, admins of the room are exempt.
const (
	Ban  RestraintKind = "ban"  // may neither join, nor be added, nor enter the room where it is public
	Mute RestraintKind = "mute" // may read, and neither send, edit nor react
)

// Restraint is a ban or a mute of a user in a room. It stays when the user leaves the room.
type Restraint struct {
	Kind   RestraintKind
	User   string
	Until  int64  // microseconds since 1970; 0 is for good
	Since  int64  // the position of its notice
	By     string // the admin, or "service:NAME"
	Reason string // for the room's admins; may be empty
}

// InEffect reports whether the restraint holds at a time.
func (r Restraint) InEffect(now int64) bool { return r.Until == 0 || r.Until > now }

// RoomRules are the rules of a room for all members but its admins.
type RoomRules struct {
	Announce bool          // only admins send
	SlowMode time.Duration // the pause between two messages of a member; 0 is none
}

// RestraintsRequest asks for a page of the bans or mutes of a room, sorted by the bytes of the users' ids.
type RestraintsRequest struct {
	Room   string
	Kind   RestraintKind
	As     string
	Cursor string // the first user, inclusive; "" is the beginning
	Limit  int64  // 0 is 100; MaxModerationPage at most
}

// RestraintPage answers a RestraintsRequest.
type RestraintPage struct {
	Restraints []Restraint
	HasMore    bool
	NextCursor string // "" at the end
}

// Restraints implements Rooms.
func (s *RoomService) Restraints(ctx context.Context, r RestraintsRequest) (RestraintPage, error) {
	who, err := s.acting(ctx, r.As)
	if err == nil && !who.free {
		err = who.named()
	}
	if err != nil {
		return RestraintPage{}, err
	}
	id, err := parseRoom(r.Room)
	if err == nil {
		err = checkNamePart("cursor", r.Cursor)
	}
	if err == nil && r.Kind != Ban && r.Kind != Mute {
		err = Errorf(InvalidArgument, "kind is %q; it is ban or mute", r.Kind)
	}
	var limit int
	if err == nil {
		limit, err = moderationLimit(r.Limit)
	}
	if err != nil {
		return RestraintPage{}, err
	}
	query := RoomQuery{Room: id}
	if who.user != "" {
		query.Users = []string{who.user}
	}
	stored, err := s.read(ctx, query)
	if err == nil {
		err = exists(id, stored)
	}
	if err == nil {
		err = who.checkAdmin(id, stored)
	}
	if err != nil {
		return RestraintPage{}, err
	}
	all, err := s.store.ReadRestraints(ctx, id)
	if err != nil {
		return RestraintPage{}, AsError(err)
	}
	return r.page(all, limit), nil
}

func (r RestraintsRequest) page(all []Restraint, limit int) RestraintPage {
	all = slices.DeleteFunc(all, func(a Restraint) bool { return a.Kind != r.Kind })
	slices.SortFunc(all, func(a, b Restraint) int { return strings.Compare(a.User, b.User) })
	first, _ := slices.BinarySearchFunc(all, r.Cursor, func(a Restraint, from string) int { return cmp.Compare(a.User, from) })
	page := RestraintPage{Restraints: all[first:]}
	if len(page.Restraints) > limit {
		page.HasMore, page.NextCursor = true, page.Restraints[limit].User
		page.Restraints = page.Restraints[:limit]
	}
	return page
}

// checkAdmin refuses users who are not admins of a room.
func (a acting) checkAdmin(id ID, stored StoredRoom) error {
	if a.free || stored.Members[a.user].Role == Admin {
		return nil
	}
	return Errorf(PermissionDenied, "%s is no admin of room %s", a.user, id)
}

// banOf returns the ban of a user that is in effect, if the room was read with it.
func (r StoredRoom) banOf(user string) (Restraint, bool) { return r.restraint(Ban, user) }

func (r StoredRoom) restraint(kind RestraintKind, user string) (Restraint, bool) {
	for _, one := range r.Restraints {
		if one.Kind == kind && one.User == user {
			return one, true
		}
	}
	return Restraint{}, false
}

// FormatUntil returns the end of a restraint for people and for notices; "" is for good.
func FormatUntil(until int64) string {
	if until == 0 {
		return ""
	}
	return time.UnixMicro(until).UTC().Format(time.RFC3339)
}

// untilText is FormatUntil for the end of a sentence.
func untilText(until int64) string {
	if until == 0 {
		return " for good"
	}
	return " until " + FormatUntil(until)
}

// Banned is the error for a user who is banned from a room.
func Banned(id ID, user string, until int64) error {
	return Errorf(PermissionDenied, "%s is banned from room %s%s", user, id, untilText(until))
}

// Muted is the error for a user who is muted in a room.
func Muted(id ID, user string, until int64) error {
	return Errorf(PermissionDenied, "%s is muted in room %s%s", user, id, untilText(until))
}

// Announced is the error for a member of a room where only admins send.
func Announced(id ID) error {
	return Errorf(PermissionDenied, "room %s is for announcements; only its admins send", id)
}

// TooSoon is the error for a member of a room in slow mode.
func TooSoon(id ID, wait time.Duration) error {
	return Wrap(RetryIn(wait), ResourceExhausted, "room "+id.String()+" is in slow mode; try again in "+wait.Round(time.Second).String())
}

// checkModeration validates the fields that only the kinds of moderation have.
func (r RoomChange) checkModeration() error {
	switch {
	case r.Until < 0 || r.Until > MaxCursor:
		return Errorf(InvalidArgument, "until is %d; give microseconds since 1970, or 0 for good", r.Until)
	case len(r.Reason) > MaxReasonBytes || !utf8.ValidString(r.Reason):
		return Errorf(InvalidArgument, "reason is longer than %d bytes, or not valid UTF-8", MaxReasonBytes)
	case r.SlowMode < 0 || r.SlowMode > MaxSlowMode || r.SlowMode%time.Second != 0:
		return Errorf(InvalidArgument, "slow_mode is %s; it is \"\" for none, or whole seconds up to %s", r.SlowMode, FormatRetention(MaxSlowMode))
	}
	switch r.Kind {
	case BanUser, UnbanUser, MuteMember, UnmuteMember:
		if len(r.Users) != 1 {
			return Errorf(InvalidArgument, "users has %d users; give one", len(r.Users))
		}
	case PinMessage, UnpinMessage:
		if r.Ref < 1 || r.Ref > MaxSendTime {
			return Errorf(InvalidArgument, "send_time is %d; give that of the message", r.Ref)
		}
	}
	return nil
}
