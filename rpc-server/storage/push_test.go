package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// pushBed is a store with the rules over it.
type pushBed struct {
	*chat.PushService
	t        *testing.T
	store    *Store
	messages *chat.MessageService
	rooms    *chat.RoomService
	live     *chat.LiveService
	inboxes  *chat.InboxService
}

func newPushBed(t *testing.T, url string) *pushBed {
	t.Helper()
	store := openAt(t, url, Options{})
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}
	return &pushBed{
		PushService: chat.NewPushService(store, chat.Access{}), t: t, store: store, messages: chat.NewMessageService(store, chat.Access{}, limits),
		rooms: chat.NewRoomService(store, chat.Access{Rooms: store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 20_000, MaxUserRooms: 10}),
		live:  chat.NewLiveService(store, chat.Access{}), inboxes: chat.NewInboxService(store, chat.Access{Rooms: store}, limits),
	}
}

func (b *pushBed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// do makes a command of one key, which is its first argument.
func (b *pushBed) do(name, key string, args ...any) any {
	b.t.Helper()
	var call *redis.Cmd
	b.must(b.store.write(b.t.Context(), key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.Do(ctx, append([]any{name, key}, args...)...)
		return call
	}))
	return call.Val()
}

func (b *pushBed) subscribe(readers ...string) {
	b.t.Helper()
	for _, reader := range readers {
		user, device, _ := strings.Cut(reader, "/")
		b.must(b.Subscribe(b.t.Context(), chat.Subscription{User: user, Device: device, Endpoint: "https://push.example/" + reader}))
	}
}

func (b *pushBed) send(room, sender string) int64 {
	b.t.Helper()
	receipt, err := b.messages.Send(b.t.Context(), chat.Message{Chat: room, Sender: sender, Text: "hi"})
	b.must(err)
	return receipt.SendTime
}

// told returns "user/device …" of those who are told.
func (b *pushBed) told(q chat.PushQuery) string {
	b.t.Helper()
	targets, err := b.PushTargets(b.t.Context(), q)
	b.must(err)
	var devices []string
	for _, subscriptions := range targets.Users {
		for _, s := range subscriptions {
			devices = append(devices, s.User+"/"+s.Device)
		}
	}
	return strings.Join(devices, " ")
}

