package conformance

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var roomTests = []domainTest{
	{"a room's changes", nil, testRoomChanges},
	{"callers of a room", nil, testRoomCallers},
	{"a room's members are few", nil, testRoomLimit},
	{"a room's last admin", nil, testHandover},
	{"the last admins leave at once", nil, testLastAdminsLeave},
	{"many join at once", nil, testManyJoin},
	{"pages of a room's members", nil, testMemberPages},
	{"lists of rooms", nil, testRoomLists},
	{"a deleted room", nil, testDeletedRoom},
	{"a room that the last member leaves", nil, testEmptiedRoom},
	{"members need accounts", nil, testInvitations},
	{"a user's rooms are few", nil, testUserRooms},
	{"leaving a room tells nothing of it", nil, testLeavingTellsNothing},
	{"a room with its own retention", nil, testRoomRetention},
}

func (d *domain) create(user, room string, v chat.Visibility, users ...string) {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	if _, err := d.Rooms.CreateRoom(as(user), chat.NewRoom{ID: room, Visibility: v, Users: users}); err != nil {
		d.t.Fatalf("CreateRoom(%s) = %v", room, err)
	}
}

// change makes a change and checks the code of its error.
func (d *domain) change(user, room string, kind chat.ChangeKind, want chat.Code, users ...string) {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	_, err := d.Rooms.ChangeRoom(as(user), chat.RoomChange{Room: room, Kind: kind, Users: users})
	d.code(err, want, "ChangeRoom(%s %s of %v by %s)", room, kind, users, user)
}

// members returns a room's members, oldest membership first, admins with a star.
func (d *domain) members(room string) (names []string) {
	d.t.Helper()
	r, err := d.Rooms.Room(asService(), chat.RoomRequest{Room: room})
	if err != nil || r.Count != len(r.Members) {
		d.t.Errorf("Room(%s) = %+v, %v; want as many members as it counts", room, r, err)
	}
	for _, m := range r.Members {
		if m.Role == chat.Admin {
			m.User += "*"
		}
		names = append(names, m.User)
	}
	return names
}

func testRoomChanges(d *domain) {
	d.register("ann", "bob", "cid", "eve")
	d.create("ann", "club", chat.Private, "bob", "ann", "bob")
	d.same(d.members("club"), "ann*, bob", "the members at first")
	_, err := d.Rooms.CreateRoom(as("eve"), chat.NewRoom{ID: "club"})
	d.code(err, chat.Conflict, "CreateRoom(club) again")
	for _, c := range []struct {
		by    string
		kind  chat.ChangeKind
		user  string
		want  chat.Code
		after string
	}{
		{"bob", chat.AddMembers, "eve", chat.PermissionDenied, "ann*, bob"},
		{"eve", chat.JoinRoom, "", chat.PermissionDenied, "ann*, bob"},
		{"ann", chat.AddMembers, "bob", "", "ann*, bob"},
		{"ann", chat.AddMembers, "cid", "", "ann*, bob, cid"},
		{"ann", chat.PromoteMember, "eve", chat.NotFound, "ann*, bob, cid"},
		{"ann", chat.DemoteAdmin, "ann", chat.Conflict, "ann*, bob, cid"},
		{"ann", chat.PromoteMember, "cid", "", "ann*, bob, cid*"},
		{"cid", chat.DemoteAdmin, "ann", "", "ann, bob, cid*"},
		{"ann", chat.RemoveMembers, "bob", chat.PermissionDenied, "ann, bob, cid*"},
		{"cid", chat.RemoveMembers, "bob", "", "ann, cid*"},
		{"cid", chat.RemoveMembers, "bob", "", "ann, cid*"},
		{"cid", chat.OpenRoom, "", "", "ann, cid*"},
		{"eve", chat.JoinRoom, "", "", "ann, cid*, eve"},
		{"eve", chat.JoinRoom, "", "", "ann, cid*, eve"},
		{"cid", chat.CloseRoom, "", "", "ann, cid*, eve"},
		{"ann", chat.LeaveRoom, "", "", "cid*, eve"},
		{"ann", chat.LeaveRoom, "", "", "cid*, eve"},
	} {
		var users []string
		if c.user != "" {
			users = []string{c.user}
		}
		d.change(c.by, "club", c.kind, c.want, users...)
		d.same(d.members("club"), c.after, "the members after %s by %s of %q", c.kind, c.by, c.user)
	}
	if _, err := d.Rooms.ChangeRoom(as("cid"), chat.RoomChange{Room: "club", Kind: chat.RenameRoom, Name: "The Club"}); err != nil {
		d.t.Errorf("ChangeRoom(rename) = %v", err)
	}
	d.same(d.texts("club"), "ann made this room with bob, ann added cid, ann made cid admin, cid made ann a member like others, cid removed bob, "+
		"cid made this room public, eve joined, cid made this room private, ann left, cid named this room The Club", "the notices")
	page, err := d.Messages.Pull(as("eve"), chat.PullRequest{Chat: "club"})
	if err != nil || len(page.Messages) == 0 {
		d.t.Fatalf("Pull(club) = %+v, %v", page, err)
	}
	first := page.Messages[0]
	r, err := d.Rooms.Room(as("eve"), chat.RoomRequest{Room: "club"})
	if err != nil || r.Name != "The Club" || r.Visibility != chat.Private || r.Created != first.SendTime || r.Role != chat.PlainMember {
		d.t.Errorf("Room(club) = %+v, %v; want The Club, created at %d", r, err, first.SendTime)
	}
}

