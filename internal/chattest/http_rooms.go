package chattest

import (
	"context"
	"fmt"

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
	case chat.DeleteRoom:
		return chat.Room{}, answered(rooms.Delete(ctx, r.Room))
	}
	if len(r.Users) == 1 {
		switch r.Kind {
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