func onEveryRedis(t *testing.T, test func(*testing.T, string)) {
	t.Run("embedded", func(t *testing.T) { test(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("real", func(t *testing.T) { test(t, redistest.Start(t).URL()) })
	t.Run("cluster", func(t *testing.T) { test(t, redistest.StartCluster(t).URL()) })
}

// TestPushTargets: every rule about who is told of a message in a room.
func TestPushTargets(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, testPushTargets)
}

func testPushTargets(t *testing.T, url string) {
	b := newPushBed(t, url)
	_, err := b.rooms.CreateRoom(t.Context(), chat.NewRoom{ID: "club", Name: "The Club", As: "ann", Users: []string{"bob", "cid", "dan", "eve", "fay", "gus"}})
	b.must(err)
	b.subscribe("ann/pad", "bob/pad", "bob/phone", "cid/pad", "dan/pad", "eve/pad", "fay/pad", "out/pad")
	at := b.send("club", "ann")
	query := chat.PushQuery{Chat: "club", Sender: "ann", Position: at}
	all := "bob/pad bob/phone cid/pad dan/pad eve/pad fay/pad"
	hour := time.Now().Add(time.Hour).UnixMicro()
	mute := func(user string, on bool, until int64) error {
		return b.Mute(t.Context(), chat.MuteRequest{User: user, Chat: "club", Mute: on, Until: until})
	}
	read := func(reader string, cursor int64) error {
		_, err := b.live.Read(t.Context(), chat.ReadRequest{Chat: "club", Reading: chat.Reading{Reader: reader, Cursor: cursor}, Force: true})
		return err
	}
	attend := func(name string, readers ...string) error {
		return b.live.ReportPresence(t.Context(), "g", []chat.Attendance{{Chat: name, Readers: readers}})
	}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"the members, without the sender", func() error { return nil }, all},
		{"a muted chat", func() error { return mute("bob", true, 0) }, "cid/pad dan/pad eve/pad fay/pad"},
		{"muted, and mentioned", func() error { query.Mentions = []string{"bob", "out"}; return nil }, all},
		{"mentioned no more", func() error { query.Mentions = nil; return nil }, "cid/pad dan/pad eve/pad fay/pad"},
		{"muted until later", func() error { return mute("bob", true, hour) }, "cid/pad dan/pad eve/pad fay/pad"},
		{"muted until a while ago", func() error { return mute("bob", true, 5) }, all},
		{"unmuted", func() error { return mute("bob", false, 0) }, all},
		{"read", func() error { return read("cid", at+1) }, "bob/pad bob/phone dan/pad eve/pad fay/pad"},
		{"unread again", func() error { return read("cid", at) }, all},
		{"read with another device", func() error { return read("cid/laptop", at+1) }, "bob/pad bob/phone dan/pad eve/pad fay/pad"},
		{"unread with it", func() error { return read("cid/laptop", at) }, all},
		{"the sender ignored", func() error {
			return b.inboxes.Ignore(t.Context(), chat.IgnoreRequest{User: "dan", Other: "ann", Ignore: true})
		}, "bob/pad bob/phone cid/pad eve/pad fay/pad"},
		{"another ignored", func() error {
			b.must(b.inboxes.Ignore(t.Context(), chat.IgnoreRequest{User: "dan", Other: "ann"}))
			return b.inboxes.Ignore(t.Context(), chat.IgnoreRequest{User: "dan", Other: "bob", Ignore: true})
		}, all},
		{"present with a device", func() error { return attend("club", "eve/laptop") }, "bob/pad bob/phone cid/pad dan/pad fay/pad"},
		{"gone", func() error { return attend("club") }, all},
		{"present in the inbox", func() error { return attend("fay:fay", "fay") }, "bob/pad bob/phone cid/pad dan/pad eve/pad"},
		{"gone from the inbox", func() error { return attend("fay:fay") }, all},
		{"present in another chat", func() error { return attend("fay:bob", "fay") }, all},
		{"a subscription less", func() error {
			return b.Unsubscribe(t.Context(), chat.Unsubscription{User: "bob", Device: "phone"})
		}, "bob/pad cid/pad dan/pad eve/pad fay/pad"},
		{"a member less", func() error {
			_, err := b.rooms.ChangeRoom(t.Context(), chat.RoomChange{Room: "club", Kind: chat.LeaveRoom, As: "cid"})
			return err
		}, "bob/pad dan/pad eve/pad fay/pad"},
		{"a member who came later", func() error {
			_, err := b.rooms.ChangeRoom(t.Context(), chat.RoomChange{Room: "club", Kind: chat.AddMembers, Users: []string{"out"}, As: "ann"})
			return err
		}, "bob/pad dan/pad eve/pad fay/pad"},
	} {
		b.must(step.do())
		if got := b.told(query); got != step.want {
			t.Errorf("%s: told are %q, want %q", step.name, got, step.want)
		}
	}
	query.Users = []string{"eve", "out", "who"}
	if got := b.told(query); got != "eve/pad" {
		t.Errorf("of some users, told are %q, want eve/pad", got)
	}
	targets, err := b.PushTargets(t.Context(), chat.PushQuery{Chat: "club", Sender: "ann", Position: at})
	if b.must(err); targets.ChatName != "The Club" {
		t.Errorf("the chat's name is %q, want The Club", targets.ChatName)
	}
}

// TestPushTargetsOfPairs: the other user of a conversation is notified; a conversation with oneself notifies no user.
func TestPushTargetsOfPairs(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url string) {
		b := newPushBed(t, url)
		b.subscribe("ann/pad", "bob/pad", "eve/pad")
		for _, c := range []struct{ chat, sender, want string }{
			{"ann:bob", "ann", "bob/pad"}, {"ann:bob", "bob", "ann/pad"}, {"ann:ann", "ann", ""}, {"ann:zoe", "ann", ""}, {"nowhere", "ann", ""},
		} {
			if got := b.told(chat.PushQuery{Chat: c.chat, Sender: c.sender, Position: b.send(c.chat, c.sender)}); got != c.want {
				t.Errorf("of %s's message in %s, told are %q, want %q", c.sender, c.chat, got, c.want)
			}
		}
		at := b.send("ann:bob", "ann")
		if _, err := b.live.Read(t.Context(), chat.ReadRequest{Chat: "ann:bob", Reading: chat.Reading{Reader: "bob/laptop"}, End: true}); err != nil {
			t.Fatal(err)
		}
		if got := b.told(chat.PushQuery{Chat: "ann:bob", Sender: "ann", Position: at}); got != "" {
			t.Errorf("of a message that was read, told are %q", got)
		}
	})
}

