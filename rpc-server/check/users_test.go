package check

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// populated is a test's chats with rooms and accounts in addition.
type populated struct {
	*checked
	roomService *chat.RoomService
}

// fillPopulated has the public room club of ann, an admin, with bob and cid, the private room den of ann, and their accounts;
// ann is logged in and ignores bob.
func fillPopulated(t *testing.T, url string) *populated {
	t.Helper()
	p := &populated{checked: fillChecked(t, url, storage.Options{})}
	p.roomService = chat.NewRoomService(p.store, chat.Access{Rooms: p.store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 100})
	for _, room := range []chat.NewRoom{
		{ID: "club", Visibility: chat.Public, Users: []string{"bob", "cid"}, As: "ann"}, {ID: "den", As: "ann"},
	} {
		if _, err := p.roomService.CreateRoom(t.Context(), room); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{"ann", "bob"} {
		p.register(user)
	}
	if ok, err := p.store.AddSession(t.Context(), "ann", "hash", "session", chat.StoredSession{Begun: 1, Expires: 1 << 50, Seed: "a", Current: "b"}, 9); !ok || err != nil {
		t.Fatalf("AddSession() = %v, %v", ok, err)
	}
	if err := p.store.SetIgnored(t.Context(), chat.IgnoreRequest{User: "ann", Other: "bob", Ignore: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.Advance(t.Context(), chattest.ID(t, "club"), chat.Reading{Reader: "ann/phone", Cursor: chat.MaxCursor}, false); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *populated) register(user string) {
	p.t.Helper()
	a := chat.StoredAccount{Account: chat.Account{User: user, Name: "A name"}, PasswordHash: "hash", Looks: []string{user}}
	if _, err := p.store.AddAccount(p.t.Context(), a); err != nil {
		p.t.Fatal(err)
	}
}

func (p *populated) room(name string) string    { return p.layout.Room(chattest.ID(p.t, name)) }
func (p *populated) members(name string) string { return p.layout.Members(chattest.ID(p.t, name)) }
func (p *populated) readers(name string) string { return p.layout.Read(chattest.ID(p.t, name)) }

func TestCheckOfSoundUsers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for name, then := range map[string]func(*populated){
		"as they are": func(*populated) {},
		"a room with all that moderation has": func(p *populated) {
			for _, r := range []chat.RoomChange{
				{Kind: chat.BanUser, Users: []string{"bob"}},
				{Kind: chat.MuteMember, Users: []string{"eve"}, Until: 7},
				{Kind: chat.SlowRoom, SlowMode: time.Minute},
				{Kind: chat.AnnounceRoom},
			} {
				r.Room, r.As = "club", "ann"
				if _, err := p.roomService.ChangeRoom(p.t.Context(), r); err != nil {
					p.t.Fatal(err)
				}
			}
		},
		"a room that was deleted": func(p *populated) {
			_, err := p.roomService.CreateRoom(p.t.Context(), chat.NewRoom{ID: "gone", Visibility: chat.Public, Users: []string{"bob"}, As: "ann"})
			if err == nil {
				_, err = p.roomService.ChangeRoom(p.t.Context(), chat.RoomChange{Room: "gone", Kind: chat.DeleteRoom, As: "ann"})
			}
			if err != nil {
				p.t.Fatal(err)
			}
		},
		"lists with more than there is": func(p *populated) {
			p.do("zadd", p.layout.Chats("ann"), 0, "ann:eve", 1795248043296447, "elsewhere")
			p.do("zadd", p.layout.PublicRooms(), 0, "elsewhere")
			p.do("zadd", p.layout.Users(), 0, "unregistered")
		},
		"a user who was deleted": func(p *populated) {
			p.do("del", p.layout.Account("alice"), p.layout.Chats("alice"))
			p.do("hset", p.layout.Account("alice"), layout.DeletedField, 1)
		},
		"a user who has deleted the account and all texts": func(p *populated) {
			job := chat.DeletionJob{User: "alice", Erase: true}
			_, err := p.store.EraseTexts(p.t.Context(), chattest.ID(p.t, "alice:bob"), "alice", 1)
			for _, step := range []func() error{
				func() error { return p.store.CloseAccount(p.t.Context(), job.User) },
				func() error { return p.store.ForgetReader(p.t.Context(), chattest.ID(p.t, "alice:bob"), "alice") },
				func() error { return p.store.EndDeletion(p.t.Context(), job) },
			} {
				err = errors.Join(err, step())
			}
			if err != nil {
				p.t.Fatal(err)
			}
		},
		"a message to oneself": func(p *populated) {
			if _, err := appendTo(p.store, chattest.ID(p.t, "ann:ann"), chat.Message{Text: "x", Sender: "ann"}); err != nil {
				p.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := fillPopulated(t, redis.URL())
			then(p)
			for _, size := range []int{2, 500} {
				if got := p.check(Options{PageSize: size}); len(got.Faults) > 0 || got.Rooms != 2 || got.Accounts != 2 || got.Unknown.Count > 0 {
					t.Errorf("check in pages of %d found %+v, want two rooms, two accounts and no fault", size, got)
				}
			}
		})
	}
}

// TestCheckNamesTheFaultOfUsers breaks one invariant at a time.
func TestCheckNamesTheFaultOfUsers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for _, c := range []struct {
		name  string
		broke func(*populated)
		want  FaultKind
		count int64
		left  int64 // after a repair
	}{
		{"conversation in one list only", func(p *populated) { p.do("zrem", p.layout.Chats("bob"), "alice:bob") }, FaultChatUnlisted, 1, 0},
		{"conversation in no list", func(p *populated) {
			p.do("del", p.layout.Chats("alice"))
			p.do("zrem", p.layout.Chats("bob"), "alice:bob")
		}, FaultChatUnlisted, 2, 0},
		{"list of another's chat", func(p *populated) { p.do("zadd", p.layout.Chats("ann"), 0, "alice:bob") }, FaultListEntry, 1, 1},
		{"list of no chat", func(p *populated) { p.do("zadd", p.layout.Chats("ann"), 0, "a b") }, FaultListEntry, 1, 1},
		{"list not canonical", func(p *populated) { p.do("zadd", p.layout.Chats("ann"), 0, "bob:ann") }, FaultListEntry, 1, 1},
		{"list of a conversation with a time", func(p *populated) { p.do("zadd", p.layout.Chats("ann"), 7, "ann:bob") }, FaultListEntry, 1, 1},
		{"list of a room without a time", func(p *populated) { p.do("zadd", p.layout.Chats("ann"), 0, "club") }, FaultListEntry, 1, 1},
		{"public rooms with a conversation", func(p *populated) { p.do("zadd", p.layout.PublicRooms(), 0, "ann:bob") }, FaultListEntry, 1, 1},
		{"public rooms out of order", func(p *populated) { p.do("zadd", p.layout.PublicRooms(), 1, "club") }, FaultListEntry, 1, 1},
		{"list of another type", func(p *populated) {
			p.do("del", p.layout.Chats("ann"))
			p.do("set", p.layout.Chats("ann"), 1)
		}, FaultType, 1, 1},
		{"public rooms of another type", func(p *populated) {
			p.do("del", p.layout.PublicRooms())
			p.do("set", p.layout.PublicRooms(), 1)
		}, FaultType, 1, 1},

		{"room without a visibility", func(p *populated) { p.do("hdel", p.room("club"), "visibility") }, FaultRoom, 1, 1},
		{"room of another visibility", func(p *populated) { p.do("hset", p.room("club"), "visibility", "secret") }, FaultRoom, 1, 1},
		{"room of no time", func(p *populated) { p.do("hdel", p.room("club"), "created") }, FaultRoom, 1, 1},
		{"room of a time that is none", func(p *populated) { p.do("hset", p.room("club"), "created", "now") }, FaultRoom, 1, 1},
		{"room of another type", func(p *populated) {
			p.do("del", p.room("club"))
			p.do("set", p.room("club"), 1)
		}, FaultType, 1, 1},
		{"members of another type", func(p *populated) {
			p.do("del", p.members("club"))
			p.do("set", p.members("club"), 1)
		}, FaultType, 1, 1},
		{"members without a room", func(p *populated) { p.do("del", p.room("club")) }, FaultRoomMissing, 1, 1},
		{"members of a room that was deleted", func(p *populated) {
			p.do("del", p.room("club"))
			p.do("hset", p.room("club"), "visibility", "deleted")
		}, FaultRoomMissing, 1, 1},
		{"room in another partition", func(p *populated) {
			p.do("hset", p.layout.Tag("1")+":room:club", "visibility", "public")
		}, FaultPartition, 1, 1},
		{"members of a conversation that lies wrong", func(p *populated) {
			p.do("hset", p.layout.Tag("1")+":members:bob:ann", "ann", "admin 1")
		}, FaultChatID, 1, 1},
		{"rules that cannot be read", func(p *populated) { p.do("hset", p.room("club"), "rules", "quiet") }, FaultRoomRules, 1, 1},
		{"rules that the members lack", func(p *populated) { p.do("hset", p.room("club"), "rules", "announce") }, FaultRoomRules, 1, 1},
		{"rules of the members alone", func(p *populated) { p.do("hset", p.members("club"), "", "announce") }, FaultRoomRules, 1, 1},
		{"bans that the rules do not name", func(p *populated) {
			p.do("hset", p.layout.Restraints(chattest.ID(p.t, "club")), "ban eve", `0 7 {"by":"ann"}`)
		}, FaultRoomRules, 1, 1},
		{"a ban that cannot be read", func(p *populated) {
			p.do("hset", p.room("club"), "rules", "users")
			p.do("hset", p.members("club"), "", "users")
			p.do("hset", p.layout.Restraints(chattest.ID(p.t, "club")), "ban eve", "0 {}", "mute bob", `5 7 {"by":"ann"}`)
		}, FaultRoomRules, 1, 1},
		{"pins that cannot be read", func(p *populated) { p.do("hset", p.room("club"), "pins", "7") }, FaultRoomRules, 1, 1},
		{"too few admins", func(p *populated) { p.do("hset", p.room("club"), "admins", 0) }, FaultRoomAdmins, 1, 1},
		{"too many admins", func(p *populated) { p.do("hset", p.members("club"), "bob", "admin 7") }, FaultRoomAdmins, 1, 1},
		{"no number of admins", func(p *populated) { p.do("hdel", p.room("club"), "admins") }, FaultRoomAdmins, 1, 1},
		{"member of another role", func(p *populated) { p.do("hset", p.members("club"), "bob", "owner 7") }, FaultRoomMember, 1, 1},
		{"member of no time", func(p *populated) { p.do("hset", p.members("club"), "bob", "member") }, FaultRoomMember, 1, 1},
		{"members who are no users", func(p *populated) {
			p.do("hset", p.members("club"), "a b", "member 7", "a:b", "member 7")
		}, FaultRoomMember, 2, 2},
		{"member without the room in their list", func(p *populated) { p.do("zrem", p.layout.Chats("cid"), "club") }, FaultRoomUnlisted, 1, 0},
		{"members without the room in their lists", func(p *populated) {
			p.do("del", p.layout.Chats("bob"))
			p.do("zadd", p.layout.Chats("bob"), 0, "alice:bob")
			p.do("del", p.layout.Chats("cid"), p.layout.Chats("ann"))
		}, FaultRoomUnlisted, 4, 0},
		{"member whose list records only a former visit", func(p *populated) {
			p.do("zadd", p.layout.Chats("bob"), layout.WasThere, "club")
		}, FaultRoomUnlisted, 1, 0},
		{"public room that is not listed", func(p *populated) { p.do("zrem", p.layout.PublicRooms(), "club") }, FaultRoomUnlisted, 1, 0},

		{"account without a hash", func(p *populated) { p.do("hdel", p.layout.Account("ann"), "hash") }, FaultAccount, 1, 1},
		{"account without a time", func(p *populated) { p.do("hset", p.layout.Account("ann"), "created", "-1") }, FaultAccount, 1, 1},
		{"account of no user", func(p *populated) { p.do("hset", p.layout.Account("a b"), "hash", "x", "created", 1) }, FaultUser, 1, 1},
		{"account of another type", func(p *populated) {
			p.do("del", p.layout.Account("ann"))
			p.do("set", p.layout.Account("ann"), 1)
		}, FaultType, 1, 1},
		{"user who is not in the list", func(p *populated) { p.do("zrem", p.layout.Users(), "ann") }, FaultUserUnlisted, 1, 0},
		{"no list of users", func(p *populated) { p.do("del", p.layout.Users()) }, FaultUserUnlisted, 2, 0},
		{"users who are none", func(p *populated) { p.do("zadd", p.layout.Users(), 0, "a b", 0, "") }, FaultUser, 2, 2},
		{"users out of order", func(p *populated) { p.do("zadd", p.layout.Users(), 1, "ann") }, FaultUser, 1, 1},
		{"deletions that are none", func(p *populated) {
			p.do("zadd", p.layout.Deletions(), 1, "ann", 1, "a:b erase last", 1, "ann keep third")
		}, FaultDeletion, 3, 3},
		{"look of no user", func(p *populated) { p.do("set", p.layout.Look("ann"), "a b") }, FaultLook, 1, 1},
		{"look of another type", func(p *populated) {
			p.do("del", p.layout.Look("ann"))
			p.do("hset", p.layout.Look("ann"), "a", "b")
		}, FaultType, 1, 1},
		{"revoked who are none", func(p *populated) { p.do("zadd", p.layout.Revoked(), 1, "a b", 0, "ann") }, FaultUser, 2, 2},
		{"session that is cut off", func(p *populated) { p.do("hset", p.layout.Sessions("ann"), "other", "1 2 a") }, FaultSession, 1, 1},
		{"session without a number", func(p *populated) { p.do("hset", p.layout.Sessions("ann"), "other", "x 2 a b c") }, FaultSession, 1, 1},
		{"session that ends before it begins", func(p *populated) { p.do("hset", p.layout.Sessions("ann"), "other", "2 2 a b c") }, FaultSession, 1, 1},
		{"a report that cannot be read", func(p *populated) {
			p.do("hset", p.layout.Reports(), "0000000000000007", `{"state":"open"}`, "0000000000000008", `{"chat":"club","state":"open"}`)
			p.do("zadd", p.layout.ReportsOpen(), 7, "0000000000000007", 8, "0000000000000008")
		}, FaultModeration, 1, 1},
		{"a report that is not listed", func(p *populated) {
			p.do("hset", p.layout.Reports(), "0000000000000008", `{"chat":"club","state":"open"}`)
		}, FaultModeration, 1, 1},
		{"a suspension without a time", func(p *populated) { p.do("hset", p.layout.Suspended(), "", 5, "ann", "{}", "bob", `5 {"by":"s"}`) }, FaultModeration, 1, 1},
		{"what is no entry of the audit log", func(p *populated) {
			p.do("zadd", p.layout.Audit(), 1, "x", 6, `0000000000000007{"action":"suspend"}`, 7, `0000000000000007{"action":"restore"}`)
		}, FaultModeration, 2, 2},
		{"ignored who are no users", func(p *populated) { p.do("sadd", p.layout.Ignored("ann"), "a:b", "\xff") }, FaultIgnored, 2, 2},
		{"subscriptions that are none", func(p *populated) {
			p.do("hset", p.layout.Subscriptions("ann"), "phone", "1 {}", "pad", `1 {"kind":"fcm","token":"t"}`, "", `1 {"kind":"fcm"}`)
		}, FaultPush, 2, 2},
		{"muted chats that are none", func(p *populated) {
			p.do("hset", p.layout.Muted("ann"), "club", "soon", "bob:ann", 0, "ann:bob", 5)
		}, FaultPush, 2, 2},
		{"attachments that cannot be read", func(p *populated) {
			p.do("hset", p.layout.Attachments(chattest.ID(p.t, "club")), "A", "x", "B", "s 1 ann {}")
			p.do("hset", p.layout.Files("ann"), "", 5, "A", "5 a b")
			p.do("zadd", p.layout.LookAt(p.layout.Partition(chattest.ID(p.t, "club"))), 1, "club", 2, "ann:bob C")
		}, FaultAttachment, 5, 5},
		{"an attachment that is never looked at", func(p *populated) {
			a := chat.Attachment{Sender: "ann", Name: "a", Bytes: 1, Type: "a/b", State: chat.AttachmentPending, Created: 1}
			p.do("hset", p.layout.Attachments(chattest.ID(p.t, "club")), "A", layout.FormatAttachment(a))
			p.do("hset", p.layout.Files("ann"), "", 1, "A", "1 club")
		}, FaultAttachmentUnlooked, 1, 0},
		{"files that have another sum", func(p *populated) { p.do("hset", p.layout.Files("ann"), "", 6, "A", "5 club") }, FaultAttachment, 1, 1},
		{"subscribers who are none", func(p *populated) { p.do("zadd", p.layout.Pushed(), 1, "a b", 0, "ann") }, FaultUser, 2, 2},

		{"cursor that is none", func(p *populated) { p.do("hset", p.readers("club"), "ann", "soon") }, FaultCursor, 1, 1},
		{"cursor below all", func(p *populated) { p.do("hset", p.readers("club"), "ann", -1) }, FaultCursor, 1, 1},
		{"cursor beyond all", func(p *populated) { p.do("hset", p.readers("club"), "ann", chat.MaxCursor+1) }, FaultCursor, 1, 1},
		{"cursors past the end", func(p *populated) {
			p.do("hset", p.readers("club"), "ann", chat.MaxCursor, "bob/pad", 1<<52)
			p.do("hset", p.readers("silent"), "ann", chat.MaxCursor) // which has no end yet
		}, FaultCursorAhead, 2, 0},
		{"readers who are none", func(p *populated) {
			p.do("hset", p.readers("club"), "ann/", 1, "/phone", 1, "ann/a/b", 1, "a:b", 1)
		}, FaultCursor, 4, 4},
		{"reader of a conversation of others", func(p *populated) { p.do("hset", p.readers("alice:bob"), "eve", 1) }, FaultCursor, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := fillPopulated(t, redis.URL())
			c.broke(p)
			want := map[FaultKind]int64{c.want: c.count}
			before := p.dump()
			for _, size := range []int{2, 500} {
				if got := p.check(Options{PageSize: size}); !reflect.DeepEqual(kinds(got), want) {
					t.Fatalf("check in pages of %d found %+v, want %v", size, got.Faults, want)
				}
			}
			repaired := p.check(Options{Repair: true})
			if !reflect.DeepEqual(kinds(repaired), want) || repaired.Left() != c.left || c.want.Repairable() != (c.left == 0) {
				t.Errorf("repair found %+v, %d left; want %v, %d left", repaired.Faults, repaired.Left(), want, c.left)
			}
			if after := p.dump(); (c.left > 0) != reflect.DeepEqual(after, before) {
				t.Errorf("repair with %d left made of %v: %v", c.left, before, after)
			}
			if got := p.check(Options{}); got.Found() != c.left {
				t.Errorf("check after the repair found %+v, want %d", got.Faults, c.left)
			}
		})
	}
}

