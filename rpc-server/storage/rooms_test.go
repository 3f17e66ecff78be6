package storage

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// house is all that there is over one Redis.
type house struct {
	t           *testing.T
	store       *Store
	core        *chat.MessageService
	roomService *chat.RoomService
}

func newHouse(t *testing.T, url string, maxMembers int) house {
	store := openAt(t, url, Options{Prefix: fmt.Sprintf("t%d", time.Now().UnixNano()), IdempotencyWindow: time.Hour})
	return house{
		t: t, store: store,
		core:        chat.NewMessageService(store, chat.Access{Required: true}, chat.Limits{DefaultLimit: 100, MaxLimit: 1000, MaxTextBytes: 100}),
		roomService: chat.NewRoomService(store, chat.Access{Required: true, Rooms: store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: maxMembers}),
	}
}

func as(user string) context.Context {
	return chat.WithCaller(context.Background(), chat.Caller{User: user})
}

func asService() context.Context {
	return chat.WithCaller(context.Background(), chat.Caller{User: "backend", Service: true})
}

func (h house) create(user, room string, v chat.Visibility, users ...string) {
	h.t.Helper()
	if _, err := h.roomService.CreateRoom(as(user), chat.NewRoom{ID: room, Visibility: v, Users: users}); err != nil {
		h.t.Fatal(err)
	}
}

// change makes a change and wants its code.
func (h house) change(user, room string, kind chat.ChangeKind, want chat.Code, users ...string) {
	h.t.Helper()
	_, err := h.roomService.ChangeRoom(as(user), chat.RoomChange{Room: room, Kind: kind, Users: users})
	if chat.CodeOf(err) != want {
		h.t.Errorf("%s of %v by %s = %v, want %q", kind, users, user, err, want)
	}
}

func (h house) send(user, room, text string) error {
	_, err := h.core.Send(as(user), chat.Message{Chat: room, Text: text})
	return err
}

// members is who is in a room, admins with a star, those who are for longest first.
func (h house) members(room string) (names []string) {
	h.t.Helper()
	r, err := h.roomService.Room(asService(), chat.RoomRequest{Room: room})
	if err != nil {
		h.t.Fatal(err)
	}
	if r.Count != len(r.Members) {
		h.t.Errorf("room %s has Count %d and %d members", room, r.Count, len(r.Members))
	}
	for _, m := range r.Members {
		name := m.User
		if m.Role == chat.Admin {
			name += "*"
		}
		names = append(names, name)
	}
	return names
}

