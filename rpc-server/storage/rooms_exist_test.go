package storage

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestNoRoomWithoutCreation: where it is known who makes requests, nothing may be done under an id that was never
// created. Messages of earlier releases are read by services, which alone may make a room of them.
func TestNoRoomWithoutCreation(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		live := chat.NewLiveService(h.store, chat.Access{Required: true, Rooms: h.store})
		readers := chat.NewInboxService(h.store, chat.Access{Required: true, Rooms: h.store}, chat.Limits{DefaultLimit: 10, MaxLimit: 10})
		open := chat.NewMessageService(h.store, chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100})
		if _, err := open.Send(context.Background(), chat.Message{Chat: "old", Sender: "ann", Text: "of an earlier release"}); err != nil {
			t.Fatal(err)
		}
		calls := map[string]func(context.Context, string) error{
			"send": func(ctx context.Context, room string) error {
				_, err := h.core.Send(ctx, chat.Message{Chat: room, Sender: "ann", Text: "hi"})
				return err
			},
			"send with an id": func(ctx context.Context, room string) error {
				_, err := h.core.Send(ctx, chat.Message{Chat: room, Sender: "ann", Text: "hi", ID: "1"})
				return err
			},
			"signal": func(ctx context.Context, room string) error {
				return live.Signal(ctx, chat.Signal{Chat: room, Sender: "ann", Type: "typing"})
			},
			"read": func(ctx context.Context, room string) error {
				_, err := live.Read(ctx, chat.ReadRequest{Chat: room, Reading: chat.Reading{Reader: "ann"}, End: true})
				return err
			},
			"pull": func(ctx context.Context, room string) error {
				_, err := h.core.Pull(ctx, chat.PullRequest{Chat: room})
				return err
			},
			"pull past the end": func(ctx context.Context, room string) error {
				_, err := h.core.Pull(ctx, chat.PullRequest{Chat: room, Cursor: chat.MaxCursor})
				return err
			},
			"enter": func(ctx context.Context, room string) error {
				return h.roomService.Enter(ctx, []string{"ann:bob", room})
			},
			"present": func(ctx context.Context, room string) error { _, err := live.Present(ctx, room); return err },
			"readers": func(ctx context.Context, room string) error { _, err := readers.Readers(ctx, room); return err },
		}
		reads := map[string]bool{"pull": true, "pull past the end": true, "present": true, "readers": true}
		byUser := as("ann")
		byService := chat.WithCaller(context.Background(), chat.Caller{User: "backend", Service: true})
		for name, call := range calls {
			for _, room := range []string{"nowhere", "old"} {
				err := call(byUser, room)
				if chat.CodeOf(err) != chat.NotFound || !strings.Contains(err.Error(), "POST /api/rooms") {
					t.Errorf("%s in %s by a user = %v, want a not_found that says how to create it", name, room, err)
				}
				want := chat.NotFound
				if room == "old" && (reads[name] || name == "enter") {
					want = ""
				}
				if err := call(byService, room); chat.CodeOf(err) != want {
					t.Errorf("%s in %s by a service = %v, want %q", name, room, err, want)
				}
			}
		}
		_, err := h.roomService.CreateRoom(as("ann"), chat.NewRoom{ID: "old"})
		equal(t, "a user's claim of what others have written", chat.CodeOf(err), chat.Conflict)
		if _, err := h.roomService.CreateRoom(asService(), chat.NewRoom{ID: "old", As: "ann"}); err != nil {
			t.Errorf("a service's claim of what others have written = %v", err)
		}
		equal(t, "texts", h.texts("old"), []string{"of an earlier release", "ann made this room"})
		keys, err := h.store.redis.Keys(context.Background(), "*nowhere*").Result()
		if err != nil || len(keys) > 0 {
			t.Errorf("what was refused has left %v, %v", keys, err)
		}
	})
}

