package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Rooms are the rooms and who may be in them: chat.RoomService behind RPC.
type Rooms interface {
	chat.Rooms
	chat.Admission
}

// doors knows who may be in which chats, or is nil where nobody is asked who she is.
func (s *Server) doors() chat.Admission {
	if s.config.Auth != authOn {
		return nil
	}
	return s.Rooms
}

// nowhere is the Rooms of a gateway without rooms.
type nowhere struct{}

func errNowhere() error { return chat.Errorf(chat.NotFound, "this http-server has no rooms") }

func (nowhere) Enter(context.Context, []string) error { return errNowhere() }

func (nowhere) CreateRoom(context.Context, chat.NewRoom) (chat.Room, error) {
	return chat.Room{}, errNowhere()
}

func (nowhere) ChangeRoom(context.Context, chat.RoomChange) (chat.Room, error) {
	return chat.Room{}, errNowhere()
}

func (nowhere) Room(context.Context, chat.RoomRequest) (chat.Room, error) {
	return chat.Room{}, errNowhere()
}

func (nowhere) RoomsOf(context.Context, chat.RoomsRequest) (chat.RoomPage, error) {
	return chat.RoomPage{}, errNowhere()
}

func (nowhere) PublicRooms(context.Context, chat.RoomsRequest) (chat.RoomPage, error) {
	return chat.RoomPage{}, errNowhere()
}
