package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

func TestCreateRoomRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob", "cid")
	d.create(t, "ann", "taken", chat.Private)
	old, _ := chat.ParseID("old")
	d.store.Append(t.Context(), []chat.Append{{Chat: old, Message: chat.Message{Sender: "eve", Text: "of an earlier release"}}})
	many := make([]string, chat.MaxUsersAtOnce+1)
	for i := range many {
		many[i] = fmt.Sprint("u", i)
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
		room chat.NewRoom
		want chat.Code
	}{
		{"an anonymous caller", t.Context(), chat.NewRoom{ID: "r1", As: "ann"}, chat.Unauthenticated},
		{"a user as itself", as("ann"), chat.NewRoom{ID: "r2", As: "ann"}, ""},
		{"a user as another", as("ann"), chat.NewRoom{ID: "r3", As: "bob"}, chat.PermissionDenied},
		{"a service for a user", asService(), chat.NewRoom{ID: "r4", As: "bob"}, ""},
		{"a service for no user", asService(), chat.NewRoom{ID: "r5"}, chat.InvalidArgument},
		{"a service for a user without an account", asService(), chat.NewRoom{ID: "r6", As: "eve"}, chat.NotFound},
		{"a user without an account, whose token says that there is one", as("eve"), chat.NewRoom{ID: "r7"}, ""},
		{"a taken id", as("bob"), chat.NewRoom{ID: "taken"}, chat.Conflict},
		{"an id with messages of others", as("ann"), chat.NewRoom{ID: "old"}, chat.Conflict},
		{"a service: an id with messages", asService(), chat.NewRoom{ID: "old", As: "ann"}, ""},
		{"a chat of two", as("ann"), chat.NewRoom{ID: "ann:bob"}, chat.InvalidArgument},
		{"a reserved id", as("ann"), chat.NewRoom{ID: "Public"}, chat.InvalidArgument},
		{"a long id", as("ann"), chat.NewRoom{ID: strings.Repeat("r", chat.MaxIDBytes+1)}, chat.InvalidArgument},
		{"the longest name", as("ann"), chat.NewRoom{ID: "r8", Name: strings.Repeat("n", chat.MaxRoomNameBytes)}, ""},
		{"a longer name", as("ann"), chat.NewRoom{ID: "r9", Name: strings.Repeat("n", chat.MaxRoomNameBytes+1)}, chat.InvalidArgument},
		{"a blank name", as("ann"), chat.NewRoom{ID: "r10", Name: "  "}, chat.InvalidArgument},
		{"an unknown visibility", as("ann"), chat.NewRoom{ID: "r11", Visibility: "secret"}, chat.InvalidArgument},
		{"too many users", as("ann"), chat.NewRoom{ID: "r12", Users: many}, chat.InvalidArgument},
		{"as many users as may be named", as("ann"), chat.NewRoom{ID: "r13", Users: many[1:]}, chat.NotFound},
		{"an invalid user", as("ann"), chat.NewRoom{ID: "r14", Users: []string{"a b"}}, chat.InvalidArgument},
		{"a user without an account", as("ann"), chat.NewRoom{ID: "r15", Users: []string{"bob", "eve"}}, chat.NotFound},
	} {
		_, err := d.Rooms.CreateRoom(c.ctx, c.room)
		wantCode(t, c.name+": CreateRoom()", err, c.want)
	}
	made, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{Users: []string{"bob", "ann", "bob"}})
	if err != nil || made.Visibility != chat.Private || made.Count != 2 || made.Role != chat.Admin || len(made.ID) < 16 || made.ID != strings.ToLower(made.ID) {
		t.Errorf("CreateRoom() without an id = %+v, %v; want a private room of two under a random id", made, err)
	}
}

