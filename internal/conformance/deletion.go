package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var deletionTests = []domainTest{
	{"a deletion", func(d Domain) bool { return d.Deletion != nil }, func(d *domain) { testDeletion(d, false) }},
	{"a deletion of texts too", func(d Domain) bool { return d.Deletion != nil }, func(d *domain) { testDeletion(d, true) }},
	{"pins of a deleted user", func(d Domain) bool { return d.Deletion != nil }, testErasedPins},
}

// deleted deletes a user and returns when all is done.
func (d *domain) deleted(user string, erase bool) {
	d.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		complete, err := d.Deletion.DeleteAccount(asService(), chat.Deletion{User: user, Erase: erase})
		if err != nil || time.Now().After(end) {
			d.t.Fatalf("DeleteAccount(%s) = %v, %v; want it complete", user, complete, err)
		}
		if complete {
			return
		}
	}
}

func testDeletion(d *domain, erase bool) {
	d.register("ann", "annabel", "bob")
	d.create("ann", "club", chat.Private, "bob", "annabel")
	d.create("bob", "lounge", chat.Public)
	for i := range 7 {
		d.send("ann", "club", fmt.Sprint("ann ", i))
	}
	d.send("ann", "lounge", "ann was here")
	d.send("annabel", "club", "annabel")
	at := d.send("ann", "ann:bob", "ann to bob")
	d.read("ann/phone", "ann:bob", at, false, at)
	d.read("bob", "ann:bob", at, false, at)
	d.deleted("ann", erase)
	_, err := d.Accounts.Account(as("bob"), "ann")
	d.code(err, chat.NotFound, "Account() of a deleted user")
	_, err = d.Accounts.Register(context.Background(), chat.Registration{User: "ann", Password: goodPassword})
	d.code(err, chat.Conflict, "Register() of a deleted user's name")
	d.same(d.members("club"), "annabel*, bob", "the members of the room that the only admin was deleted from")
	receipts, err := d.Inboxes.Readers(as("bob"), "ann:bob")
	if got, want := fmt.Sprint(receipts), fmt.Sprintf("{[{bob %d}] 1}", at); err != nil || got != want {
		d.t.Errorf("Readers() = %s, %v; want bob's cursor and none of ann, %s", got, err, want)
	}
	for _, name := range []string{"club", "lounge", "ann:bob"} {
		page, err := d.Messages.Pull(as("bob"), chat.PullRequest{Chat: name, Limit: 100})
		d.code(err, "", "Pull(%s)", name)
		found := 0
		for _, m := range page.Messages {
			if m.Sender == "ann" && m.Notice == nil {
				found++
				if erased := m.Erased && m.Text == ""; erased != erase {
					d.t.Errorf("in %s there is %+v, want its text erased: %v", name, m, erase)
				}
			}
		}
		if found == 0 {
			d.t.Errorf("Pull(%s) = %v, want the messages of ann, with a text or without", name, texts(page))
		}
	}
	if all := strings.Join(d.texts("club"), ", "); !strings.Contains(all, "annabel") {
		d.t.Errorf("the texts are %q, want annabel's, whose name begins like ann's", all)
	}
	d.deleted("ann", erase) // again, which changes nothing
}

// testErasedPins: a message that is erased is no longer pinned. One that keeps its text, and that of another user, still is.
func testErasedPins(d *domain) {
	d.register("ann", "bob", "kim", "eve")
	d.create("ann", "club", chat.Public, "bob", "kim", "eve")
	var pins []int64
	for i := range 4 {
		for _, user := range []string{"bob", "kim", "eve"} {
			at := d.send(user, "club", fmt.Sprint(user, " ", i))
			if i%2 == 0 {
				d.pinned("club", append(pins, at), d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.PinMessage, Ref: at}))
				pins = append(pins, at)
			}
		}
	}
	room := func() chat.Room {
		d.t.Helper()
		r, err := d.Rooms.Room(as("ann"), chat.RoomRequest{Room: "club"})
		d.code(err, "", "Room()")
		return r
	}
	d.deleted("kim", false)
	d.pinned("club after a deletion that keeps texts", pins, room())
	d.deleted("bob", true)
	pins = []int64{pins[1], pins[2], pins[4], pins[5]}
	d.pinned("club after an erasure", pins, room())
	d.pinned("club after a change", pins[1:], d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.UnpinMessage, Ref: pins[0]}))
	d.deleted("kim", true)
	d.deleted("eve", true)
	d.pinned("club after all were erased", nil, room())
}

// pinned compares the pins of a room.
func (d *domain) pinned(name string, want []int64, r chat.Room) {
	d.t.Helper()
	if !slices.Equal(r.Pins, want) {
		d.t.Errorf("%s has the pins %v, want %v", name, r.Pins, want)
	}
}
