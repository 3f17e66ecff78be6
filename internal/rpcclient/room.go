package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Rooms = (*Client)(nil)
	_ chat.Doors = (*Client)(nil)
)

// caller is who makes the request that a context serves, or nobody.
func caller(ctx context.Context) chat.Caller {
	by, _ := chat.CallerOf(ctx)
	return by
}

// Enter implements chat.Doors.
func (c *Client) Enter(ctx context.Context, chats []string) error {
	request := wire.EnterRequest(chats, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.EnterResponse, error) {
		return s.kitex.Enter(ctx, request)
	})
	if err != nil {
		return callError(err, readError)
	}
	return wire.EnteredOf(response)
}

// CreateRoom implements chat.Rooms. One that may have arrived is not repeated: it would find its own room.
func (c *Client) CreateRoom(ctx context.Context, r chat.NewRoom) (chat.Room, error) {
	request := wire.CreateRoomRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, false, func(ctx context.Context, s *server) (*rpc.RoomResponse, error) {
		return s.kitex.CreateRoom(ctx, request)
	})
	if err != nil {
		return chat.Room{}, callError(err, roomError)
	}
	return wire.RoomOf(response)
}

// ChangeRoom implements chat.Rooms. One that may have arrived is not repeated: who has left would not be found an admin.
func (c *Client) ChangeRoom(ctx context.Context, r chat.RoomChange) (chat.Room, error) {
	request := wire.ChangeRoomRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, false, func(ctx context.Context, s *server) (*rpc.RoomResponse, error) {
		return s.kitex.ChangeRoom(ctx, request)
	})
	if err != nil {
		return chat.Room{}, callError(err, roomError)
	}
	return wire.RoomOf(response)
}

func roomError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; it is unknown whether the room was changed")
}

// Room implements chat.Rooms.
func (c *Client) Room(ctx context.Context, r chat.RoomRequest) (chat.Room, error) {
	request := wire.RoomRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.RoomResponse, error) {
		return s.kitex.Room(ctx, request)
	})
	if err != nil {
		return chat.Room{}, callError(err, readError)
	}
	return wire.RoomOf(response)
}

// RoomsOf implements chat.Rooms.
func (c *Client) RoomsOf(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return c.listRooms(ctx, r, func(ctx context.Context, s *server, r *rpc.RoomsRequest) (*rpc.RoomsResponse, error) {
		return s.kitex.RoomsOf(ctx, r)
	})
}

// PublicRooms implements chat.Rooms.
func (c *Client) PublicRooms(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return c.listRooms(ctx, r, func(ctx context.Context, s *server, r *rpc.RoomsRequest) (*rpc.RoomsResponse, error) {
		return s.kitex.PublicRooms(ctx, r)
	})
}

func (c *Client) listRooms(
	ctx context.Context, r chat.RoomsRequest, call func(context.Context, *server, *rpc.RoomsRequest) (*rpc.RoomsResponse, error),
) (chat.RoomPage, error) {
	request := wire.RoomsRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.RoomsResponse, error) {
		return call(ctx, s, request)
	})
	if err != nil {
		return chat.RoomPage{}, callError(err, readError)
	}
	return wire.RoomPageOf(response)
}
