package chattest

import (
	"context"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

// CreateRoom implements chat.Rooms.
func (s OverHTTP) CreateRoom(ctx context.Context, r chat.NewRoom) (chat.Room, error) {
	made, err := s.as(ctx).RoomsAs(r.As).Create(ctx, client.NewRoom{
		ID: r.ID, Name: r.Name, Visibility: string(r.Visibility), Users: r.Users,
		Retention: chat.FormatRetention(r.Retention),
	})
	return roomFrom(made, err)
}

// Room implements chat.Rooms.
func (s OverHTTP) Room(ctx context.Context, r chat.RoomRequest) (chat.Room, error) {
	return roomFrom(s.as(ctx).RoomsAs(r.As).ShowFrom(ctx, r.Room, r.Cursor, int(r.Limit)))
}

// RoomsOf implements chat.Rooms.
func (s OverHTTP) RoomsOf(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return roomPage(s.as(ctx).RoomsAs(r.As).Mine(ctx, r.Cursor, int(r.Limit)))
}

// PublicRooms implements chat.Rooms.
func (s OverHTTP) PublicRooms(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return roomPage(s.as(ctx).RoomsAs(r.As).Public(ctx, r.Cursor, int(r.Limit)))
}

// ChangeRoom implements chat.Rooms. A client changes one member at a time, except those that it adds, and either the name
// or the visibility.
func (s OverHTTP) ChangeRoom(ctx context.Context, r chat.RoomChange) (chat.Room, error) {
	rooms := s.as(ctx).RoomsAs(r.As)
	switch r.Kind {
	case chat.JoinRoom:
		return roomFrom(rooms.Join(ctx, r.Room))
	case chat.LeaveRoom:
		return roomFrom(rooms.Leave(ctx, r.Room))
	case chat.AddMembers:
		return roomFrom(rooms.Add(ctx, r.Room, r.Users...))
	case chat.RenameRoom:
		return roomFrom(rooms.Rename(ctx, r.Room, r.Name))
	case chat.OpenRoom:
		return roomFrom(rooms.Open(ctx, r.Room))
	case chat.CloseRoom:
		return roomFrom(rooms.Close(ctx, r.Room))
	case chat.RetainRoom:
		return roomFrom(rooms.Retain(ctx, r.Room, chat.FormatRetention(r.Retention)))
	case chat.SlowRoom:
		return roomFrom(rooms.SlowMode(ctx, r.Room, chat.FormatRetention(r.SlowMode)))
	case chat.AnnounceRoom, chat.DiscussRoom:
		return roomFrom(rooms.Announce(ctx, r.Room, r.Kind == chat.AnnounceRoom))
	case chat.PinMessage:
		return roomFrom(rooms.Pin(ctx, r.Room, r.Ref))
	case chat.UnpinMessage:
		return roomFrom(rooms.Unpin(ctx, r.Room, r.Ref))
	case chat.DeleteRoom:
		return chat.Room{}, answered(rooms.Delete(ctx, r.Room))
	}
	if len(r.Users) == 1 {
		switch r.Kind {
		case chat.BanUser:
			return roomFrom(rooms.Ban(ctx, r.Room, r.Users[0], until(r.Until), r.Reason))
		case chat.UnbanUser:
			return roomFrom(rooms.Unban(ctx, r.Room, r.Users[0], r.Reason))
		case chat.MuteMember:
			return roomFrom(rooms.Mute(ctx, r.Room, r.Users[0], until(r.Until), r.Reason))
		case chat.UnmuteMember:
			return roomFrom(rooms.Unmute(ctx, r.Room, r.Users[0], r.Reason))
		case chat.RemoveMembers:
			return roomFrom(rooms.Remove(ctx, r.Room, r.Users[0]))
		case chat.PromoteMember:
			return roomFrom(rooms.Assign(ctx, r.Room, r.Users[0], string(chat.Admin)))
		case chat.DemoteAdmin:
			return roomFrom(rooms.Assign(ctx, r.Room, r.Users[0], string(chat.PlainMember)))
		}
	}
	return chat.Room{}, fmt.Errorf("an HTTP client has no change %s of %d users", r.Kind, len(r.Users))
}

func roomFrom(read client.Room, err error) (chat.Room, error) {
	r := chat.Room{
		ID: read.ID, Name: read.Name, Visibility: chat.Visibility(read.Visibility), Created: read.Created, Count: read.Count,
		Role: chat.Role(read.Role), HasMore: read.HasMore, NextCursor: read.NextCursor,
	}
	var failed error
	if r.Retention, failed = chat.ParseRetention(read.Retention); err == nil {
		err = failed
	}
	r.Rules.Announce, r.Pins = read.Announce, read.Pinned
	if r.Rules.SlowMode, failed = chat.ParseSlowMode(read.SlowMode); err == nil {
		err = failed
	}
	for _, m := range read.Members {
		r.Members = append(r.Members, chat.Member{User: m.User, Role: chat.Role(m.Role), Since: m.Since})
	}
	return r, answered(err)
}

func roomPage(read client.RoomPage, err error) (chat.RoomPage, error) {
	page := chat.RoomPage{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, one := range read.Rooms {
		r, _ := roomFrom(one, nil)
		page.Rooms = append(page.Rooms, r)
	}
	return page, answered(err)
}

// until is the end of a restraint as clients have it.
func until(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}

// Restraints implements chat.Rooms.
func (s OverHTTP) Restraints(ctx context.Context, r chat.RestraintsRequest) (chat.RestraintPage, error) {
	list := s.as(ctx).RoomsAs(r.As).Bans
	if r.Kind == chat.Mute {
		list = s.as(ctx).RoomsAs(r.As).Mutes
	}
	read, err := list(ctx, r.Room, r.Cursor, r.Limit)
	page := chat.RestraintPage{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, one := range read.Restraints {
		page.Restraints = append(page.Restraints, chat.Restraint{
			Kind: r.Kind, User: one.User, Until: one.Until, Since: one.Since, By: one.By, Reason: one.Reason,
		})
	}
	return page, answered(err)
}