// TestPushTargetsArePaged: a large room comes in pages, whichever of members and subscribers are more.
func TestPushTargetsArePaged(t *testing.T) {
	t.Parallel()
	b := newPushBed(t, redistest.Start(t).URL()) // the embedded Redis takes long for many members
	_, err := b.rooms.CreateRoom(t.Context(), chat.NewRoom{ID: "club", As: "ann"})
	b.must(err)
	members := func(from, to int) {
		var users []string
		for n := from; n < to; n++ {
			users = append(users, fmt.Sprintf("user%05d", n))
		}
		for part := range slices.Chunk(users, chat.MaxUsersAtOnce) {
			_, err := b.rooms.ChangeRoom(t.Context(), chat.RoomChange{Room: "club", Kind: chat.AddMembers, Users: part, As: "ann"})
			b.must(err)
		}
	}
	count := func() (told, pages int) {
		q := chat.PushQuery{Chat: "club", Sender: "ann", Position: chat.MaxSendTime}
		seen := map[string]bool{}
		for pages = 1; ; pages++ {
			targets, err := b.PushTargets(t.Context(), q)
			b.must(err)
			for _, subscriptions := range targets.Users {
				seen[subscriptions[0].User] = true
			}
			if q.After = targets.After; q.After == "" {
				return len(seen), pages
			}
		}
	}
	members(0, 1500)
	for n := range 1600 { // more subscribers than members
		b.subscribe(fmt.Sprintf("user%05d/pad", n))
	}
	if told, pages := count(); told != 1500 || pages != 2 {
		t.Errorf("%d are told in %d pages, want 1500 in 2", told, pages)
	}
	members(1500, 1800) // fewer
	if told, pages := count(); told != 1600 || pages != 2 {
		t.Errorf("%d are told in %d pages, want 1600 in 2", told, pages)
	}
}

// TestSubscriptions: a device has one; a user has a limited number; a subscription replaced meanwhile is not removed;
// the rest of a user without subscriptions is removed.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url string) {
		b := newPushBed(t, url)
		b.subscribe("ann/pad")
		before, err := b.Subscriptions(t.Context(), "ann")
		if b.must(err); len(before) != 1 || before[0].Kind != chat.PlainEndpoint || before[0].Format != chat.PlainText || before[0].Created == 0 {
			t.Fatalf("the subscriptions are %+v, want a plain one", before)
		}
		b.must(b.Subscribe(t.Context(), chat.Subscription{User: "ann", Device: "pad", Token: "t"}))
		b.must(b.Unsubscribe(t.Context(), chat.Unsubscription{User: "ann", Device: "pad", Created: before[0].Created}))
		after, err := b.Subscriptions(t.Context(), "ann")
		if b.must(err); len(after) != 1 || after[0].Kind != chat.FCM || after[0].Endpoint != "" {
			t.Errorf("after the old one was removed, the subscriptions are %+v, want the new one", after)
		}
		for n := range chat.MaxSubscriptions {
			err := b.Subscribe(t.Context(), chat.Subscription{User: "ann", Device: fmt.Sprint("more", n), Token: "t"})
			if want := map[bool]chat.Code{true: chat.Conflict}[n == chat.MaxSubscriptions-1]; chat.CodeOf(err) != want {
				t.Errorf("subscription %d = %v, want %q", n+2, err, want)
			}
		}
		b.must(b.Subscribe(t.Context(), chat.Subscription{User: "ann", Device: "pad", Token: "u"})) // replaces

		b.subscribe("bob/pad")
		b.must(b.Unsubscribe(t.Context(), chat.Unsubscription{User: "bob", Device: "pad"}))
		if n, err := b.Subscribers(t.Context()); err != nil || n != 2 {
			t.Errorf("there are %d subscribers (%v), want 2: bob was listed just now", n, err)
		}
		b.do("zadd", b.store.keys.Pushed(), 1, "bob")
		b.told(chat.PushQuery{Chat: "ann:bob", Sender: "ann", Position: 1})
		if n, err := b.Subscribers(t.Context()); err != nil || n != 1 {
			t.Errorf("there are %d subscribers (%v), want 1: bob has had none for long", n, err)
		}
	})
}