// TestRepairListsAgain: repaired entries are found through their lists.
func TestRepairListsAgain(t *testing.T) {
	t.Parallel()
	p := fillPopulated(t, redistest.Start(t).URL())
	k := p.layout
	p.do("del", k.Users(), k.PublicRooms(), k.Chats("ann"), k.Chats("bob"), k.Chats("cid"), k.Chats("alice"))
	if got := p.check(Options{Repair: true}); got.Left() != 0 || got.Found() != 2+1+4+2 {
		t.Errorf("repair = %+v, want nine faults and none left", got)
	}
	ctx := t.Context()
	rooms, err := p.store.ListRooms(ctx, "ann", "", 10)
	public, publicErr := p.store.ListPublic(ctx, "", 10)
	users, usersErr := p.store.ListUsers(ctx, "", "", 10)
	if got := fmt.Sprint(rooms, public, users); got != "[club den] [club] [ann bob]" || err != nil || publicErr != nil || usersErr != nil {
		t.Errorf("there are %s, %v, %v, %v", got, err, publicErr, usersErr)
	}
	if got := p.redis.ZScore(ctx, k.Chats("alice"), "alice:bob"); got.Err() != nil || got.Val() != 0 {
		t.Errorf("the conversation is listed at %v, want 0", got)
	}
}