func testRoomCallers(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Private, "bob")
	d.create("ann", "lounge", chat.Public)
	for _, c := range []struct {
		user, room string
		want       chat.Code
	}{
		{"ann", "club", ""},
		{"bob", "club", ""},
		{"eve", "club", chat.PermissionDenied},
		{"eve", "lounge", ""},
		{"eve", "unknown", chat.NotFound},
		{"eve", "ann:bob", chat.PermissionDenied},
		{"bob", "bob:ann", ""},
	} {
		_, err := d.Messages.Send(as(c.user), chat.Message{Chat: c.room, Sender: c.user, Text: "hi"})
		d.code(err, c.want, "Send(%s) by %s", c.room, c.user)
		_, err = d.Messages.Pull(as(c.user), chat.PullRequest{Chat: c.room})
		d.code(err, c.want, "Pull(%s) by %s", c.room, c.user)
		if !strings.Contains(c.room, ":") {
			_, err = d.Rooms.Room(as(c.user), chat.RoomRequest{Room: c.room})
			d.code(err, c.want, "Room(%s) by %s", c.room, c.user)
		}
		if d.Admission != nil {
			d.code(d.Admission.Enter(as(c.user), []string{"lounge", c.room}), c.want, "Enter(lounge, %s) by %s", c.room, c.user)
		}
	}
	d.change("ann", "club", chat.RemoveMembers, "", "bob")
	_, err := d.Messages.Pull(as("bob"), chat.PullRequest{Chat: "club"})
	d.code(err, chat.PermissionDenied, "Pull(club) by a removed member")
	_, err = d.Messages.Send(as("bob"), chat.Message{Chat: "club", Sender: "bob", Text: "hi"})
	d.code(err, chat.PermissionDenied, "Send(club) by a removed member")
}

func testRoomLimit(d *domain) {
	d.register("ann", "u1", "u2", "u3", "u4", "u5")
	d.create("ann", "club", chat.Private, "u1", "u2", "u3")
	d.change("ann", "club", chat.AddMembers, chat.Conflict, "u4", "u5")
	d.same(d.members("club"), "ann*, u1, u2, u3", "the members after a change of which some had no room")
	d.change("ann", "club", chat.AddMembers, "", "u4")
	d.change("ann", "club", chat.AddMembers, chat.Conflict, "u5")
	d.change("ann", "club", chat.RemoveMembers, "", "u1")
	d.change("ann", "club", chat.AddMembers, "", "u5")
	_, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "large", Users: []string{"u1", "u2", "u3", "u4", "u5"}})
	d.code(err, chat.Conflict, "CreateRoom() with too many members")
	_, err = d.Rooms.Room(as("ann"), chat.RoomRequest{Room: "large"})
	d.code(err, chat.NotFound, "Room() of what was refused")
}

// testHandover: when the last admin leaves, the member with the oldest membership becomes admin.
func testHandover(d *domain) {
	d.register("ann", "bob", "cid")
	d.create("ann", "club", chat.Private)
	for _, user := range []string{"cid", "bob"} {
		d.clock.Add(time.Second)
		d.change("ann", "club", chat.AddMembers, "", user)
	}
	d.change("ann", "club", chat.LeaveRoom, "")
	d.same(d.members("club"), "cid*, bob", "the members")
	d.same(d.texts("club"), "ann made this room, ann added cid, ann added bob, ann left, cid is admin now", "the notices")
}