// TestMuted: mutes are listed until they end, and are bounded.
func TestMuted(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url string) {
		b := newPushBed(t, url)
		hour := time.Now().Add(time.Hour).UnixMicro()
		for name, until := range map[string]int64{"club": 0, "bob:ann": hour, "old": 5} {
			b.must(b.Mute(t.Context(), chat.MuteRequest{User: "ann", Chat: name, Mute: true, Until: until}))
		}
		muted, err := b.Muted(t.Context(), "ann")
		if want := []chat.MutedChat{{Chat: "ann:bob", Until: hour}, {Chat: "club"}}; err != nil || !slices.Equal(muted, want) {
			t.Errorf("muted are %+v (%v), want %+v", muted, err, want)
		}
		for n := range chat.MaxMuted - 1 { // the old one makes room for the last
			err := b.Mute(t.Context(), chat.MuteRequest{User: "ann", Chat: fmt.Sprint("room", n), Mute: true})
			if want := map[bool]chat.Code{true: chat.Conflict}[n == chat.MaxMuted-2]; chat.CodeOf(err) != want {
				t.Fatalf("mute %d = %v, want %q", n+4, err, want)
			}
		}
		b.must(b.Mute(t.Context(), chat.MuteRequest{User: "ann", Chat: "club", Mute: true, Until: hour}))
		b.must(b.Mute(t.Context(), chat.MuteRequest{User: "ann", Chat: "nothing"}))
	})
}

// TestDeletionForgetsPushes: the subscriptions of an erased account are removed, and with them the user's place in the
// list.
func TestDeletionForgetsPushes(t *testing.T) {
	t.Parallel()
	onEveryRedis(t, func(t *testing.T, url string) {
		b := newPushBed(t, url)
		b.subscribe("ann/pad", "bob/pad")
		b.must(b.Mute(t.Context(), chat.MuteRequest{User: "ann", Chat: "club", Mute: true}))
		b.do("zadd", b.store.keys.Pushed(), 1, "ann")
		job := chat.DeletionJob{User: "ann", Erase: true}
		b.must(b.store.KeepDeletion(t.Context(), job))
		b.must(chat.RunDeletion(context.WithoutCancel(t.Context()), b.store, b.rooms, job))
		for _, key := range []string{b.store.keys.Subscriptions("ann"), b.store.keys.Muted("ann")} {
			if n := b.do("exists", key); n != int64(0) {
				t.Errorf("%s exists = %v, want it gone", key, n)
			}
		}
		if n, err := b.Subscribers(t.Context()); err != nil || n != 1 {
			t.Errorf("there are %d subscribers (%v), want bob alone", n, err)
		}
	})
}

// BenchmarkPushTargetsOfALargeRoom: 10,000 members without a subscription.
func BenchmarkPushTargetsOfALargeRoom(b *testing.B) {
	store := openAt(b, redistest.Start(b).URL(), Options{})
	room := chattest.ID(b, "club")
	users := map[string]any{}
	for n := range 10_000 {
		users[fmt.Sprintf("user%05d", n)] = "member 1"
	}
	key := store.keys.Members(room)
	if err := store.write(b.Context(), key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.HSet(ctx, key, users)
	}); err != nil {
		b.Fatal(err)
	}
	for n := range 100 { // elsewhere
		if err := store.AddSubscription(b.Context(), chat.Subscription{User: fmt.Sprint("else", n), Device: "d", Kind: chat.FCM, Token: "t"}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		targets, err := store.FindPushTargets(b.Context(), room, chat.PushQuery{Chat: "club", Sender: "ann", Position: 5})
		if err != nil || len(targets.Users) > 0 {
			b.Fatal(targets, err)
		}
	}
}

// TestSuspendedUsersAreNotPushed, until they are restored.
func TestSuspendedUsersAreNotPushed(t *testing.T) {
	t.Parallel()
	b := newPushBed(t, redistest.Start(t).URL())
	b.Access.Revoked = b.store.Revoked
	b.subscribe("ann/phone", "bob/phone")
	q := chat.PushQuery{Chat: "ann:bob", Sender: "bob", Position: b.send("ann:bob", "bob")}
	entry := chat.AuditEntry{By: "backend", Action: chat.AuditSuspend, User: "ann"}
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return nil }, "ann/phone"},
		{func() error {
			_, err := b.store.PutSuspension(t.Context(), chat.Suspension{User: "ann", By: "backend", Reason: "spam"}, entry)
			return err
		}, ""},
		{func() error { return b.store.RemoveSuspension(t.Context(), "ann", entry) }, "ann/phone"},
	} {
		b.must(step.do())
		if got := b.told(q); got != step.want {
			t.Errorf("%q are told, want %q", got, step.want)
		}
	}
}
