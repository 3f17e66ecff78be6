package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var deletionTests = []domainTest{
	{"a deletion", func(d Domain) bool { return d.Deletion != nil }, func(d *domain) { testDeletion(d, false) }},
	{"a deletion of texts too", func(d Domain) bool { return d.Deletion != nil }, func(d *domain) { testDeletion(d, true) }},
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