func testLastAdminsLeave(d *domain) {
	users := []string{"ann", "bob", "cid"}
	d.register(append(users, "dan")...)
	d.create("ann", "club", chat.Public, "bob", "cid", "dan")
	d.change("ann", "club", chat.PromoteMember, "", "bob")
	d.change("ann", "club", chat.PromoteMember, "", "cid")
	var group sync.WaitGroup
	for _, user := range users {
		group.Go(func() {
			_, err := d.Rooms.ChangeRoom(as(user), chat.RoomChange{Room: "club", Kind: chat.LeaveRoom})
			d.code(err, "", "ChangeRoom(leave) by %s", user)
		})
	}
	group.Wait()
	d.same(d.members("club"), "dan*", "the members after all admins have left at once")
}

func testManyJoin(d *domain) {
	users := []string{"u1", "u2", "u3", "u4", "u5", "u6", "u7"}
	d.register(append(users, "ann")...)
	d.create("ann", "club", chat.Public)
	var group sync.WaitGroup
	for _, user := range users {
		group.Go(func() {
			_, err := d.Rooms.ChangeRoom(as(user), chat.RoomChange{Room: "club", Kind: chat.JoinRoom})
			if err != nil {
				d.code(err, chat.Conflict, "ChangeRoom(join) by %s", user)
			}
		})
	}
	group.Wait()
	members := d.members("club")
	if len(members) != RoomLimits.MaxMembers {
		d.t.Errorf("%d users have joined a room of %d at most: %v", len(users), RoomLimits.MaxMembers, members)
	}
	if notices := d.texts("club"); len(notices) != len(members) {
		d.t.Errorf("the room has the notices %q for the members %v, want one for each", notices, members)
	}
}

func testMemberPages(d *domain) {
	d.register("ann", "bob", "cid", "dan")
	d.create("ann", "club", chat.Private, "dan", "bob")
	d.clock.Add(time.Second)
	d.change("ann", "club", chat.AddMembers, "", "cid")
	var seen []string
	for cursor := ""; ; {
		page, err := d.Rooms.Room(as("ann"), chat.RoomRequest{Room: "club", Limit: 2, Cursor: cursor})
		if err != nil || len(page.Members) != 2 {
			d.t.Fatalf("Room(from %q) = %+v, %v; want two members", cursor, page, err)
		}
		for _, m := range page.Members {
			seen = append(seen, m.User)
		}
		if cursor = page.NextCursor; !page.HasMore {
			break
		}
		d.change("ann", "club", chat.RemoveMembers, "", "bob") // a departure does not shift the next page
	}
	d.same(seen, "ann, bob, dan, cid", "the members of all pages")
	_, err := d.Rooms.Room(as("ann"), chat.RoomRequest{Room: "club", Cursor: "x"})
	d.code(err, chat.InvalidArgument, "Room(cursor x)")
}

func (d *domain) rooms(user string, r chat.RoomsRequest) (ids []string, next string) {
	d.t.Helper()
	list := d.Rooms.RoomsOf
	if user == "" {
		user, list = "eve", d.Rooms.PublicRooms
	}
	page, err := list(as(user), r)
	if err != nil || page.HasMore != (page.NextCursor != "") {
		d.t.Errorf("the rooms of %s from %+v = %+v, %v", user, r, page, err)
	}
	for _, r := range page.Rooms {
		ids = append(ids, r.ID)
	}
	return ids, page.NextCursor
}