// TestDeletedIDsAreReserved for the last admins, for a time, and the refusal tells others nothing.
func TestDeletedIDsAreReserved(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		ahead := time.Duration(0)
		options := chat.RoomOptions{
			DefaultLimit: 10, MaxLimit: 100, MaxMembers: 10, IDReserved: time.Hour, Now: func() time.Time { return time.Now().Add(ahead) },
		}
		h.roomService = chat.NewRoomService(h.store, chat.Access{Required: true, Rooms: h.store}, options)
		create := func(ctx context.Context, user string) error {
			_, err := h.roomService.CreateRoom(ctx, chat.NewRoom{ID: "club", As: user})
			return err
		}
		h.create("ann", "club", chat.Private, "bob", "cid")
		h.change("ann", "club", chat.PromoteMember, "", "bob")
		there := create(as("eve"), "eve")
		h.change("ann", "club", chat.DeleteRoom, "")
		for _, user := range []string{"eve", "cid"} {
			if err := create(as(user), user); chat.CodeOf(err) != chat.Conflict || err.Error() != there.Error() {
				t.Errorf("creation by %s = %v, want the same as where there is a room, %v", user, err, there)
			}
			equal(t, "creation by a service for "+user, chat.CodeOf(create(asService(), user)), chat.Conflict)
		}
		equal(t, "creation by an admin", create(as("bob"), "bob"), error(nil))
		equal(t, "texts", h.texts("club"), []string{"bob made this room"})
		if left := h.store.redis.TTL(context.Background(), h.store.keys.Room(chattest.ID(t, "club"))).Val(); left >= 0 {
			t.Errorf("the new room expires in %v", left)
		}
		h.change("bob", "club", chat.DeleteRoom, "")
		equal(t, "creation by an admin of the room before", chat.CodeOf(create(as("ann"), "ann")), chat.Conflict)
		ahead = 59 * time.Minute
		equal(t, "creation before the time", chat.CodeOf(create(as("eve"), "eve")), chat.Conflict)
		ahead = 61 * time.Minute
		equal(t, "creation after the time", create(as("eve"), "eve"), error(nil))

		h.change("eve", "club", chat.DeleteRoom, "")
		h.roomService = chat.NewRoomService(h.store, chat.Access{Rooms: h.store}, options)
		equal(t, "creation with AUTH off", create(context.Background(), "zoe"), error(nil))
	})
}

// TestMembersHaveAccounts: who has none becomes no member and no admin, and neither does a user who ignores who adds.
func TestMembersHaveAccounts(t *testing.T) {
	h := newHouse(t, redistest.Start(t).URL(), 10)
	for _, user := range []string{"ann", "bob", "cid", "dan"} {
		if _, err := h.store.AddAccount(context.Background(), chat.StoredAccount{Account: chat.Account{User: user}, PasswordHash: "h"}); err != nil {
			t.Fatal(err)
		}
	}
	h.create("ann", "club", chat.Private, "old") // of an earlier release
	if err := h.store.SetIgnored(context.Background(), chat.IgnoreRequest{User: "dan", Other: "ann", Ignore: true}); err != nil {
		t.Fatal(err)
	}
	guard := func(required bool) {
		access := chat.Access{Required: required, Rooms: h.store, Users: h.store}
		h.roomService = chat.NewRoomService(h.store, access, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 10})
	}
	guard(true)
	for _, c := range []struct {
		name  string
		ctx   context.Context
		kind  chat.ChangeKind // "" creates
		as    string
		users []string
		want  chat.Code
		says  string
	}{
		{"create", as("ann"), "", "", []string{"bob", "bobb", "cidd"}, chat.NotFound, "bobb, cidd"},
		{"create by a service", asService(), "", "ann", []string{"bobb"}, chat.NotFound, "bobb"},
		{"create by a service for nobody", asService(), "", "annn", []string{"bob"}, chat.NotFound, "annn"},
		{"create", as("ann"), "", "", []string{"bob", "dan"}, chat.PermissionDenied, "dan cannot be added"},
		{"add", as("ann"), chat.AddMembers, "", []string{"bob", "bobb"}, chat.NotFound, "bobb"},
		{"add by a service", asService(), chat.AddMembers, "", []string{"bobb"}, chat.NotFound, "bobb"},
		{"add by no admin", as("bob"), chat.AddMembers, "", []string{"bobb"}, chat.PermissionDenied, "no admin"},
		{"add who ignores", as("ann"), chat.AddMembers, "", []string{"dan", "bob"}, chat.PermissionDenied, "dan cannot be added"},
		{"promote", as("ann"), chat.PromoteMember, "", []string{"old"}, chat.NotFound, "no user old"},
		{"demote", as("ann"), chat.DemoteAdmin, "", []string{"old"}, "", ""},
		{"add", as("ann"), chat.AddMembers, "", []string{"bob"}, "", ""},
		{"add who ignores another", asService(), chat.AddMembers, "", []string{"dan"}, "", ""},
		{"create", as("cid"), "", "", []string{"dan", "bob"}, "", ""},
	} {
		var err error
		if c.kind == "" {
			_, err = h.roomService.CreateRoom(c.ctx, chat.NewRoom{As: c.as, Users: c.users})
		} else {
			_, err = h.roomService.ChangeRoom(c.ctx, chat.RoomChange{Room: "club", Kind: c.kind, Users: c.users, As: c.as})
		}
		if chat.CodeOf(err) != c.want || c.want != "" && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %v = %v, want %q with %q", c.name, c.users, err, c.want, c.says)
		}
	}
	equal(t, "members", h.members("club"), []string{"ann*", "old", "bob", "dan"})
	guard(false)
	if _, err := h.roomService.CreateRoom(context.Background(), chat.NewRoom{As: "nobody", Users: []string{"else"}}); err != nil {
		t.Errorf("without AUTH a room of users without accounts = %v", err)
	}
}

