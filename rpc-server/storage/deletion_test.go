package storage

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/deletion"
	"github.com/pullchat/pullchat/internal/redistest"
)

const password = "correct horse"

// registry is a house with accounts that can be deleted.
type registry struct {
	house

	accounts *chat.AccountService
	deleter  *deletion.Deleter
	failed   chan error
}

func newRegistry(t *testing.T, url string, store func(*Store) chat.DeletionStore) registry {
	r := registry{house: newHouse(t, url, 10), failed: make(chan error, 1000)}
	r.deleter = deletion.New(store(r.store), r.roomService, func(_ string, err error) { r.failed <- err })
	t.Cleanup(func() { _ = r.deleter.Close() })
	r.accounts = r.accountsWith(chat.Access{Required: true, Rooms: r.store})
	return r
}

func (r registry) accountsWith(access chat.Access) *chat.AccountService {
	options := chat.AccountOptions{DefaultLimit: 10, MaxLimit: 100, SessionLasts: time.Hour}
	return chattest.Accounts(r.store, &chattest.PlainHasher{}, access, options, r.deleter)
}

func soundly(s *Store) chat.DeletionStore { return s }

// live gives ann something everywhere: rooms where ann is an admin, a member, a former member, and public ones that ann
// never joined; a conversation, cursors of ann and of ann's phone, ignored users, a session.
func (r registry) live() {
	r.t.Helper()
	for _, user := range []string{"ann", "annabel", "bob"} {
		if _, err := r.accounts.Register(context.Background(), chat.Registration{User: user, Password: password}); err != nil {
			r.t.Fatal(err)
		}
	}
	r.create("ann", "hers", chat.Private, "bob", "annabel")
	r.create("bob", "his", chat.Private, "ann")
	r.create("bob", "left", chat.Public, "ann")
	r.create("bob", "open", chat.Public)
	r.create("bob", "readonly", chat.Public)
	for _, room := range []string{"hers", "his", "left", "open", "ann:bob"} {
		r.say("ann", room, "one of ann's")
		r.say("bob", room, "one of bob's")
	}
	r.say("annabel", "hers", "one of annabel's")
	r.change("ann", "left", chat.LeaveRoom, "")
	long := float64(time.Now().Add(-2 * listedFor).UnixMicro())
	if err := r.store.redis.ZAdd(context.Background(), r.store.keys.Chats("ann"), redis.Z{Member: "left", Score: long}).Err(); err != nil {
		r.t.Fatal(err)
	}
	equal(r.t, "ann's rooms", r.mine("ann"), []string{"hers", "his"}) // the list drops the room that ann has left
	live := chat.NewLiveService(r.store, chat.Access{Required: true, Rooms: r.store})
	for user, readers := range map[string][]string{"ann": {"ann", "ann/phone"}, "annabel": {"annabel", "annabel/phone"}, "bob": {"bob"}} {
		for _, reader := range readers {
			read := chat.ReadRequest{Chat: "hers", Reading: chat.Reading{Reader: reader, Cursor: 10}}
			if _, err := live.Read(as(user), read); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	r.say("bob", "readonly", "one of bob's")
	only := chat.ReadRequest{Chat: "readonly", Reading: chat.Reading{Reader: "ann/phone", Cursor: 10}}
	if _, err := live.Read(as("ann"), only); err != nil {
		r.t.Fatal(err)
	}
	if err := r.store.SetIgnored(context.Background(), chat.IgnoreRequest{User: "ann", Other: "eve", Ignore: true}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.accounts.Login(context.Background(), chat.Credentials{User: "ann", Password: password}); err != nil {
		r.t.Fatal(err)
	}
}

func (r registry) say(user, room, text string) {
	r.t.Helper()
	if err := r.send(user, room, text); err != nil {
		r.t.Fatal(err)
	}
}

// delete asks for ann to be deleted and wants it done.
func (r registry) delete(erase bool) {
	r.t.Helper()
	if complete, err := r.accounts.DeleteAccount(as("ann"), chat.Deletion{Erase: erase}); err != nil || !complete {
		r.t.Errorf("DeleteAccount() = %v, %v", complete, err)
	}
}

// keysOf returns the keys of a user, without their common prefix.
func (r registry) keysOf(user string) []string {
	r.t.Helper()
	prefix := r.store.keys.User(user) + ":"
	found, err := r.store.redis.Keys(context.Background(), prefix+"*").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], prefix)
	}
	slices.Sort(found)
	return found
}

