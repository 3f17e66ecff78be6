package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var (
	_ chat.Rooms     = (*Client)(nil)
	_ chat.Admission = (*Client)(nil)
)

// caller returns the caller of the request that a context serves, or none.
func caller(ctx context.Context) chat.Caller {
	by, _ := chat.CallerOf(ctx)
	return by
}

// Enter implements chat.Admission.
func (c *Client) Enter(ctx context.Context, chats []string) error {
	return tell(ctx, c, reads, imservice.Client.Enter,
		wire.EnterRequest(chats, caller(ctx), logging.RequestID(ctx)), wire.EnteredOf)
}

// CreateRoom implements chat.Rooms. One that may have arrived is not repeated: it would find its own room.
func (c *Client) CreateRoom(ctx context.Context, r chat.NewRoom) (chat.Room, error) {
	return ask(ctx, c, kind{false, roomError}, imservice.Client.CreateRoom,
		wire.CreateRoomRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RoomOf)
}

// ChangeRoom implements chat.Rooms. A change that may have arrived is not repeated. The repetition
// of an admin's leaving would be refused, because the admin is no member any more.
func (c *Client) ChangeRoom(ctx context.Context, r chat.RoomChange) (chat.Room, error) {
	return ask(ctx, c, kind{false, roomError}, imservice.Client.ChangeRoom,
		wire.ChangeRoomRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RoomOf)
}

func roomError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no answer came from the rpc-server; it is unknown whether the room was changed")
}

// Room implements chat.Rooms.
func (c *Client) Room(ctx context.Context, r chat.RoomRequest) (chat.Room, error) {
	return ask(ctx, c, reads, imservice.Client.Room,
		wire.RoomRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RoomOf)
}

// RoomsOf implements chat.Rooms.
func (c *Client) RoomsOf(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return ask(ctx, c, reads, imservice.Client.RoomsOf,
		wire.RoomsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RoomPageOf)
}

// Restraints implements chat.Rooms.
func (c *Client) Restraints(ctx context.Context, r chat.RestraintsRequest) (chat.RestraintPage, error) {
	return ask(ctx, c, reads, imservice.Client.Restraints,
		wire.RestraintsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RestraintsOf(r.Kind))
}

// PublicRooms implements chat.Rooms.
func (c *Client) PublicRooms(ctx context.Context, r chat.RoomsRequest) (chat.RoomPage, error) {
	return ask(ctx, c, reads, imservice.Client.PublicRooms,
		wire.RoomsRequest(r, caller(ctx), logging.RequestID(ctx)), wire.RoomPageOf)
}