func testRoomLists(d *domain) {
	d.register("ann", "bob")
	for _, room := range []string{"c", "e", "a", "d", "b"} {
		d.create("ann", room, chat.Private, "bob")
	}
	for _, c := range []struct {
		ask        chat.RoomsRequest
		want, next string
	}{
		{chat.RoomsRequest{}, "a, b, c", "d"},
		{chat.RoomsRequest{Cursor: "d"}, "d, e", ""},
		{chat.RoomsRequest{Limit: 2, Cursor: "bb"}, "c, d", "e"},
		{chat.RoomsRequest{Limit: 100}, "a, b, c, d, e", ""},
		{chat.RoomsRequest{Cursor: "z"}, "", ""},
	} {
		got, next := d.rooms("bob", c.ask)
		d.same(got, c.want, "RoomsOf(%+v)", c.ask)
		d.same([]string{next}, c.next, "the next cursor of RoomsOf(%+v)", c.ask)
	}
	d.change("bob", "b", chat.LeaveRoom, "")
	got, _ := d.rooms("bob", chat.RoomsRequest{Limit: 5})
	d.same(got, "a, c, d, e", "RoomsOf(bob) after bob has left b")
	for _, kind := range []chat.ChangeKind{chat.OpenRoom, chat.CloseRoom, chat.OpenRoom} {
		d.change("ann", "b", kind, "")
		want := ""
		if kind == chat.OpenRoom {
			want = "b"
		}
		got, _ := d.rooms("", chat.RoomsRequest{})
		d.same(got, want, "PublicRooms() after %s", kind)
	}
	d.change("ann", "b", chat.DeleteRoom, "")
	got, _ = d.rooms("", chat.RoomsRequest{})
	d.same(got, "", "PublicRooms() after the deletion")
	_, err := d.Rooms.RoomsOf(as("bob"), chat.RoomsRequest{Limit: -1})
	d.code(err, chat.InvalidArgument, "RoomsOf(limit -1)")
}

func testDeletedRoom(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Private, "bob")
	d.send("bob", "club", "hi")
	d.change("bob", "club", chat.DeleteRoom, chat.PermissionDenied)
	d.change("ann", "club", chat.DeleteRoom, "")
	for _, user := range []string{"ann", "bob", "eve"} {
		_, err := d.Messages.Pull(as(user), chat.PullRequest{Chat: "club"})
		d.code(err, chat.NotFound, "Pull() of a deleted room by %s", user)
		_, err = d.Messages.Send(as(user), chat.Message{Chat: "club", Sender: user, Text: "hi"})
		d.code(err, chat.NotFound, "Send() to a deleted room by %s", user)
	}
	_, err := d.Rooms.Room(asService(), chat.RoomRequest{Room: "club"})
	d.code(err, chat.NotFound, "Room() of a deleted room for a service")
	got, _ := d.rooms("bob", chat.RoomsRequest{})
	d.same(got, "", "RoomsOf(bob) after the deletion")
	_, err = d.Rooms.CreateRoom(as("eve"), chat.NewRoom{ID: "club"})
	d.code(err, chat.Conflict, "CreateRoom() of a reserved id by another user")
	d.clock.Add(RoomLimits.IDReserved)
	d.create("eve", "club", chat.Private)
	d.same(d.texts("club"), "eve made this room", "the new room's log")
	d.change("eve", "club", chat.DeleteRoom, "")
	d.create("eve", "club", chat.Public) // the last admin needs not wait
}

func testEmptiedRoom(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Private, "bob")
	d.create("ann", "lounge", chat.Public)
	for _, room := range []string{"club", "lounge"} {
		d.change("ann", room, chat.LeaveRoom, "")
	}
	d.change("bob", "club", chat.LeaveRoom, "")
	_, err := d.Rooms.Room(asService(), chat.RoomRequest{Room: "club"})
	d.code(err, chat.NotFound, "Room() of a private room without members")
	d.same(d.members("lounge"), "", "the members of a public room without members")
	d.change("bob", "lounge", chat.JoinRoom, "")
	d.same(d.members("lounge"), "bob*", "the members of a public room that one has joined")
}

func testInvitations(d *domain) {
	d.register("ann", "bob", "cid")
	if err := d.Inboxes.Ignore(as("cid"), chat.IgnoreRequest{User: "cid", Other: "ann", Ignore: true}); err != nil {
		d.t.Errorf("Ignore() = %v", err)
	}
	_, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club", Users: []string{"unknown"}})
	d.code(err, chat.NotFound, "CreateRoom() with a user without an account")
	_, err = d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club", Users: []string{"cid"}})
	d.code(err, chat.PermissionDenied, "CreateRoom() with a user who ignores the creator")
	d.create("ann", "club", chat.Private, "bob")
	d.change("ann", "club", chat.AddMembers, chat.NotFound, "unknown")
	d.change("ann", "club", chat.AddMembers, chat.PermissionDenied, "cid")
	d.change("ann", "club", chat.PromoteMember, "", "bob")
	d.change("bob", "club", chat.AddMembers, "", "cid")
	d.same(d.members("club"), "ann*, bob*, cid", "the members")
}

