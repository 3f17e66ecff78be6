package chat

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
)

// guarded has a private room, club, of ann, who is its admin, and bob, and one that was deleted, gone.
type guarded struct{ silentStore }

func (guarded) ReadRooms(_ context.Context, queries []RoomQuery) ([]StoredRoom, error) {
	rooms := make([]StoredRoom, len(queries))
	for i, q := range queries {
		switch q.Room.String() {
		case "club":
			rooms[i] = StoredRoom{Visibility: Private, Count: 2, Admins: 1, Members: map[string]Member{
				"ann": {User: "ann", Role: Admin, Since: 1}, "bob": {User: "bob", Role: PlainMember, Since: 2},
			}}
		case "lounge":
			rooms[i] = StoredRoom{Visibility: Public, Members: map[string]Member{}}
		case "gone":
			rooms[i] = StoredRoom{Visibility: Deleted}
		}
	}
	return rooms, nil
}

func (g guarded) admits(id ID, user string) error {
	if user == "" {
		return nil
	}
	rooms, _ := g.ReadRooms(context.Background(), []RoomQuery{{Room: id}})
	return rooms[0].Admits(id, user)
}

func (g guarded) Append(_ context.Context, appends []Append) []Appended {
	out := make([]Appended, len(appends))
	for i, a := range appends {
		out[i].Err = g.admits(a.Chat, a.Member)
	}
	return out
}

func (g guarded) Range(_ context.Context, ranges []Range) []Ranged {
	out := make([]Ranged, len(ranges))
	for i, r := range ranges {
		out[i].Err = g.admits(r.Chat, r.Member)
	}
	return out
}

// silentStore does nothing, well.
type silentStore struct{}

func (silentStore) Ready(context.Context) error                                   { return nil }
func (silentStore) Watch() Watch                                                  { return nil }
func (silentStore) Tell(context.Context, Event) error                             { return nil }
func (silentStore) Advance(context.Context, ID, Reading, bool) (int64, error)     { return 0, nil }
func (silentStore) ReportPresence(context.Context, string, map[ID][]string) error { return nil }
func (silentStore) Present(context.Context, ID) ([]string, error)                 { return nil, nil }
func (silentStore) EditRoom(context.Context, RoomEdit) (EditOutcome, int64, error) {
	return Edited, 1, nil
}

func (silentStore) DropRoom(context.Context, RoomEdit) (EditOutcome, error) { return Edited, nil }

func (silentStore) ListRooms(context.Context, string, string, int) ([]string, error) { return nil, nil }

func (silentStore) ListPublic(context.Context, string, int) ([]string, error) { return nil, nil }

func (silentStore) ReaderPositions(_ context.Context, places []PositionQuery) []PositionResult {
	return make([]PositionResult, len(places))
}

func (silentStore) Readings(context.Context, ID, int) (Receipts, error) { return Receipts{}, nil }

func (silentStore) SetIgnored(context.Context, IgnoreRequest) error { return nil }

func (silentStore) Lists(context.Context, string) ([]ID, map[string]bool, error) {
	return nil, nil, nil
}

func (silentStore) Newest(context.Context, string, []ID) ([]Newest, error) { return nil, nil }

func (silentStore) Preview(context.Context, Previews) ([]PreviewResult, error) { return nil, nil }

func (silentStore) ReadNames(_ context.Context, rooms []ID, users []string) ([]string, []string, error) {
	return make([]string, len(rooms)), make([]string, len(users)), nil
}

// asked is all that may be asked.
type asked struct {
	core  *MessageService
	alive *LiveService
	lobby *RoomService
	desk  *InboxService
}

// call is one method as a user makes it who says that she is user.
type call func(a asked, ctx context.Context, chat, user string) error

