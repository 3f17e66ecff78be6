package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// Rooms are the rooms, and who may be in them: chat.RoomService.
type Rooms interface {
	chat.Rooms
	chat.Admission
}

// ofRooms is ask of rooms.
func ofRooms[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, Rooms) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Rooms, "rooms", method, r, do)
}

// Enter says whether the caller may be in all of some chats.
func (h *Handler) Enter(ctx context.Context, r *rpc.EnterRequest) (*rpc.EnterResponse, error) {
	r = orEmpty(r)
	_, err := ofRooms(ctx, h, "Enter", r, func(ctx context.Context, rooms Rooms) (struct{}, error) {
		return done(rooms.Enter(chat.WithCaller(ctx, wire.EntererOf(r)), r.Chats))
	})
	return wire.EnterResponse(err), nil
}

// CreateRoom makes a room.
func (h *Handler) CreateRoom(ctx context.Context, r *rpc.CreateRoomRequest) (*rpc.RoomResponse, error) {
	r = orEmpty(r)
	return wire.RoomResponse(ofRooms(ctx, h, "CreateRoom", r, func(ctx context.Context, rooms Rooms) (chat.Room, error) {
		return rooms.CreateRoom(ctx, wire.NewRoomOf(r))
	})), nil
}

// ChangeRoom changes one.
func (h *Handler) ChangeRoom(ctx context.Context, r *rpc.ChangeRoomRequest) (*rpc.RoomResponse, error) {
	r = orEmpty(r)
	return wire.RoomResponse(ofRooms(ctx, h, "ChangeRoom", r, func(ctx context.Context, rooms Rooms) (chat.Room, error) {
		return rooms.ChangeRoom(ctx, wire.RoomChangeOf(r))
	})), nil
}

// Room returns one.
func (h *Handler) Room(ctx context.Context, r *rpc.RoomRequest) (*rpc.RoomResponse, error) {
	r = orEmpty(r)
	return wire.RoomResponse(ofRooms(ctx, h, "Room", r, func(ctx context.Context, rooms Rooms) (chat.Room, error) {
		return rooms.Room(ctx, wire.RoomRequestOf(r))
	})), nil
}

// RoomsOf returns those of a user.
func (h *Handler) RoomsOf(ctx context.Context, r *rpc.RoomsRequest) (*rpc.RoomsResponse, error) {
	r = orEmpty(r)
	return wire.RoomsResponse(ofRooms(ctx, h, "RoomsOf", r, func(ctx context.Context, rooms Rooms) (chat.RoomPage, error) {
		return rooms.RoomsOf(ctx, wire.RoomsRequestOf(r))
	})), nil
}

// Restraints returns a page of the bans or mutes of one.
func (h *Handler) Restraints(ctx context.Context, r *rpc.RestraintsRequest) (*rpc.RestraintsResponse, error) {
	r = orEmpty(r)
	return wire.RestraintsResponse(ofRooms(ctx, h, "Restraints", r, func(ctx context.Context, rooms Rooms) (chat.RestraintPage, error) {
		return rooms.Restraints(ctx, wire.RestraintsRequestOf(r))
	})), nil
}

// PublicRooms returns those that are public.
func (h *Handler) PublicRooms(ctx context.Context, r *rpc.RoomsRequest) (*rpc.RoomsResponse, error) {
	r = orEmpty(r)
	return wire.RoomsResponse(ofRooms(ctx, h, "PublicRooms", r, func(ctx context.Context, rooms Rooms) (chat.RoomPage, error) {
		return rooms.PublicRooms(ctx, wire.RoomsRequestOf(r))
	})), nil
}
