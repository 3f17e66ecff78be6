package storage

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/names"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestRoomsUnderNewNames: names that new rooms and their members may not have.
func TestRoomsUnderNewNames(t *testing.T) {
	t.Parallel()
	store := openAt(t, "redis://"+miniredis.RunT(t).Addr(), Options{})
	roomService := chat.NewRoomService(store, chat.Access{Names: names.Rules{}}, chat.RoomOptions{DefaultLimit: 1, MaxLimit: 1, MaxMembers: 10})
	for name, r := range map[string]chat.NewRoom{
		"a kelvin sign": {ID: "\u212a"}, "a filler": {ID: "\u3164"}, "not NFC": {ID: "cafe\u0301"}, "a wide reserved word": {ID: "ａdmin"},
		"public": {ID: "public"}, "system": {ID: "system"}, "me": {ID: "Me"}, "an unseen member": {ID: "a", Users: []string{"bob\uffa0"}},
		"an unseen creator": {ID: "a", As: "bob\uffa0"}, "a blank name": {ID: "a", Name: "\u2003"}, "an override": {ID: "a", Name: "a\u202eb"},
		"a zero width name": {ID: "a", Name: "\u200b\u200d"}, "a tag": {ID: "a", Name: "\U000e0061"},
	} {
		if r.As == "" {
			r.As = "ann"
		}
		if _, err := roomService.CreateRoom(t.Context(), r); chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("%s: CreateRoom() = %v, want invalid_argument", name, err)
		}
	}
	room := chat.NewRoom{ID: "राम", Name: "\u200fשלום 👨\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f", As: "กิตติ", Users: []string{"น้ำ"}}
	if _, err := roomService.CreateRoom(t.Context(), room); err != nil {
		t.Errorf("CreateRoom() = %v", err)
	}
	change := chat.RoomChange{Room: "राम", Kind: chat.AddMembers, Users: []string{"bob\u3164"}, As: "กิตติ"}
	if _, err := roomService.ChangeRoom(t.Context(), change); chat.CodeOf(err) != chat.InvalidArgument {
		t.Errorf("ChangeRoom(add) = %v, want invalid_argument", err)
	}
	change = chat.RoomChange{Room: "राम", Kind: chat.RenameRoom, Name: "\u3164", As: "กิตติ"}
	if _, err := roomService.ChangeRoom(t.Context(), change); chat.CodeOf(err) != chat.InvalidArgument {
		t.Errorf("ChangeRoom(rename) = %v, want invalid_argument", err)
	}
}

func registrar(store *Store) *chat.AccountService {
	accounts := chat.NewAccountService(store, chat.Access{Names: names.Rules{}}, &chattest.PlainHasher{}, chat.AccountOptions{DefaultLimit: 10, MaxLimit: 10, SessionLasts: time.Hour})
	return accounts
}

// TestLooksAreFilled: accounts of releases without looks get them from a server's pass over all accounts.
func TestLooksAreFilled(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	add := func(user string) {
		t.Helper()
		if _, err := store.AddAccount(t.Context(), chat.StoredAccount{Account: chat.Account{User: user}, PasswordHash: "hash"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 500 { // more than two pages
		add(fmt.Sprint("user", i))
	}
	add("walter")
	add("Walter") // one of the two has the look
	if err := chat.FillLooks(t.Context(), store, names.Rules{}); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"WALTER", "USER0", "uѕer499"} {
		_, err := registrar(store).Register(t.Context(), chat.Registration{User: user, Password: "correct horse"})
		if chat.CodeOf(err) != chat.Conflict {
			t.Errorf("Register(%s) = %v, want conflict", user, err)
		}
	}
	add("later") // by a server of an earlier release
	if err := chat.FillLooks(t.Context(), store, names.Rules{}); err != nil {
		t.Fatal(err)
	}
	if owners, err := store.ReadLooks(t.Context(), []string{"later"}); err != nil || owners[0] != "" {
		t.Errorf("a second FillLooks on the same day has looked: %q, %v", owners, err)
	}
	if err := store.nodes.Only.Client.Del(t.Context(), store.keys.Looked()).Err(); err != nil { // it is tomorrow
		t.Fatal(err)
	}
	if err := chat.FillLooks(t.Context(), store, names.Rules{}); err != nil {
		t.Fatal(err)
	}
	if owners, err := store.ReadLooks(t.Context(), []string{"later"}); err != nil || owners[0] != "later" {
		t.Errorf("FillLooks on the next day has given the look to %q, %v", owners, err)
	}
}

// TestLooksAfterACrash: looks that a registration has reserved belong to the same user.
func TestLooksAfterACrash(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	if err := store.reserveLooks(t.Context(), "alice", names.Rules{}.Looks("alice")); err != nil {
		t.Fatal(err)
	}
	accounts := registrar(store)
	if _, err := accounts.Register(t.Context(), chat.Registration{User: "Alice", Password: "correct horse"}); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("Register(Alice) = %v, want conflict", err)
	}
	if _, err := accounts.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"}); err != nil {
		t.Errorf("Register(alice) again = %v", err)
	}
}

// TestLooksOfTheRefusedAreFree: who has one of two looks and does not get the other keeps neither.
func TestLooksOfTheRefusedAreFree(t *testing.T) {
	t.Parallel()
	store := openAt(t, "redis://"+miniredis.RunT(t).Addr(), Options{})
	if err := store.reserveLooks(t.Context(), "b", []string{"second"}); err != nil {
		t.Fatal(err)
	}
	if err := store.reserveLooks(t.Context(), "a", []string{"first", "second"}); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("reserveLooks() = %v, want conflict", err)
	}
	if err := store.reserveLooks(t.Context(), "c", []string{"first"}); err != nil {
		t.Errorf("reserveLooks() of what was given back = %v", err)
	}
}

// TestALookOutlivesItsAccount: a name that looks like that of a deleted user is refused.
func TestALookOutlivesItsAccount(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	accounts := registrar(store)
	if _, err := accounts.Register(t.Context(), chat.Registration{User: "alice", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	if err := store.CloseAccount(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"alice", "ALICE", "аlice"} {
		if _, err := accounts.Register(t.Context(), chat.Registration{User: user, Password: "correct horse"}); chat.CodeOf(err) != chat.Conflict {
			t.Errorf("Register(%s) = %v, want conflict", user, err)
		}
	}
}