// TestCheckGoesOnWithRooms resumes with rooms that are not listed, which is known only at the end.
func TestCheckGoesOnWithRooms(t *testing.T) {
	t.Parallel()
	p := fillPopulated(t, redistest.Start(t).URL())
	p.do("zrem", p.layout.PublicRooms(), "club")
	p.do("zrem", p.layout.Chats("cid"), "club")
	p.do("hset", p.readers("club"), "a b", 1)
	want := p.check(Options{})
	if got := p.interrupted(false); !reflect.DeepEqual(kinds(got), kinds(want)) || got.Rooms != want.Rooms || got.Accounts != want.Accounts || got.Found() != 3 {
		t.Errorf("check in pieces = %+v, in one %+v", got, want)
	}
}

// TestCheckWhileOthersChange: rooms, lists and accounts that change during a check are no faults, and nothing is
// repaired.
func TestCheckWhileOthersChange(t *testing.T) {
	t.Parallel()
	p := fillPopulated(t, redistest.Start(t, "--appendonly", "no").URL())
	users := []string{"ann", "bob", "cid", "dan", "eve"}
	var writers sync.WaitGroup
	done := make(chan struct{})
	for w := range 4 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for n := range longtest.Pick(500, 3000) {
				room, user, other := fmt.Sprint("room", random.IntN(6)), users[random.IntN(len(users))], users[random.IntN(len(users))]
				p.change(random.IntN(12), n, w, room, user, other)
			}
		})
	}
	go func() {
		writers.Wait()
		close(done)
	}()
	for checks := 0; ; checks++ {
		if got := p.check(Options{PageSize: 3, Repair: checks%2 == 1}); len(got.Faults) > 0 {
			t.Errorf("check %d while others write found %+v, want nothing", checks, got.Faults)
		}
		select {
		case <-done:
			if got := p.check(Options{}); len(got.Faults) > 0 || got.Accounts < 100 || got.Rooms < 3 {
				t.Errorf("check at the end = %+v, want many accounts and no fault", got)
			}
			t.Logf("%d checks", checks+1)
			return
		default:
		}
	}
}

