package chat_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// asked is all that may be asked.
type asked struct {
	messages *chat.MessageService
	live     *chat.LiveService
	rooms    *chat.RoomService
	inboxes  *chat.InboxService
}

// call is one method, called in the name of user.
type call func(a asked, ctx context.Context, name, user string) error

// ofChats are the methods that are about a chat. Each is tried by every kind of caller in every kind of chat.
var ofChats = map[string]call{
	"Send": func(a asked, ctx context.Context, name, user string) error {
		_, err := a.messages.Send(ctx, chat.Message{Chat: name, Sender: user, Text: "hi"})
		return err
	},
	"Pull": func(a asked, ctx context.Context, name, _ string) error {
		_, err := a.messages.Pull(ctx, chat.PullRequest{Chat: name})
		return err
	},
	"Signal": func(a asked, ctx context.Context, name, user string) error {
		return a.live.Signal(ctx, chat.Signal{Chat: name, Sender: user, Type: "typing"})
	},
	"Read": func(a asked, ctx context.Context, name, user string) error {
		_, err := a.live.Read(ctx, chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: user + "/phone"}})
		return err
	},
	"ReportPresence": func(a asked, ctx context.Context, name, user string) error {
		return a.live.ReportPresence(ctx, "gateway", []chat.Attendance{{Chat: name, Readers: []string{user}}})
	},
	"Present": func(a asked, ctx context.Context, name, _ string) error {
		_, err := a.live.Present(ctx, name)
		return err
	},
	"Pull as a reader": func(a asked, ctx context.Context, name, user string) error {
		_, err := a.messages.Pull(ctx, chat.PullRequest{Chat: name, Reader: user + "/phone", Unread: true})
		return err
	},
	"Readers": func(a asked, ctx context.Context, name, _ string) error {
		_, err := a.inboxes.Readers(ctx, name)
		return err
	},
	"Enter": func(a asked, ctx context.Context, name, _ string) error {
		return a.rooms.Enter(ctx, []string{"lounge", name})
	},
}

// named are those of ofChats that say who acts.
var named = []string{"Send", "Signal", "Read", "ReportPresence", "Pull as a reader"}

// ofUsers are the methods about rooms, or about the caller's own data, that any identified caller may use.
var ofUsers = map[string]call{
	"Inbox": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.inboxes.Inbox(ctx, chat.InboxRequest{Reader: user})
		return err
	},
	"Unread": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.inboxes.Unread(ctx, chat.UnreadRequest{Reader: user})
		return err
	},
	"Chats": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.inboxes.Chats(ctx, chat.ChatsRequest{Reader: user})
		return err
	},
	"Ignored": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.inboxes.Ignored(ctx, user)
		return err
	},
	"Ignore": func(a asked, ctx context.Context, _, user string) error {
		return a.inboxes.Ignore(ctx, chat.IgnoreRequest{User: user, Other: "eve", Ignore: true})
	},
	"CreateRoom": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.rooms.CreateRoom(ctx, chat.NewRoom{As: user})
		return err
	},
	"ChangeRoom": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.rooms.ChangeRoom(ctx, chat.RoomChange{Room: "lounge", Kind: chat.JoinRoom, As: user})
		return err
	},
	"Room": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.rooms.Room(ctx, chat.RoomRequest{Room: "lounge", As: user})
		return err
	},
	"RoomsOf": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.rooms.RoomsOf(ctx, chat.RoomsRequest{As: user})
		return err
	},
	"PublicRooms": func(a asked, ctx context.Context, _, user string) error {
		_, err := a.rooms.PublicRooms(ctx, chat.RoomsRequest{As: user})
		return err
	},
}

// free are methods without a check of the caller. Ready is for load balancers. Watch is for the gateway, which passes events
// on only to users that Enter admits. Restraints are for admins: package conformance tests that.
var free = []string{"Ready", "Watch", "Restraints"}