func (h house) log(room string) []chat.Message {
	h.t.Helper()
	page, err := h.core.Pull(asService(), chat.PullRequest{Chat: room, Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	return page.Messages
}

func (h house) texts(room string) (texts []string) {
	for _, m := range h.log(room) {
		texts = append(texts, m.Text)
	}
	return texts
}

// mine is the rooms that a user's list has.
func (h house) mine(user string) (names []string) {
	h.t.Helper()
	page, err := h.roomService.RoomsOf(as(user), chat.RoomsRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range page.Rooms {
		names = append(names, r.ID)
	}
	return names
}

func (h house) public() (names []string) {
	h.t.Helper()
	page, err := h.roomService.PublicRooms(as("anybody"), chat.RoomsRequest{})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range page.Rooms {
		names = append(names, r.ID)
	}
	return names
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %q, want %q", what, got, want)
	}
}

// everyRedis runs a test on the embedded Redis and on a real one.
func everyRedis(t *testing.T, test func(*testing.T, string)) {
	t.Run("embedded", func(t *testing.T) { test(t, "redis://"+miniredis.RunT(t).Addr()) })
	t.Run("real", func(t *testing.T) { test(t, redistest.Start(t).URL()) })
}

func TestRoomChanges(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 4)
		h.create("ann", "club", chat.Private, "bob", "ann", "bob")
		equal(t, "members", h.members("club"), []string{"ann*", "bob"})
		_, err := h.roomService.CreateRoom(as("eve"), chat.NewRoom{ID: "club"})
		equal(t, "creating it again", chat.CodeOf(err), chat.Conflict)

		h.change("bob", "club", chat.AddMembers, chat.PermissionDenied, "eve")
		h.change("eve", "club", chat.JoinRoom, chat.PermissionDenied)
		h.change("ann", "club", chat.AddMembers, "", "bob") // doubles nothing
		h.change("ann", "club", chat.AddMembers, "", "bob", "cid")
		h.change("ann", "club", chat.AddMembers, chat.Conflict, "dan", "eve")
		h.change("ann", "club", chat.PromoteMember, chat.NotFound, "eve")
		h.change("ann", "club", chat.DemoteAdmin, chat.Conflict, "ann")
		h.change("ann", "club", chat.RemoveMembers, "", "cid", "eve")
		if _, err := h.roomService.ChangeRoom(as("ann"), chat.RoomChange{Room: "club", Kind: chat.RenameRoom, Name: "The Club"}); err != nil {
			t.Error(err)
		}
		h.change("eve", "club", chat.LeaveRoom, "")
		h.change("ann", "club", chat.LeaveRoom, "") // the last admin
		equal(t, "members", h.members("club"), []string{"bob*"})
		h.change("bob", "club", chat.OpenRoom, "")
		h.change("eve", "club", chat.JoinRoom, "")
		h.change("eve", "club", chat.JoinRoom, "")
		h.change("bob", "club", chat.PromoteMember, "", "eve")
		h.change("bob", "club", chat.PromoteMember, "", "eve")
		h.change("bob", "club", chat.DemoteAdmin, "", "bob")
		h.change("eve", "club", chat.CloseRoom, "")
		equal(t, "members", h.members("club"), []string{"bob", "eve*"})
		equal(t, "texts", h.texts("club"), []string{
			"ann made this room with bob", "ann added cid", "ann removed cid", "ann named this room The Club", "ann left",
			"bob is admin now", "bob made this room public", "eve joined", "bob made eve admin", "bob made bob a member like others",
			"eve made this room private",
		})
		notices := h.log("club")
		equal(t, "a notice", *notices[1].Notice, chat.Notice{Event: chat.MemberAdded, Users: []string{"cid"}})
		r, err := h.roomService.Room(as("bob"), chat.RoomRequest{Room: "club"})
		if err != nil || r.Name != "The Club" || r.Created != notices[0].SendTime || r.Role != chat.PlainMember {
			t.Errorf("Room() = %+v, %v", r, err)
		}
		_, err = h.roomService.Room(as("ann"), chat.RoomRequest{Room: "club"})
		equal(t, "Room() to one who has left", chat.CodeOf(err), chat.PermissionDenied)
	})
}

func TestWhoMayBeInARoom(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		h.create("ann", "club", chat.Private, "bob")
		h.create("ann", "lounge", chat.Public)
		pull := func(user, room string) chat.Code {
			_, err := h.core.Pull(as(user), chat.PullRequest{Chat: room})
			return chat.CodeOf(err)
		}
		for _, c := range []struct {
			user, room string
			want       chat.Code
		}{
			{"bob", "club", ""},
			{"eve", "club", chat.PermissionDenied},
			{"eve", "lounge", ""},
			{"eve", "nobodys", chat.NotFound},
			{"eve", "ann:bob", chat.PermissionDenied},
			{"bob", "ann:bob", ""},
			{"", "lounge", chat.Unauthenticated},
		} {
			equal(t, c.user+" sends to "+c.room, chat.CodeOf(h.send(c.user, c.room, "hi")), c.want)
			equal(t, c.user+" pulls "+c.room, pull(c.user, c.room), c.want)
			equal(t, c.user+" enters "+c.room, chat.CodeOf(h.roomService.Enter(as(c.user), []string{"lounge", c.room})), c.want)
		}
		h.change("bob", "club", chat.DeleteRoom, chat.PermissionDenied)
		h.change("ann", "club", chat.DeleteRoom, "")
		equal(t, "a send to what was deleted", chat.CodeOf(h.send("bob", "club", "hi")), chat.NotFound)
		equal(t, "a pull of what was deleted", pull("bob", "club"), chat.NotFound)
		_, err := h.core.Pull(asService(), chat.PullRequest{Chat: "club"})
		equal(t, "a service's pull of what was deleted", chat.CodeOf(err), chat.NotFound)
		equal(t, "bob's rooms", h.mine("bob"), []string(nil))
		h.create("eve", "club", chat.Private)
		equal(t, "a send to what was created anew", chat.CodeOf(h.send("bob", "club", "hi")), chat.PermissionDenied)
		equal(t, "texts", h.texts("club"), []string{"eve made this room"})
	})
}

