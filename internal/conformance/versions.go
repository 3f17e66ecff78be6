package conformance

import (
	"fmt"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var versionTests = []domainTest{
	{"the history of edits", hasChanges, testVersions},
	{"who may read the history of edits", hasChanges, testMayReadVersions},
	{"a page of the history of edits", hasChanges, testVersionPages},
	{"the history of a message that is gone", hasChanges, testVersionsOfGone},
}

func edited(name string, ref int64, text string) chat.Change {
	return chat.Change{Chat: name, Ref: ref, Kind: chat.MessageEdited, Text: text}
}

// versions returns the history of a message as a service reads it.
func (d *domain) versions(name string, ref int64) []chat.Version {
	d.t.Helper()
	page, err := d.Changes.Versions(asService(), chat.VersionsRequest{Chat: name, Ref: ref, Limit: 5})
	if err != nil || page.HasMore {
		d.t.Fatalf("Versions(%s, %d) = %+v, %v; want one page", name, ref, page, err)
	}
	return page.Versions
}

func described(versions []chat.Version) []string {
	list := []string{}
	for _, v := range versions {
		list = append(list, fmt.Sprint(v.SendTime, " ", v.Sender, " ", v.Text))
	}
	return list
}

func testVersions(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Private, "bob")
	at, other := d.send("bob", "club", "one"), d.send("bob", "club", "other")
	d.same(described(d.versions("club", at)), fmt.Sprint(at, " bob one"), "the history before an edit")
	first := d.amend("bob", edited("club", at, "two"))
	d.amend("ann", reaction("club", at, "👍"))
	changed := d.amend("bob", edited("club", other, "others"))
	second := d.amend("bob", edited("club", at, "one")) // as it was at first
	d.same(described(d.versions("club", at)), fmt.Sprint(at, " bob one, ", first, " bob two, ", second, " bob one"), "the history after two edits")
	d.same(described(d.versions("club", other)), fmt.Sprint(other, " bob other, ", changed, " bob others"), "the history of another message")
	again := edited("club", at, "three")
	again.ID = "e-1"
	third := d.amend("bob", again)
	d.amend("bob", again)
	if got := d.versions("club", at); len(got) != 4 || got[3] != (chat.Version{SendTime: third, Sender: "bob", Text: "three"}) {
		d.t.Errorf("the history after an edit that was repeated is %+v, want four versions", got)
	}
}

func testMayReadVersions(d *domain) {
	d.register("ann", "bob", "cid", "eve")
	d.create("ann", "club", chat.Private, "bob", "cid")
	at, pair := d.send("bob", "club", "one"), d.send("ann", "ann:bob", "one")
	d.amend("bob", edited("club", at, "two"))
	d.amend("ann", edited("ann:bob", pair, "two"))
	notice := d.pull("club", 0)[0].SendTime
	d.create("ann", "hall", chat.Public)
	public := d.send("eve", "hall", "one")
	for _, c := range []struct {
		user string
		asks chat.VersionsRequest
		want chat.Code
	}{
		{"ann", chat.VersionsRequest{Chat: "club", Ref: at}, ""},
		{"bob", chat.VersionsRequest{Chat: "club", Ref: at}, chat.PermissionDenied}, // though the sender
		{"cid", chat.VersionsRequest{Chat: "club", Ref: at}, chat.PermissionDenied},
		{"eve", chat.VersionsRequest{Chat: "club", Ref: at}, chat.PermissionDenied},
		{"ann", chat.VersionsRequest{Chat: "hall", Ref: public}, ""},
		{"eve", chat.VersionsRequest{Chat: "hall", Ref: public}, chat.PermissionDenied},
		{"ann", chat.VersionsRequest{Chat: "ann:bob", Ref: pair}, chat.PermissionDenied},
		{"bob", chat.VersionsRequest{Chat: "ann:bob", Ref: pair}, chat.PermissionDenied},
		{"eve", chat.VersionsRequest{Chat: "ann:bob", Ref: pair}, chat.PermissionDenied},
		{"ann", chat.VersionsRequest{Chat: "nowhere", Ref: at}, chat.NotFound},
		{"ann", chat.VersionsRequest{Chat: "club", Ref: at + 1000}, chat.NotFound},
		{"ann", chat.VersionsRequest{Chat: "club", Ref: notice}, chat.InvalidArgument},
		{"ann", chat.VersionsRequest{Chat: "club"}, chat.InvalidArgument},
		{"ann", chat.VersionsRequest{Chat: "club", Ref: at, Cursor: -1}, chat.InvalidArgument},
		{"ann", chat.VersionsRequest{Chat: "a:b:c", Ref: at}, chat.InvalidArgument},
	} {
		_, err := d.Changes.Versions(as(c.user), c.asks)
		d.code(err, c.want, "Versions(%s, %+v)", c.user, c.asks)
	}
	if got := d.versions("ann:bob", pair); len(got) != 2 || got[0].Text != "one" {
		d.t.Errorf("a service reads the history %+v, want both texts", got)
	}
}

func testVersionPages(d *domain) {
	at := d.send("ann", "ann:bob", "0")
	for i := range 3 {
		d.amend("ann", edited("ann:bob", at, fmt.Sprint(i+1)))
	}
	all := d.versions("ann:bob", at)
	var texts []string
	asked := chat.VersionsRequest{Chat: "ann:bob", Ref: at, Limit: 2}
	for _, more := range []bool{true, false, false} {
		page, err := d.Changes.Versions(asService(), asked)
		if err != nil || page.HasMore != more {
			d.t.Fatalf("Versions(%+v) = %+v, %v; want more: %v", asked, page, err, more)
		}
		for _, v := range page.Versions {
			texts = append(texts, v.Text)
		}
		asked.Cursor = page.NextCursor
	}
	d.same(texts, "0, 1, 2, 3", "the pages of a history")
	if end := all[3].SendTime + 1; asked.Cursor != end {
		d.t.Errorf("the cursor at the end is %d, want %d", asked.Cursor, end)
	}
}

func testVersionsOfGone(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Private, "bob")
	deleted, erased := d.send("bob", "club", "one"), d.send("bob", "club", "one")
	d.amend("bob", edited("club", deleted, "two"))
	d.amend("bob", edited("club", erased, "two"))
	d.amend("ann", chat.Change{Chat: "club", Ref: deleted, Kind: chat.MessageDeleted})
	asked := chat.VersionsRequest{Chat: "club", Ref: deleted}
	_, err := d.Changes.Versions(as("ann"), asked)
	d.code(err, chat.NotFound, "Versions() of a deleted message")
	if d.Deletion == nil {
		return
	}
	d.clock.Add(time.Microsecond)
	d.deleted("bob", true)
	asked.Ref = erased
	_, err = d.Changes.Versions(as("ann"), asked)
	d.code(err, chat.NotFound, "Versions() of a message of an erased user")
}