// change makes one of the changes that users can make. Most fail at times, which is not an error here.
func (p *populated) change(what, n, writer int, room, user, other string) {
	ctx := p.t.Context()
	kinds := []chat.ChangeKind{
		chat.JoinRoom, chat.LeaveRoom, chat.AddMembers, chat.RemoveMembers, chat.PromoteMember, chat.OpenRoom, chat.CloseRoom, chat.OpenRoom,
	}
	switch {
	case what < len(kinds):
		_, _ = p.roomService.ChangeRoom(ctx, chat.RoomChange{Room: room, Kind: kinds[what], Users: []string{other}, As: user})
	case what == len(kinds):
		_, _ = p.roomService.CreateRoom(ctx, chat.NewRoom{ID: room, Visibility: chat.Public, Users: []string{other}, As: user})
	case what == len(kinds)+1 && n%10 == 0:
		_, _ = p.roomService.ChangeRoom(ctx, chat.RoomChange{Room: room, Kind: chat.DeleteRoom, As: user})
	case what == len(kinds)+2:
		p.register(fmt.Sprintf("user-%d-%d", writer, n))
	default:
		pair := chattest.ID(p.t, fmt.Sprintf("%s:friend-%d-%d", user, writer, n))
		if _, err := appendTo(p.store, pair, chat.Message{Text: "x", Sender: user}); err != nil {
			p.t.Error(err)
		}
	}
}