func TestRoomLists(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		for _, room := range []string{"b", "c", "a"} {
			h.create("ann", room, chat.Private, "bob")
		}
		equal(t, "bob's rooms", h.mine("bob"), []string{"a", "b", "c"})
		h.change("bob", "b", chat.LeaveRoom, "")
		equal(t, "bob's rooms", h.mine("bob"), []string{"a", "c"})
		page, err := h.roomService.RoomsOf(as("ann"), chat.RoomsRequest{Limit: 2})
		if err != nil || len(page.Rooms) != 2 || !page.HasMore || page.NextCursor != "c" || page.Rooms[0].Role != chat.Admin {
			t.Errorf("RoomsOf() = %+v, %v", page, err)
		}
		equal(t, "public rooms", h.public(), []string(nil))
		h.change("ann", "b", chat.OpenRoom, "")
		equal(t, "public rooms", h.public(), []string{"b"})
		h.change("ann", "b", chat.CloseRoom, "")
		equal(t, "public rooms", h.public(), []string(nil))
	})
}

// TestLeavingTellsNothing of a private room to who is not in it.
func TestLeavingTellsNothing(t *testing.T) {
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		if _, err := h.roomService.CreateRoom(as("ann"), chat.NewRoom{ID: "den", Name: "our plans", Users: []string{"bob"}}); err != nil {
			t.Fatal(err)
		}
		leave := chat.RoomChange{Room: "den", Kind: chat.LeaveRoom}
		if got, err := h.roomService.ChangeRoom(as("bob"), leave); err != nil || got.Name != "our plans" || got.Count != 1 {
			t.Errorf("leave by a member = %+v, %v; want the room", got, err)
		}
		for _, user := range []string{"bob", "eve"} {
			if got, err := h.roomService.ChangeRoom(as(user), leave); err != nil || got.Name != "" || got.Count != 0 || got.Created != 0 {
				t.Errorf("leave by %s, who is not in the room, = %+v, %v; want nothing but its id", user, got, err)
			}
		}
	})
}

// TestListsAreMended: an entry that a crash leaves in a list is skipped at once, and removed when it is old.
func TestListsAreMended(t *testing.T) {
	h := newHouse(t, redistest.Start(t).URL(), 10)
	h.create("ann", "a", chat.Private)
	old := float64(time.Now().Add(-2 * listedFor).UnixMicro())
	key := h.store.keys.Chats("ann")
	add := func(room string, score float64) {
		if err := h.store.redis.Do(context.Background(), "zadd", key, score, room).Err(); err != nil {
			t.Fatal(err)
		}
	}
	add("a", old)
	add("old", old)
	add("new", float64(time.Now().UnixMicro()))
	add("again", old+1)
	h.store.unlist(context.Background(), "ann", []redis.Z{{Member: "again", Score: old}}) // as another server that has listed it again
	if err := h.store.redis.ZScore(context.Background(), key, "again").Err(); err != nil {
		t.Errorf("a room that was put into the list again is not there: %v", err)
	}
	equal(t, "ann's rooms", h.mine("ann"), []string{"a"})
	for rooms, scores := range map[[2]string]string{{"a", "new"}: "(0 +inf", {"again", "old"}: "-1 -1"} {
		from, to, _ := strings.Cut(scores, " ")
		left, err := h.store.redis.ZRangeByScore(context.Background(), key, &redis.ZRangeBy{Min: from, Max: to}).Result()
		if slices.Sort(left); err != nil || !slices.Equal(left, rooms[:]) {
			t.Errorf("the list has %v with scores of %s, %v, want %v", left, scores, err, rooms)
		}
	}
}