// ofChats are the methods that are about a chat. Each is tried by every kind of caller in every kind of chat.
var ofChats = map[string]call{
	"Send": func(a asked, ctx context.Context, chat, user string) error {
		_, err := a.core.Send(ctx, Message{Chat: chat, Sender: user, Text: "hi"})
		return err
	},
	"Pull": func(a asked, ctx context.Context, chat, _ string) error {
		_, err := a.core.Pull(ctx, PullRequest{Chat: chat})
		return err
	},
	"Signal": func(a asked, ctx context.Context, chat, user string) error {
		return a.alive.Signal(ctx, Signal{Chat: chat, Sender: user, Type: "typing"})
	},
	"Read": func(a asked, ctx context.Context, chat, user string) error {
		_, err := a.alive.Read(ctx, ReadRequest{Chat: chat, Reading: Reading{Reader: user + "/phone"}})
		return err
	},
	"ReportPresence": func(a asked, ctx context.Context, chat, user string) error {
		return a.alive.ReportPresence(ctx, "gateway", []Attendance{{Chat: chat, Readers: []string{user}}})
	},
	"Present": func(a asked, ctx context.Context, chat, _ string) error {
		_, err := a.alive.Present(ctx, chat)
		return err
	},
	"Pull as a reader": func(a asked, ctx context.Context, chat, user string) error {
		_, err := a.core.Pull(ctx, PullRequest{Chat: chat, Reader: user + "/phone", Unread: true})
		return err
	},
	"Readers": func(a asked, ctx context.Context, chat, _ string) error {
		_, err := a.desk.Readers(ctx, chat)
		return err
	},
	"Enter": func(a asked, ctx context.Context, chat, _ string) error {
		return a.lobby.Enter(ctx, []string{"lounge", chat})
	},
}

// named are those of ofChats that say who acts.
var named = []string{"Send", "Signal", "Read", "Attend", "Pull as a reader"}

// ofUsers are the methods that are about rooms, or about what is a user's own, and that anybody may ask who is somebody.
var ofUsers = map[string]call{
	"Inbox": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.desk.Inbox(ctx, InboxRequest{Reader: user})
		return err
	},
	"Unread": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.desk.Unread(ctx, UnreadRequest{Reader: user})
		return err
	},
	"Chats": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.desk.Chats(ctx, ChatsRequest{Reader: user})
		return err
	},
	"Ignored": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.desk.Ignored(ctx, user)
		return err
	},
	"Ignore": func(a asked, ctx context.Context, _, user string) error {
		return a.desk.Ignore(ctx, IgnoreRequest{User: user, Other: "eve", Ignore: true})
	},
	"CreateRoom": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.lobby.CreateRoom(ctx, NewRoom{As: user})
		return err
	},
	"ChangeRoom": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.lobby.ChangeRoom(ctx, RoomChange{Room: "lounge", Kind: JoinRoom, As: user})
		return err
	},
	"Room": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.lobby.Room(ctx, RoomRequest{Room: "lounge", As: user})
		return err
	},
	"RoomsOf": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.lobby.RoomsOf(ctx, RoomsRequest{As: user})
		return err
	},
	"PublicRooms": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.lobby.PublicRooms(ctx, RoomsRequest{As: user})
		return err
	},
}

// free are methods that tell nobody anything: one is a load balancer's, the other the gateway's own, which gives what it
// hears to those whom Enter admits.
var free = []string{"Ready", "Watch"}

// TestEveryMethodHasARule: a method that is added has to be put into one of the tables.
func TestEveryMethodHasARule(t *testing.T) {
	var have []string
	for _, of := range []reflect.Type{
		reflect.TypeFor[Service](), reflect.TypeFor[Live](), reflect.TypeFor[Rooms](), reflect.TypeFor[Admission](),
		reflect.TypeFor[Inboxes](), reflect.TypeFor[Readers](),
	} {
		for method := range of.Methods() {
			have = append(have, method.Name)
		}
	}
	tabled := slices.Concat(slices.Collect(maps.Keys(ofChats)), slices.Collect(maps.Keys(ofUsers)), free)
	slices.Sort(have)
	tabled = slices.DeleteFunc(tabled, func(name string) bool { return name == "Pull as a reader" }) // a Pull
	slices.Sort(tabled)
	if !slices.Equal(have, tabled) {
		t.Errorf("there are the methods %q, and rules for %q", have, tabled)
	}
}