// TestRoomsAreCharged: a user pays for the members that are added, once and only for those; a service and a change that
// adds no member cost nothing.
func TestRoomsAreCharged(t *testing.T) {
	t.Parallel()
	d := newDomain(t, func(o *chattest.DomainOptions) {
		o.Rooms.NewChats, o.Rooms.AddedMembers, o.Rooms.MaxMembers = chat.Bounds{PerHour: 2}, chat.Bounds{PerHour: 3}, 10
	})
	d.register(t, "ann", "bob", "cid", "dan", "eve", "fay")
	add := func(ctx context.Context, room string, users ...string) error {
		_, err := d.Rooms.ChangeRoom(ctx, chat.RoomChange{Room: room, Kind: chat.AddMembers, Users: users})
		return err
	}
	d.create(t, "ann", "one", chat.Private, "bob") // one member
	d.create(t, "ann", "two", chat.Private)
	_, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "three"})
	wantCode(t, "CreateRoom() beyond the limit", err, chat.ResourceExhausted)
	wantCode(t, "adding a member again", add(as("ann"), "one", "bob"), "")
	wantCode(t, "adding two members", add(as("ann"), "one", "cid", "dan"), "")
	wantCode(t, "adding members beyond the limit", add(as("ann"), "one", "eve"), chat.ResourceExhausted)
	wantCode(t, "adding a member again beyond the limit", add(as("ann"), "one", "dan"), "")
	_, err = d.Rooms.ChangeRoom(as("ann"), chat.RoomChange{Room: "one", Kind: chat.PromoteMember, Users: []string{"bob"}})
	wantCode(t, "promoting a member beyond the limit", err, "")
	wantCode(t, "adding members by a service", add(asService(), "one", "eve", "fay"), "")
	d.clock.Add(time.Hour)
	wantCode(t, "adding members an hour later", add(as("ann"), "two", "bob", "cid", "dan"), "")
}

// contended is a store in which others change the room first, so often.
type contended struct {
	*chattest.Store
	times int
	edits int
}

func (c *contended) EditRoom(ctx context.Context, e chat.RoomEdit) (chat.EditOutcome, int64, error) {
	c.edits++
	if c.times--; c.times >= 0 {
		return chat.EditStale, 0, nil
	}
	return c.Store.EditRoom(ctx, e)
}

func TestContendedRooms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		times, edits int
		want         chat.Code
	}{{0, 1, ""}, {9, 10, ""}, {10, 10, chat.Unavailable}} {
		store := &contended{Store: chattest.NewStore(chattest.StoreOptions{}), times: c.times}
		rooms := chattest.Rooms(store, chat.Access{Rooms: store}, chat.RoomOptions{DefaultLimit: 1, MaxLimit: 1, MaxMembers: 9})
		_, err := rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club", Visibility: chat.Public})
		wantCode(t, fmt.Sprintf("CreateRoom() that loses %d races", c.times), err, c.want)
		if store.edits != c.edits {
			t.Errorf("CreateRoom() that loses %d races tries %d times, want %d", c.times, store.edits, c.edits)
		}
		store.times = 0
		if c.want != "" {
			continue
		}
		store.times, store.edits = c.times, 0
		_, err = rooms.ChangeRoom(as("bob"), chat.RoomChange{Room: "club", Kind: chat.JoinRoom})
		wantCode(t, fmt.Sprintf("ChangeRoom() that loses %d races", c.times), err, c.want)
		if store.edits != c.edits {
			t.Errorf("ChangeRoom() that loses %d races tries %d times, want %d", c.times, store.edits, c.edits)
		}
	}
}

// TestAFullLogOfARoom: the last position of a log is taken by one change, and the next one is refused.
func TestAFullLogOfARoom(t *testing.T) {
	t.Parallel()
	at := int64(1)
	store := chattest.NewStore(chattest.StoreOptions{Clock: func() time.Time { return time.UnixMicro(at) }})
	rooms := chattest.Rooms(store, chat.Access{Rooms: store}, chat.RoomOptions{DefaultLimit: 1, MaxLimit: 1, MaxMembers: 9})
	if _, err := rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club"}); err != nil {
		t.Fatal(err)
	}
	at = chat.MaxSendTime
	for _, want := range []chat.Code{"", chat.ResourceExhausted} {
		_, err := rooms.ChangeRoom(as("ann"), chat.RoomChange{Room: "club", Kind: chat.RenameRoom, Name: "for " + string(want)})
		wantCode(t, "ChangeRoom() at the last position", err, want)
	}
}

func TestEnterRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, func(o *chattest.DomainOptions) {
		o.Rooms.CheckSession = func(_ context.Context, user, session string) error {
			if user != "ann" || session != "current" {
				return chat.Errorf(chat.TokenInvalid, "the session has ended")
			}
			return nil
		}
	})
	d.register(t, "ann", "bob")
	d.create(t, "ann", "club", chat.Private)
	d.create(t, "ann", "lounge", chat.Public)
	for _, c := range []struct {
		by    chat.Caller
		chats string
		want  chat.Code
	}{
		{chat.Caller{User: "ann"}, "club lounge ann:bob", ""},
		{chat.Caller{User: "bob"}, "lounge club", chat.PermissionDenied},
		{chat.Caller{User: "bob"}, "ann:bob lounge", ""},
		{chat.Caller{User: "bob"}, "ann:eve", chat.PermissionDenied},
		{chat.Caller{User: "bob"}, "a b", chat.InvalidArgument},
		{chat.Caller{User: "bob"}, "", ""},
		{chat.Caller{User: "bob"}, "unknown", chat.NotFound},
		{chat.Caller{User: "x", Service: true}, "club ann:bob", ""},
		{chat.Caller{User: "x", Service: true}, "unknown", chat.NotFound},
		{chat.Caller{}, "lounge", chat.Unauthenticated},
		{chat.Caller{User: "ann", Session: "current", Renews: true}, "club", ""},
		{chat.Caller{User: "ann", Session: "ended", Renews: true}, "lounge", chat.TokenInvalid},
		{chat.Caller{User: "ann", Session: "ended"}, "lounge", ""},
		{chat.Caller{User: "x", Service: true, Renews: true}, "lounge", ""},
	} {
		names := strings.Fields(c.chats)
		if c.chats == "a b" {
			names = []string{c.chats}
		}
		err := d.Rooms.Enter(chat.WithCaller(t.Context(), c.by), names)
		wantCode(t, fmt.Sprintf("Enter(%s) by %+v", c.chats, c.by), err, c.want)
	}
}

func TestNeedsEnter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by    chat.Caller
		chat  string
		needs bool
		want  chat.Code
	}{
		{chat.Caller{User: "ann"}, "ann:bob", false, ""},
		{chat.Caller{User: "eve"}, "ann:bob", false, chat.PermissionDenied},
		{chat.Caller{User: "ann"}, "club", true, ""},
		{chat.Caller{User: "x", Service: true}, "club", true, ""},
		{chat.Caller{User: "x", Service: true}, "ann:bob", false, ""},
		{chat.Caller{}, "club", false, chat.Unauthenticated},
	} {
		id, _ := chat.ParseID(c.chat)
		needs, err := chat.NeedsEnter(id, c.chat, c.by)
		if needs != c.needs || chat.CodeOf(err) != c.want {
			t.Errorf("NeedsEnter(%s) by %+v = %v, %v; want %v, %q", c.chat, c.by, needs, err, c.needs, c.want)
		}
	}
}

// TestRoomsWithoutAuth: without tokens, the named user acts, and every id is a room that is open to all.
func TestRoomsWithoutAuth(t *testing.T) {
	t.Parallel()
	d := newDomain(t, func(o *chattest.DomainOptions) { o.Access.Required = false })
	ctx := t.Context()
	if _, err := d.Rooms.CreateRoom(ctx, chat.NewRoom{ID: "club", As: "ann", Users: []string{"bob"}}); err != nil {
		t.Errorf("CreateRoom() = %v, want nil: no user needs an account", err)
	}
	_, err := d.Rooms.CreateRoom(ctx, chat.NewRoom{ID: "den"})
	wantCode(t, "CreateRoom() as no user", err, chat.InvalidArgument)
	_, err = d.Rooms.ChangeRoom(ctx, chat.RoomChange{Room: "club", Kind: chat.AddMembers, As: "bob", Users: []string{"eve"}})
	wantCode(t, "ChangeRoom() as one who is no admin", err, chat.PermissionDenied)
	_, err = d.Rooms.RoomsOf(ctx, chat.RoomsRequest{})
	wantCode(t, "RoomsOf() no user", err, chat.InvalidArgument)
	page, err := d.Rooms.RoomsOf(ctx, chat.RoomsRequest{As: "bob"})
	if err != nil || len(page.Rooms) != 1 || page.Rooms[0].Role != chat.PlainMember {
		t.Errorf("RoomsOf(bob) = %+v, %v; want the club, where bob is a member", page, err)
	}
	for _, name := range []string{"club", "unknown", "ann:bob"} {
		wantCode(t, "Enter("+name+")", d.Rooms.Enter(ctx, []string{name}), "")
	}
	if shown, err := d.Rooms.Room(ctx, chat.RoomRequest{Room: "club"}); err != nil || !slices.ContainsFunc(shown.Members, func(m chat.Member) bool { return m.User == "bob" }) {
		t.Errorf("Room() by an anonymous caller = %+v, %v; want its members", shown, err)
	}
}