// due has the second time come.
func (r registry) due() {
	r.t.Helper()
	key := r.store.keys.Deletions()
	jobs, err := r.store.redis.ZRange(context.Background(), key, 0, -1).Result()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, job := range jobs {
		if err := r.store.redis.ZAdd(context.Background(), key, redis.Z{Member: job, Score: 1}).Err(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// finish runs due jobs until none is left.
func (r registry) finish() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		r.due()
		jobs, err := r.store.redis.ZCard(ctx, r.store.keys.Deletions()).Result()
		if err != nil {
			r.t.Fatal(err)
		}
		if jobs == 0 {
			return
		}
		stopped, stop := context.WithTimeout(ctx, 50*time.Millisecond)
		_ = r.deleter.Search().Run(stopped)
		stop()
		<-tick.C
	}
}

// wantGone checks the state after the deletion of ann.
func (r registry) wantGone(erased bool) {
	r.t.Helper()
	equal(r.t, "members of hers", r.members("hers"), []string{"annabel*", "bob"}) // of two who are for equally long, by name
	equal(r.t, "members of his", r.members("his"), []string{"bob*"})
	for _, room := range []string{"hers", "his", "left", "open", "ann:bob"} {
		mine := 0
		for _, m := range r.log(room) {
			switch {
			case m.Sender == "ann" && m.Notice == nil:
				mine++
				if m.Erased != erased || (m.Text == "") != erased {
					r.t.Errorf("in %s there is %+v", room, m)
				}
			case m.Erased || m.Text == "":
				r.t.Errorf("in %s another user's message is erased: %+v", room, m)
			}
		}
		equal(r.t, "messages of ann's in "+room, mine, 1)
	}
	for _, room := range []string{"hers", "his", "left", "open", "ann:bob", "readonly"} {
		receipts, err := r.store.Readings(context.Background(), chattest.ID(r.t, room), 100)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, reading := range receipts.Readings {
			if chat.UserOf(reading.Reader) == "ann" {
				r.t.Errorf("%s still is a reader of %s", reading.Reader, room)
			}
		}
	}
	if receipts, _ := r.store.Readings(context.Background(), chattest.ID(r.t, "hers"), 100); receipts.Count != 3 { // bob, annabel, annabel's phone
		r.t.Errorf("the readers of hers are %+v", receipts)
	}
	if _, err := r.accounts.Login(context.Background(), chat.Credentials{User: "ann", Password: password}); chat.CodeOf(err) != chat.Unauthenticated {
		r.t.Errorf("Login() = %v", err)
	}
	again := chat.Registration{User: "ann", Password: password}
	if _, err := r.accounts.Register(context.Background(), again); chat.CodeOf(err) != chat.Conflict {
		r.t.Errorf("Register() = %v, want a conflict", err)
	}
	if _, err := r.store.AddAccount(context.Background(), chat.StoredAccount{Account: chat.Account{User: "ann"}, PasswordHash: "h"}); chat.CodeOf(err) != chat.Conflict {
		r.t.Errorf("AddAccount() = %v, want a conflict", err)
	}
	if _, err := r.accounts.Account(as("bob"), "ann"); chat.CodeOf(err) != chat.NotFound {
		r.t.Errorf("Account() = %v, want not found", err)
	}
	if _, err := r.accounts.Login(context.Background(), chat.Credentials{User: "annabel", Password: password}); err != nil {
		r.t.Errorf("annabel cannot log in: %v", err)
	}
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	everyRedis(t, func(t *testing.T, url string) {
		for _, erase := range []bool{false, true} {
			r := newRegistry(t, url, soundly)
			r.live()
			r.delete(erase)
			r.wantGone(erase)
			equal(t, "ann's keys", r.keysOf("ann"), []string{"account", "chats"})
			r.finish()
			r.wantGone(erase)
			equal(t, "ann's keys", r.keysOf("ann"), []string{"account"})
			equal(t, "annabel's keys", r.keysOf("annabel"), []string{"account", "chats", "sessions"})
			r.delete(erase) // again
			r.finish()
			r.wantGone(erase)
		}
	})
}

// TestDeletionSettles: changes of the user with a token that is still valid are removed with the rest.
func TestDeletionSettles(t *testing.T) {
	r := newRegistry(t, redistest.Start(t).URL(), soundly)
	r.live()
	r.delete(true)
	r.say("ann", "ann:bob", "still here")
	r.create("bob", "elsewhere", chat.Public)
	r.say("ann", "elsewhere", "and here")
	r.finish()
	for _, room := range []string{"ann:bob", "elsewhere"} {
		for _, m := range r.log(room) {
			if m.Sender == "ann" && !m.Erased {
				t.Errorf("in %s there is %+v", room, m)
			}
		}
	}
	equal(t, "ann's keys", r.keysOf("ann"), []string{"account"})
}

// TestDeletionOfALongLog: it is erased in parts, and messages that are removed meanwhile do not come back.
func TestDeletionOfALongLog(t *testing.T) {
	r := newRegistry(t, redistest.Start(t).URL(), soundly)
	const messages = 2*erasedAtOnce + 7
	for i := range messages {
		r.say([]string{"ann", "bob"}[i%2], "ann:bob", "text")
	}
	first := r.log("ann:bob")[0].SendTime
	parts := 0
	for from := int64(1); from > 0; parts++ {
		var err error
		if from, err = r.store.EraseTexts(context.Background(), chattest.ID(t, "ann:bob"), "ann", from); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "parts", parts, 3)
	log := r.log("ann:bob")
	for i, m := range log {
		if m.Erased != (i%2 == 0) || i > 0 && m.SendTime <= log[i-1].SendTime {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
	equal(t, "the first position", log[0].SendTime, first)
	gone, err := r.store.runUser(context.Background(), eraseScript, []string{r.store.keys.Log(chattest.ID(t, "ann:bob")), "ids", "edits", "room"},
		"0000000000000001gone", "0000000000000001new", "")
	equal(t, "gone meanwhile", gone, int64(1))
	if err != nil {
		t.Error(err)
	}
}

// TestWhoMayDelete: the user, a service, and with AUTH off a caller that knows the password.
func TestWhoMayDelete(t *testing.T) {
	r := newRegistry(t, redistest.Start(t).URL(), soundly)
	r.live()
	refused := func(name string, ctx context.Context, d chat.Deletion, want chat.Code) {
		t.Helper()
		if _, err := r.accounts.DeleteAccount(ctx, d); chat.CodeOf(err) != want {
			t.Errorf("%s: DeleteAccount() = %v, want %s", name, err, want)
		}
	}
	refused("nobody", context.Background(), chat.Deletion{User: "ann", Password: password}, chat.Unauthenticated)
	refused("another user", as("bob"), chat.Deletion{User: "ann"}, chat.PermissionDenied)
	refused("a service for nobody", asService(), chat.Deletion{}, chat.InvalidArgument)
	refused("a wrong password", as("ann"), chat.Deletion{Password: "wrong horse"}, chat.Unauthenticated)
	r.accounts = r.accountsWith(chat.Access{})
	refused("AUTH off, no password", context.Background(), chat.Deletion{User: "ann"}, chat.Unauthenticated)
	refused("AUTH off, a wrong one", context.Background(), chat.Deletion{User: "ann", Password: "wrong horse"}, chat.Unauthenticated)
	refused("AUTH off, nobody", context.Background(), chat.Deletion{User: "nobody", Password: password}, chat.Unauthenticated)
	if _, err := r.accounts.Login(context.Background(), chat.Credentials{User: "ann", Password: password}); err != nil {
		t.Fatalf("ann cannot log in any more: %v", err)
	}
	if complete, err := r.accounts.DeleteAccount(context.Background(), chat.Deletion{User: "ann", Password: password}); err != nil || !complete {
		t.Errorf("DeleteAccount() with the password = %v, %v", complete, err)
	}
	r.accounts = r.accountsWith(chat.Access{Required: true, Rooms: r.store})
	if complete, err := r.accounts.DeleteAccount(asService(), chat.Deletion{User: "bob"}); err != nil || !complete {
		t.Errorf("DeleteAccount() by a service = %v, %v", complete, err)
	}
}

// TestErasingLater: also the texts of one who kept them first, for as long as it is known where they are.
func TestErasingLater(t *testing.T) {
	url := redistest.Start(t).URL()
	r := newRegistry(t, url, soundly)
	r.live()
	r.delete(false)
	r.wantGone(false)
	r.delete(true)
	r.say("ann", "ann:eve", "with a token that is still good")
	r.finish()
	r.wantGone(true)
	if log := r.log("ann:eve"); len(log) != 1 || !log[0].Erased {
		t.Errorf("what came before the end is %+v", log)
	}
	equal(t, "ann's keys", r.keysOf("ann"), []string{"account"})
	r.delete(true) // nothing is left to say no to

	r = newRegistry(t, url, soundly)
	r.live()
	r.delete(false)
	r.finish()
	if complete, err := r.accounts.DeleteAccount(as("ann"), chat.Deletion{Erase: true}); complete || chat.CodeOf(err) != chat.Conflict {
		t.Errorf("DeleteAccount() with erase when nobody knows where = %v, %v; want a conflict", complete, err)
	}
	r.wantGone(false)
	r.delete(false)
}

// TestErasingKeepsTheEnd: an erased log and the other senders' ids in it still expire.
func TestErasingKeepsTheEnd(t *testing.T) {
	url := redistest.Start(t).URL()
	store := openAt(t, url, Options{Retention: time.Hour, IdempotencyWindow: time.Hour})
	room, ctx := chattest.ID(t, "room"), context.Background()
	if _, err := appendOne(store, room, message(1)); err != nil {
		t.Fatal(err)
	}
	other := chat.Message{Sender: "other", Text: "2", ID: "2"}
	if _, err := appendOne(store, room, other); err != nil {
		t.Fatal(err)
	}
	if _, err := store.EraseTexts(ctx, room, message(1).Sender, 1); err != nil {
		t.Fatal(err)
	}
	log, ids, _ := store.keys.Append(room)
	for _, key := range []string{log, ids} {
		if left, err := store.redis.PTTL(ctx, key).Result(); left <= 0 || err != nil {
			t.Errorf("%s ends in %v, %v; want it to end", key, left, err)
		}
	}
	wantTexts(t, store, room, []string{"", "2"})
}