func guardedBy(required bool) asked {
	store := guarded{}
	alive := NewLiveService(store)
	alive.Access = Access{Required: required, Rooms: store}
	limits := Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 10, Auth: required}
	core := NewMessageService(store, limits)
	core.ReaderStore = store
	return asked{
		core, alive,
		NewRoomService(store, required, RoomOptions{DefaultLimit: 1, MaxLimit: 1, MaxMembers: 10}),
		NewInboxService(store, limits),
	}
}

func TestWhoMayWhat(t *testing.T) {
	user := func(name string) *Caller { return &Caller{User: name} }
	service := &Caller{User: "backend", Service: true}
	for _, c := range []struct {
		what  string
		by    *Caller
		chat  string
		as    string
		want  Code // with AUTH on
		off   Code // with AUTH off
		named bool // it is about who is named
	}{
		{"nobody", nil, "ann:bob", "ann", Unauthenticated, "", false},
		{"nobody", nil, "club", "ann", Unauthenticated, "", false},
		{"nobody, who is none", &Caller{}, "lounge", "ann", Unauthenticated, "", false},
		{"one of two", user("ann"), "bob:ann", "ann", "", "", false},
		{"another", user("eve"), "ann:bob", "eve", PermissionDenied, PermissionDenied, false},
		{"a member", user("bob"), "club", "bob", "", "", false},
		{"no member", user("eve"), "club", "eve", PermissionDenied, PermissionDenied, false},
		{"anybody in a public room", user("eve"), "lounge", "eve", "", "", false},
		{"anybody where nobody created it", user("eve"), "nobodys", "eve", NotFound, NotFound, false},
		{"anybody where it was deleted", user("ann"), "gone", "ann", NotFound, NotFound, false},
		{"one for another", user("ann"), "club", "bob", PermissionDenied, PermissionDenied, true},
		{"a service in a closed room", service, "club", "eve", "", "", false},
		{"a service in a chat of two", service, "ann:bob", "bob", "", "", false},
		{"a service for a third", service, "ann:bob", "eve", InvalidArgument, InvalidArgument, true},
	} {
		ctx := context.Background()
		if c.by != nil {
			ctx = WithCaller(ctx, *c.by)
		}
		for name, method := range ofChats {
			if c.named && !slices.Contains(named, name) {
				continue
			}
			if got := CodeOf(method(guardedBy(true), ctx, c.chat, c.as)); got != c.want {
				t.Errorf("AUTH on: %s by %s in %s = %q, want %q", name, c.what, c.chat, got, c.want)
			}
			if got := CodeOf(method(guardedBy(false), ctx, c.chat, c.as)); got != c.off {
				t.Errorf("AUTH off: %s by %s in %s = %q, want %q", name, c.what, c.chat, got, c.off)
			}
		}
	}
	for name, method := range ofUsers {
		for _, c := range []struct {
			by   *Caller
			as   string
			want Code
		}{
			{nil, "ann", Unauthenticated}, {user("ann"), "ann", ""}, {user("ann"), "", ""}, {user("ann"), "bob", PermissionDenied}, {service, "bob", ""},
		} {
			ctx := context.Background()
			if c.by != nil {
				ctx = WithCaller(ctx, *c.by)
			}
			if got := CodeOf(method(guardedBy(true), ctx, "", c.as)); got != c.want {
				t.Errorf("%s by %v as %q = %q, want %q", name, c.by, c.as, got, c.want)
			}
		}
	}
}

// TestSenderIsTheCaller: who is not named is the caller.
func TestSenderIsTheCaller(t *testing.T) {
	sender, err := Access{Required: true}.actor("sender", ID{"ann:bob"}, "ann:bob", "", Caller{User: "bob"})
	if sender != "bob" || err != nil {
		t.Errorf("actor() = %q, %v; want bob", sender, err)
	}
}