// TestEveryMethodHasARule: a method that is added has to be put into one of the tables.
func TestEveryMethodHasARule(t *testing.T) {
	var have []string
	for _, of := range []reflect.Type{
		reflect.TypeFor[chat.Service](), reflect.TypeFor[chat.Live](), reflect.TypeFor[chat.Rooms](), reflect.TypeFor[chat.Admission](),
		reflect.TypeFor[chat.Inboxes](), reflect.TypeFor[chat.Readers](),
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

// guardedBy returns services over a store with three rooms. The private room club has the admin ann and the member bob. The
// room lounge is public. The room gone was deleted.
func guardedBy(t *testing.T, required bool) asked {
	t.Helper()
	store := chattest.NewStore(chattest.StoreOptions{})
	access := chat.Access{Required: required, Rooms: store}
	limits := chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 10}
	a := asked{
		chattest.Messages(store, access, limits), chattest.Live(store, access),
		chattest.Rooms(store, access, chat.RoomOptions{DefaultLimit: 1, MaxLimit: 1, MaxMembers: 10}), chattest.Inboxes(store, access, limits),
	}
	ann := chat.WithCaller(t.Context(), chat.Caller{User: "ann"})
	for _, r := range []chat.NewRoom{{ID: "club", Users: []string{"bob"}}, {ID: "lounge", Visibility: chat.Public}, {ID: "gone"}} {
		if _, err := a.rooms.CreateRoom(ann, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.rooms.ChangeRoom(ann, chat.RoomChange{Room: "gone", Kind: chat.DeleteRoom}); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWhoMayWhat(t *testing.T) {
	user := func(name string) *chat.Caller { return &chat.Caller{User: name} }
	service := &chat.Caller{User: "backend", Service: true}
	for _, c := range []struct {
		what  string
		by    *chat.Caller
		chat  string
		as    string
		want  chat.Code // with AUTH on
		off   chat.Code // with AUTH off
		named bool      // the case is about the named user
	}{
		{"nobody", nil, "ann:bob", "ann", chat.Unauthenticated, "", false},
		{"nobody", nil, "club", "ann", chat.Unauthenticated, "", false},
		{"nobody, who is none", &chat.Caller{}, "lounge", "ann", chat.Unauthenticated, "", false},
		{"one of two", user("ann"), "bob:ann", "ann", "", "", false},
		{"another", user("eve"), "ann:bob", "eve", chat.PermissionDenied, chat.PermissionDenied, false},
		{"a member", user("bob"), "club", "bob", "", "", false},
		{"no member", user("eve"), "club", "eve", chat.PermissionDenied, chat.PermissionDenied, false},
		{"anybody in a public room", user("eve"), "lounge", "eve", "", "", false},
		{"anybody where nobody created it", user("eve"), "nobodys", "eve", chat.NotFound, chat.NotFound, false},
		{"anybody where it was deleted", user("ann"), "gone", "ann", chat.NotFound, chat.NotFound, false},
		{"one for another", user("ann"), "club", "bob", chat.PermissionDenied, chat.PermissionDenied, true},
		{"a service in a closed room", service, "club", "eve", "", "", false},
		{"a service in a chat of two", service, "ann:bob", "bob", "", "", false},
		{"a service for a third", service, "ann:bob", "eve", chat.InvalidArgument, chat.InvalidArgument, true},
	} {
		ctx := context.Background()
		if c.by != nil {
			ctx = chat.WithCaller(ctx, *c.by)
		}
		for name, method := range ofChats {
			if c.named && !slices.Contains(named, name) {
				continue
			}
			if got := chat.CodeOf(method(guardedBy(t, true), ctx, c.chat, c.as)); got != c.want {
				t.Errorf("AUTH on: %s by %s in %s = %q, want %q", name, c.what, c.chat, got, c.want)
			}
			if got := chat.CodeOf(method(guardedBy(t, false), ctx, c.chat, c.as)); got != c.off {
				t.Errorf("AUTH off: %s by %s in %s = %q, want %q", name, c.what, c.chat, got, c.off)
			}
		}
	}
	for name, method := range ofUsers {
		for _, c := range []struct {
			by   *chat.Caller
			as   string
			want chat.Code
		}{
			{nil, "ann", chat.Unauthenticated}, {user("ann"), "ann", ""}, {user("ann"), "", ""}, {user("ann"), "bob", chat.PermissionDenied}, {service, "bob", ""},
		} {
			ctx := context.Background()
			if c.by != nil {
				ctx = chat.WithCaller(ctx, *c.by)
			}
			if got := chat.CodeOf(method(guardedBy(t, true), ctx, "", c.as)); got != c.want {
				t.Errorf("%s by %v as %q = %q, want %q", name, c.by, c.as, got, c.want)
			}
		}
	}
}

// TestSenderIsTheCaller: a request that names no sender is its caller's.
func TestSenderIsTheCaller(t *testing.T) {
	a, bob := guardedBy(t, true), chat.WithCaller(t.Context(), chat.Caller{User: "bob"})
	if _, err := a.messages.Send(bob, chat.Message{Chat: "ann:bob", Text: "hi"}); err != nil {
		t.Fatal(err)
	}
	page, err := a.messages.Pull(bob, chat.PullRequest{Chat: "ann:bob"})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Sender != "bob" {
		t.Errorf("Pull() = %+v, %v; want a message of bob", page, err)
	}
}
