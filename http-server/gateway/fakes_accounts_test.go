package gateway

import (
	"cmp"
	"context"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/internal/chat"
)

// withEverything has accounts, readers and rooms behind a gateway that fail as its fakeService does.
func withEverything(service *fakeService) func(*Server) {
	return func(s *Server) {
		accounts, rooms := fakeAccounts{service}, fakeRooms{service}
		s.services.Accounts, s.services.Sessions, s.services.Inboxes = accounts, accounts, fakeReaders{service}
		s.services.Rooms, s.services.Admission = rooms, rooms
		s.services.Webhooks = fakeWebhooks{service}
		s.services.Pushes = fakePushes{service}
		s.services.Changes = fakeChanges{service}
		s.services.Projections = fakeProjections{service: service}
		s.services.Words = fakeWords{service: service}
		s.services.Moderation = fakeModeration{service}
		s.services.Attachments = fakeAttachments{service}
	}
}

// fakeAccounts are accounts that answer well, or fail as their fakeService does.
type fakeAccounts struct{ service *fakeService }

func (f fakeAccounts) Register(_ context.Context, r chat.Registration) (chat.Account, error) {
	return chat.Account{User: r.User, Created: 1}, f.service.err()
}

func (f fakeAccounts) Account(_ context.Context, user string) (chat.Account, error) {
	return chat.Account{User: user, Name: "A name", Created: 1}, f.service.err()
}

func (f fakeAccounts) Accounts(context.Context, chat.AccountsRequest) (chat.AccountPage, error) {
	return chat.AccountPage{Accounts: []chat.Account{{User: "a", Created: 1}}, HasMore: true, NextCursor: "b"}, f.service.err()
}

func (f fakeAccounts) Known(context.Context, []string) ([]chat.Account, error) {
	return []chat.Account{{User: "a", Created: 1}}, f.service.err()
}

func (f fakeAccounts) Login(_ context.Context, c chat.Credentials) (chat.Session, error) {
	return chat.Session{ID: "c2Vzc2lvbg", User: c.User, RefreshToken: c.User + ".c2Vzc2lvbg.c2VjcmV0"}, f.service.err()
}

func (f fakeAccounts) Refresh(ctx context.Context, _ chat.RefreshRequest) (chat.Session, error) {
	return f.Login(ctx, chat.Credentials{User: "a"})
}

func (f fakeAccounts) Logout(context.Context, chat.LogoutRequest) error { return f.service.err() }

func (f fakeAccounts) ChangePassword(context.Context, chat.PasswordChange) error {
	return f.service.err()
}

// DeleteAccount is not complete for bob.
func (f fakeAccounts) DeleteAccount(_ context.Context, d chat.Deletion) (bool, error) {
	return d.User != "bob", f.service.err()
}

// fakeReaders are readers, likewise.
type fakeReaders struct{ service *fakeService }

func (f fakeReaders) Readers(_ context.Context, name string) (chat.Receipts, error) {
	if name == "empty" {
		return chat.Receipts{}, f.service.err()
	}
	return chat.Receipts{Readings: []chat.Reading{{Reader: "a/phone", Cursor: chat.MaxCursor}}, Count: 2000}, f.service.err()
}

func (f fakeReaders) Inbox(_ context.Context, r chat.InboxRequest) (chat.Inbox, error) {
	if r.Cursor > 0 {
		return chat.Inbox{}, f.service.err()
	}
	notice := &chat.Message{
		Chat: "room", Text: "a added b", Sender: "a", SendTime: 1, Notice: &chat.Notice{Event: chat.MemberAdded, Users: []string{"b"}, Name: "x"},
	}
	return chat.Inbox{
		Entries: []chat.InboxEntry{{Chat: "room", Last: notice, Unread: chat.ManyUnread, Cursor: chat.MaxCursor, Name: "A room"}, {Chat: "a:b", Users: []chat.UserName{{User: "a", Name: "Ann"}}}},
		HasMore: true, NextCursor: 1,
	}, f.service.err()
}

func (f fakeReaders) Unread(context.Context, chat.UnreadRequest) (chat.UnreadPage, error) {
	return chat.UnreadPage{Chats: []chat.Unread{{Chat: "a:b", Count: chat.ManyUnread}}, HasMore: true, NextCursor: 7}, f.service.err()
}

func (f fakeReaders) Chats(context.Context, chat.ChatsRequest) ([]chat.Standing, error) {
	return nil, f.service.err()
}

func (f fakeReaders) Ignored(_ context.Context, user string) ([]string, error) {
	if user == "empty" {
		return nil, f.service.err()
	}
	return []string{"b"}, f.service.err()
}

func (f fakeReaders) Ignore(context.Context, chat.IgnoreRequest) error { return f.service.err() }

// fakeRooms are rooms, likewise.
type fakeRooms struct{ service *fakeService }

func (f fakeRooms) Enter(context.Context, []string) error { return f.service.err() }

func (f fakeRooms) CreateRoom(_ context.Context, r chat.NewRoom) (chat.Room, error) {
	return chat.Room{ID: cmp.Or(r.ID, "made"), Visibility: chat.Private, Created: 1, Count: 1, Role: chat.Admin}, f.service.err()
}

func (f fakeRooms) ChangeRoom(_ context.Context, r chat.RoomChange) (chat.Room, error) {
	return chat.Room{ID: r.Room, Visibility: chat.Public, Created: 1}, f.service.err()
}

func (f fakeRooms) Room(_ context.Context, r chat.RoomRequest) (chat.Room, error) {
	return chat.Room{
		ID: r.Room, Name: "A room", Visibility: chat.Public, Created: 1, Count: 2,
		Members: []chat.Member{{User: "a", Role: chat.Admin, Since: 1}, {User: "b", Role: chat.PlainMember, Since: 2}},
	}, f.service.err()
}

func (f fakeRooms) RoomsOf(context.Context, chat.RoomsRequest) (chat.RoomPage, error) {
	room, err := f.CreateRoom(context.Background(), chat.NewRoom{})
	return chat.RoomPage{Rooms: []chat.Room{room}, HasMore: true, NextCursor: "next"}, err
}

func (f fakeRooms) Restraints(context.Context, chat.RestraintsRequest) (chat.RestraintPage, error) {
	return chat.RestraintPage{Restraints: []chat.Restraint{{User: "eve", Until: 2, Since: 1, By: "ann", Reason: "spam"}}}, f.service.err()
}

func (f fakeRooms) PublicRooms(context.Context, chat.RoomsRequest) (chat.RoomPage, error) {
	return chat.RoomPage{}, f.service.err()
}

// allRoutes are the routes of a gateway that has every part.
func allRoutes() []route {
	s := &Server{}
	withEverything(&fakeService{})(s)
	return s.routes(handler.New(nil, nil, nil, handler.Config{}), nil, nil)
}

// worker are the methods of projections that gateways do not use.
type worker struct{ chat.Projections }

// fakeProjections are projections, likewise. Gateways use the methods that it has.
type fakeProjections struct {
	worker
	service *fakeService
}

func (f fakeProjections) Projections(context.Context, string) ([]chat.ProjectionState, error) {
	return []chat.ProjectionState{{Name: "words", Created: 1, FailingSince: 1, Error: "away", Owners: map[string]int{"worker": 256}}}, f.service.err()
}

func (f fakeProjections) ChangeProjection(context.Context, chat.ProjectionChange) error {
	return f.service.err()
}

func (f fakeProjections) DeadLetters(context.Context, string, int) ([]chat.DeadLetter, error) {
	return []chat.DeadLetter{{Event: "room@1", Error: "refused", At: 1}}, f.service.err()
}