// andClusters is everyRedis, and a cluster: there lists lie at other nodes than the rooms.
func andClusters(t *testing.T, test func(*testing.T, string)) {
	everyRedis(t, test)
	t.Run("cluster", func(t *testing.T) { test(t, redistest.StartCluster(t, "--appendonly", "no").URL()) })
}

// TestRefusedSendsListNothing: a refused send to a room that does not exist, or was deleted, leaves nothing in its
// sender's list.
func TestRefusedSendsListNothing(t *testing.T) {
	t.Parallel()
	andClusters(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		h.create("ann", "gone", chat.Public)
		h.change("ann", "gone", chat.DeleteRoom, "")
		h.create("ann", "club", chat.Public)
		for _, room := range []string{"nowhere", "gone", "club"} {
			for name, ctx := range map[string]context.Context{"a user": as("bob"), "a service": asService()} {
				_, err := h.core.Send(ctx, chat.Message{Chat: room, Sender: "bob", Text: "hi"})
				if missing := room != "club"; missing != (chat.CodeOf(err) == chat.NotFound) {
					t.Errorf("a send to %s by %s = %v, want not_found: %v", room, name, err, missing)
				}
			}
		}
		var listed *redis.StringSliceCmd
		key := h.store.keys.Chats("bob")
		if err := h.store.callOne(t.Context(), "read the list", key, func(ctx context.Context, p redis.Pipeliner) redis.Cmder {
			listed = p.ZRange(ctx, key, 0, -1)
			return listed
		}); err != nil {
			t.Fatal(err)
		}
		equal(t, "bob's list", listed.Val(), []string{"club"})
	})
}

// TestReadingNothingListsNothing: where nothing was ever said a reader leaves nothing behind. Later the chat is listed.
func TestReadingNothingListsNothing(t *testing.T) {
	t.Parallel()
	andClusters(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		listed := func() []string {
			t.Helper()
			var chats *redis.StringSliceCmd
			key := h.store.keys.Chats("bob")
			if err := h.store.callOne(t.Context(), "read the list", key, func(ctx context.Context, p redis.Pipeliner) redis.Cmder {
				chats = p.ZRange(ctx, key, 0, -1)
				return chats
			}); err != nil {
				t.Fatal(err)
			}
			return chats.Val()
		}
		read := func(name string, wantSome bool) {
			t.Helper()
			at, err := h.store.Advance(t.Context(), chattest.ID(t, name), chat.Reading{Reader: "bob", Cursor: chat.MaxCursor}, false)
			if err != nil || at > 0 != wantSome {
				t.Errorf("Advance(%s) = %d, %v", name, at, err)
			}
		}
		for _, name := range []string{"ann:bob", "bob:cid", "room"} {
			read(name, false)
		}
		equal(t, "bob's list", listed(), []string{})
		h.store.Append(t.Context(), []chat.Append{{Chat: chattest.ID(t, "room"), Message: chat.Message{Sender: "ann", Text: "hi"}}})
		read("room", true)
		equal(t, "bob's list when something was said", listed(), []string{"room"})
	})
}

// TestAServicesPullIsOneCommand: whether the room exists is asked only where its log has nothing to tell.
func TestAServicesPullIsOneCommand(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		h.create("ann", "club", chat.Private)
		for _, c := range []struct {
			room     string
			cursor   int64
			commands int
			want     chat.Code
		}{{"club", 0, 1, ""}, {"club", chat.MaxCursor, 3, ""}, {"nowhere", 0, 3, chat.NotFound}} {
			counts := countTrips(t, h.store)
			page, err := h.core.Pull(asService(), chat.PullRequest{Chat: c.room, Cursor: c.cursor})
			if chat.CodeOf(err) != c.want || page.Len() != min(1, 3-c.commands) {
				t.Errorf("%s from %d has %d messages, %v", c.room, c.cursor, page.Len(), err)
			}
			commands := 0
			for _, tr := range counts {
				commands += tr.calls
			}
			equal(t, "commands", commands, c.commands)
		}
	})
}
