package chat

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// CreateRoom implements Rooms.
func (s *RoomService) CreateRoom(ctx context.Context, r NewRoom) (Room, error) {
	who, err := s.acting(ctx, r.As)
	if err == nil {
		err = who.named()
	}
	if err == nil {
		err = checkLabel(r.Name, MaxRoomNameBytes)
	}
	if err != nil {
		return Room{}, err
	}
	if r.ID == "" {
		r.ID = strings.ToLower(random(16))
	}
	id, err := parseRoom(r.ID)
	if err != nil {
		return Room{}, err
	}
	err = s.Access.checkNew("room", r.ID)
	if err == nil {
		err = s.Access.checkUnreserved("room", r.ID)
	}
	if err == nil {
		err = s.Access.checkNewUsers(append([]string{who.user}, r.Users...), callerOf(ctx))
	}
	if err != nil {
		return Room{}, err
	}
	r.Visibility = cmp.Or(r.Visibility, Private)
	if err := checkVisibility(r.Visibility); err != nil {
		return Room{}, err
	}
	if err := checkRetention(r.Retention); err != nil {
		return Room{}, err
	}
	users, err := checkUsers(r.Users)
	if err != nil {
		return Room{}, err
	}
	users = slices.DeleteFunc(users, func(user string) bool { return user == who.user })
	edit := RoomEdit{
		Room: id, IfAdmins: -1, Name: &r.Name, Visibility: r.Visibility, Created: true, MaxMembers: s.options.MaxMembers,
		Set:     []Member{{User: who.user, Role: Admin}},
		Notices: []Message{notice(who.user, Notice{Event: RoomCreated, Users: users, Name: r.Name})},
		IfEmpty: who.real, // a log without a room may be of other users
		// Followers of the id before the creation may lose access.
		Tell: r.Visibility == Private,
	}
	if r.Retention != 0 {
		edit.Retention = &r.Retention
	}
	for _, user := range users {
		edit.Set = append(edit.Set, Member{User: user, Role: PlainMember})
	}
	charges := append(s.options.NewChats.charges(newChats, 1), s.options.AddedMembers.charges(addedMembers, len(users))...)
	for range changeAttempts {
		before, err := s.read(ctx, RoomQuery{Room: id})
		if err != nil {
			return Room{}, err
		}
		if exists(id, before) == nil || !who.any && s.reserved(before, who.user) {
			return Room{}, errTaken(id)
		}
		edit.IfVisibility, edit.IfReserved = before.Visibility, before.Reserved
		if err := s.invite(ctx, who, edit.Set); err != nil {
			return Room{}, err
		}
		if err := s.spend(ctx, who, charges); err != nil {
			return Room{}, err
		}
		charges = nil
		outcome, at, err := s.store.EditRoom(ctx, edit)
		if err != nil || outcome != EditStale {
			made := Room{
				ID: r.ID, Name: r.Name, Visibility: r.Visibility, Created: at, Count: len(edit.Set), Role: Admin, Retention: r.Retention,
			}
			return made, s.outcome(id, outcome, err)
		}
	}
	return Room{}, errContended(id)
}

// reserved reports whether an id is reserved for other users, the last admins of the deleted room.
func (s *RoomService) reserved(before StoredRoom, user string) bool {
	now := time.Now
	if s.options.Now != nil {
		now = s.options.Now
	}
	return before.Visibility == Deleted && before.Reserved > now().UnixMicro() && !slices.Contains(before.Heirs, user)
}

// errTaken does not reveal the owner of the id: a room, a deleted room, or messages of other users.
func errTaken(id ID) error {
	return Errorf(Conflict, "the room id %s is taken; choose another one", id)
}