// TestRemovedWhileSending: a member's message is stored before the notice of the removal, or refused.
func TestRemovedWhileSending(t *testing.T) {
	t.Parallel()
	everyRedis(t, func(t *testing.T, url string) {
		for round := range 20 {
			h := newHouse(t, url, 10)
			h.create("ann", "club", chat.Private, "bob")
			stored := make([]int, 4)
			var sending sync.WaitGroup
			var removed atomic.Bool
			begun := make(chan struct{}, 100)
			for i := range stored {
				sending.Go(func() {
					for ; ; stored[i]++ {
						late := removed.Load()
						switch err := h.send("bob", "club", "still here"); chat.CodeOf(err) {
						case "":
							if late {
								t.Error("a send after the removal was stored")
								return
							}
							select {
							case begun <- struct{}{}:
							default:
							}
						case chat.PermissionDenied:
							return
						default:
							t.Error(err)
							return
						}
					}
				})
			}
			for range 5 + round {
				<-begun
			}
			h.change("ann", "club", chat.RemoveMembers, "", "bob")
			removed.Store(true)
			sending.Wait()
			all, last := 0, ""
			for _, m := range h.log("club") {
				if m.Text == "still here" {
					all++
				}
				last = m.Text
			}
			sum := stored[0] + stored[1] + stored[2] + stored[3]
			if last != "ann removed bob" || all != sum {
				t.Fatalf("the log ends in %q and has %d messages of hers; %d were acknowledged", last, all, sum)
			}
		}
	})
}

// TestLastAdminsLeaveAtOnce: the last admin to leave hands over.
func TestLastAdminsLeaveAtOnce(t *testing.T) {
	t.Parallel()
	everyRedis(t, func(t *testing.T, url string) {
		for range 30 {
			h := newHouse(t, url, 10)
			h.create("ann", "club", chat.Private, "bob")
			h.change("ann", "club", chat.AddMembers, "", "cid")
			h.change("ann", "club", chat.AddMembers, "", "dan")
			h.change("ann", "club", chat.PromoteMember, "", "dan")
			var leaving sync.WaitGroup
			for _, user := range []string{"ann", "dan"} {
				leaving.Go(func() { h.change(user, "club", chat.LeaveRoom, "") })
			}
			leaving.Wait()
			equal(t, "members", h.members("club"), []string{"bob*", "cid"})
			handed := 0
			for _, m := range h.log("club") {
				if m.Notice.Event == chat.HandedOver {
					handed++
				}
			}
			equal(t, "hand-overs", fmt.Sprint(handed), "1")
			if t.Failed() {
				return
			}
		}
	})
}

// TestManyJoinAtOnce: as many as there are places do, and each once.
func TestManyJoinAtOnce(t *testing.T) {
	t.Parallel()
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 20)
		h.create("ann", "club", chat.Public)
		codes := make([]chat.Code, 60)
		var joining sync.WaitGroup
		turns := make(chan struct{}, 16) // fewer than there are connections to Redis, whose queue refuses where it is slow
		for i := range codes {
			turns <- struct{}{}
			joining.Go(func() {
				defer func() { <-turns }()
				user := fmt.Sprintf("user%d", i/2) // two of each
				_, err := h.roomService.ChangeRoom(as(user), chat.RoomChange{Room: "club", Kind: chat.JoinRoom})
				codes[i] = chat.CodeOf(err)
			})
		}
		joining.Wait()
		for i, code := range codes {
			if code != "" && code != chat.Conflict {
				t.Errorf("join %d = %q", i, code)
			}
		}
		if members, notices := len(h.members("club")), len(h.log("club")); members != 20 || notices != 20 {
			t.Errorf("%d members and %d notices, want 20", members, notices)
		}
	})
}

// TestAPublicRoomIsListedDespiteAnEarlierChange: a server takes a room out of the list of public rooms, late, for a change
// to private, when another has listed the room and not yet made it public.
func TestAPublicRoomIsListedDespiteAnEarlierChange(t *testing.T) {
	t.Parallel()
	everyRedis(t, func(t *testing.T, url string) {
		h := newHouse(t, url, 10)
		h.create("ann", "club", chat.Private)
		late := openAt(t, url, h.store.options)
		var once sync.Once
		hookAll(t, h.store, &trips{crash: func(commands string, done bool) bool {
			if !done && strings.Contains(commands, "evalsha") {
				once.Do(func() {
					late.unlistAfter(t.Context(), chat.RoomEdit{Room: chattest.ID(t, "club"), Visibility: chat.Private})
				})
			}
			return false
		}})
		h.change("ann", "club", chat.OpenRoom, "")
		equal(t, "the public rooms", h.public(), []string{"club"})
	})
}