// TestCheckSeesWhatComesBack: a fault that a second read does not confirm is not reported.
func TestCheckSeesWhatComesBack(t *testing.T) {
	t.Parallel()
	p := fillPopulated(t, redistest.Start(t).URL())
	ctx := t.Context()
	checker := p.checker(Options{})
	before, err := checker.readRoom(ctx, chattest.ID(t, "club"))
	if err != nil {
		t.Fatal(err)
	}
	members := checker.judgeMembers(&before)
	for _, kind := range []chat.ChangeKind{chat.LeaveRoom, chat.JoinRoom} {
		if _, err := p.roomService.ChangeRoom(ctx, chat.RoomChange{Room: "club", Kind: kind, As: "bob"}); err != nil {
			t.Fatal(err)
		}
		p.do("zrem", p.layout.Chats("bob"), "club")
		if err := checker.judgeListed(ctx, &before, members); err != nil || len(before.found) > 0 {
			t.Errorf("after %s the fault is %+v, %v; want none", kind, before.found, err)
		}
	}
	p.do("zadd", p.layout.Chats("bob"), 1795248043296447, "club")

	p.do("zrem", p.layout.PublicRooms(), "club")
	noted := false
	var late *Checker
	late = p.checker(Options{Progress: func(float64) {
		if !noted && len(late.unlisted) > 0 {
			noted = true
			p.do("zadd", p.layout.PublicRooms(), 0, "club")
		}
	}})
	if err := late.Run(ctx); err != nil || late.Report().Found() > 0 || !noted {
		t.Errorf("Run() over a room that is listed again = %v, %+v, noted %v; want no fault", err, late.Report().Faults, noted)
	}
}