// testUserRooms: a user in the maximum number of rooms enters no further one. Calls that enter no room still work.
func testUserRooms(d *domain) {
	d.register("ann", "bob", "cid")
	d.create("bob", "open", chat.Public)
	for i := range RoomLimits.MaxUserRooms {
		d.create("ann", fmt.Sprint("room", i), chat.Private)
	}
	_, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "more"})
	d.code(err, chat.Conflict, "CreateRoom() by a user in %d rooms", RoomLimits.MaxUserRooms)
	_, err = d.Rooms.CreateRoom(as("bob"), chat.NewRoom{ID: "more", Users: []string{"cid", "ann"}})
	d.code(err, chat.Conflict, "CreateRoom() with a user in %d rooms", RoomLimits.MaxUserRooms)
	d.change("ann", "open", chat.JoinRoom, chat.Conflict)
	d.change("bob", "open", chat.AddMembers, chat.Conflict, "cid", "ann")
	d.same(d.members("open"), "bob*", "the members")
	d.change("ann", "room0", chat.AddMembers, "", "bob")
	d.change("ann", "room0", chat.PromoteMember, "", "bob")
	d.send("ann", "ann:bob", "a conversation is no room")
}

func testLeavingTellsNothing(d *domain) {
	d.register("ann", "bob", "eve")
	if _, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "den", Name: "our plans", Users: []string{"bob"}}); err != nil {
		d.t.Fatal(err)
	}
	told, err := d.Rooms.ChangeRoom(as("eve"), chat.RoomChange{Room: "den", Kind: chat.LeaveRoom})
	if err != nil || told.Name != "" || told.Count != 0 || told.Created != 0 || len(told.Members) != 0 {
		d.t.Errorf("ChangeRoom(leave) by one who is no member = %+v, %v; want nothing of the room", told, err)
	}
	if notices := d.texts("den"); !slices.Equal(notices, []string{"ann made this room with bob"}) {
		d.t.Errorf("the notices are %s", fmt.Sprint(notices))
	}
}

// testRoomRetention: messages of a room with its own retention go after it, for everything that reads; others stay.
func testRoomRetention(d *domain) {
	const hour = time.Hour
	retain := func(user string, retention time.Duration, want chat.Code) chat.Room {
		d.t.Helper()
		d.clock.Add(time.Microsecond)
		r, err := d.Rooms.ChangeRoom(as(user), chat.RoomChange{Room: "club", Kind: chat.RetainRoom, Retention: retention})
		d.code(err, want, "ChangeRoom(retain %v by %s)", retention, user)
		return r
	}
	d.register("alice", "bob")
	d.create("alice", "club", chat.Public, "bob")
	d.create("alice", "plain", chat.Public, "bob")
	for _, room := range []string{"club", "plain"} {
		d.send("alice", room, "old 1")
		d.send("alice", room, "old 2")
	}
	d.clock.Add(hour)
	for _, room := range []string{"club", "plain"} {
		d.send("alice", room, "young")
	}
	retain("bob", hour, chat.PermissionDenied)
	retain("alice", time.Millisecond, chat.InvalidArgument)
	retain("alice", -hour, chat.InvalidArgument)
	retain("alice", chat.MaxRetention+hour, chat.InvalidArgument)
	if r := retain("alice", hour/2, ""); r.Retention != hour/2 {
		d.t.Errorf("ChangeRoom(retain) = %+v, want half an hour", r)
	}
	if r, err := d.Rooms.Room(as("bob"), chat.RoomRequest{Room: "club"}); err != nil || r.Retention != hour/2 {
		d.t.Errorf("Room(club) = %+v, %v; want half an hour", r, err)
	}
	d.same(d.texts("club"), "young, alice has this room's messages kept for 30m", "the room with a retention")
	d.same(d.texts("plain"), "alice made this room with bob, old 1, old 2, young", "the room without one")
	d.same(d.inbox("bob"), "club 1 alice has this room's messages kept for 30m, plain 3 young", "the inbox")
	d.clock.Add(hour)
	d.same(d.texts("club"), "", "the room when all messages are too old")
	d.same(d.inbox("bob"), "club 0 nothing, plain 3 young", "the inbox when all messages are too old")
	d.send("alice", "club", "new")
	d.same(d.texts("club"), "new", "the room after a message")
	d.same(d.inbox("bob"), "club 1 new, plain 3 young", "the inbox after a message")
	if r := retain("alice", 0, ""); r.Retention != 0 {
		d.t.Errorf("ChangeRoom(retain 0) = %+v, want none", r)
	}
	d.clock.Add(hour)
	d.same(d.texts("club"), "new, alice has this room's messages kept as long as others", "the room without a retention again")
}
