package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// EditWindow is the one of every Domain.
const EditWindow = time.Hour

func hasChanges(d Domain) bool { return d.Changes != nil }

var changeTests = []domainTest{
	{"an edit", hasChanges, testEdit},
	{"a deletion of a message", hasChanges, testMessageDeletion},
	{"who may change a message", hasChanges, testMayChange},
	{"a repeated change", hasChanges, testRepeatedChange},
	{"changes are nothing to read", hasChanges, testChangesAreNotUnread},
	{"changes of expired messages", hasChanges, testErasureOfChanged},
	{"reactions", hasChanges, testReactions},
	{"a live reaction", func(d Domain) bool { return hasChanges(d) && d.Watches != nil }, testLiveReaction},
	{"a repeated reaction", hasChanges, testRepeatedReaction},
	{"reactions of many users", hasChanges, testReactionsOfMany},
	{"rules of reactions", hasChanges, testReactionRules},
	{"reactions are nothing to read", hasChanges, testReactionsAreNotUnread},
	{"answers", hasChanges, testThread},
	{"mentions", hasChanges, testMentions},
	{"metadata and bodies", hasChanges, testContent},
}

// amend makes a change as a user a microsecond later, and returns the position of its entry.
func (d *domain) amend(user string, c chat.Change) int64 {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	receipt, err := d.Changes.Change(as(user), c)
	if err != nil {
		d.t.Fatalf("Change(%s, %+v) = %v", user, c, err)
	}
	return receipt.SendTime
}

// pull returns a chat's messages from a position on, as a service reads them.
func (d *domain) pull(name string, cursor int64) []chat.Message {
	d.t.Helper()
	page, err := d.Messages.Pull(asService(), chat.PullRequest{Chat: name, Limit: 100, Cursor: cursor})
	if err != nil {
		d.t.Fatalf("Pull(%s) = %v", name, err)
	}
	return page.Messages
}

// shown describes messages as a client would show them.
func shown(messages []chat.Message) []string {
	list := []string{}
	for _, m := range messages {
		words := []string{}
		if m.Notice != nil && m.Notice.Ref > 0 {
			words = append(words, string(m.Notice.Event))
		}
		if m.Notice == nil || m.Notice.Event == chat.MessageEdited {
			words = append(words, m.Text)
		}
		if m.Notice != nil && m.Notice.Emoji != "" {
			words = append(words, m.Notice.Emoji)
		}
		if m.Erased {
			words = append(words, "erased")
		}
		if s := m.State; s != nil {
			if s.Edited > 0 {
				words = append(words, "edited")
			}
			if s.Deleted > 0 {
				words = append(words, "deleted")
			}
			for _, r := range s.Reactions {
				words = append(words, fmt.Sprint(r.Emoji, r.Count, strings.Join(r.Users, "+")))
			}
			if s.Replies > 0 {
				words = append(words, fmt.Sprint("answers ", s.Replies))
			}
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func testEdit(d *domain) {
	first, second := d.send("ann", "ann:bob", "helo"), d.send("bob", "ann:bob", "hi")
	edited := d.amend("ann", chat.Change{Chat: "bob:ann", Ref: first, Kind: chat.MessageEdited, Text: "hello"})
	if edited <= second {
		d.t.Errorf("the entry of the edit is at %d, want it after %d", edited, second)
	}
	all := d.pull("ann:bob", 0)
	d.same(shown(all), "hello edited, hi, edit hello edited", "the chat after an edit")
	if m := all[2]; m.Sender != "ann" || m.Notice.Ref != first || m.SendTime != edited || m.State.Edited != edited || all[0].State.Edited != edited {
		d.t.Errorf("the entry of the edit is %+v, %+v; want it by ann, about %d, at %d", m, m.Notice, first, edited)
	}
	d.same(shown(d.pull("ann:bob", second+1)), "edit hello edited", "a page of the edit alone")
	again := d.amend("ann", chat.Change{Chat: "ann:bob", Ref: first, Kind: chat.MessageEdited, Text: "hello you"})
	d.same(shown(d.pull("ann:bob", second+1)), "edit hello you edited, edit hello you edited", "a page of two edits")
	page, err := d.Messages.Pull(as("bob"), chat.PullRequest{Chat: "ann:bob", Reverse: true, Limit: 2, Raw: true})
	d.code(err, "", "Pull() of the stored form")
	if page.Entries == nil {
		d.same(shown(page.Messages), "edit hello you edited, edit hello you edited", "a page in reverse")
	}
	if got := d.pull("ann:bob", 0)[0].State.Edited; got != again {
		d.t.Errorf("edited = %d, want the position of the last edit, %d", got, again)
	}
}

func testMessageDeletion(d *domain) {
	d.register("ann", "bob", "cid")
	d.create("ann", "club", chat.Private, "bob", "cid")
	at := d.send("bob", "club", "secret")
	d.amend("bob", chat.Change{Chat: "club", Ref: at, Kind: chat.MessageEdited, Text: "secret too"})
	deleted := d.amend("ann", chat.Change{Chat: "club", Ref: at, Kind: chat.MessageDeleted}) // who is the admin
	d.same(shown(d.pull("club", at)), " erased edited deleted, edit  erased edited deleted, delete", "the room after a deletion")
	receipt, err := d.Changes.Change(as("bob"), chat.Change{Chat: "club", Ref: at, Kind: chat.MessageDeleted})
	if err != nil || receipt != (chat.Receipt{SendTime: deleted, Duplicate: true}) {
		d.t.Errorf("a second deletion = %+v, %v; want the first, %d", receipt, err, deleted)
	}
	_, err = d.Changes.Change(as("bob"), chat.Change{Chat: "club", Ref: at, Kind: chat.MessageEdited, Text: "back"})
	d.code(err, chat.NotFound, "an edit of a deleted message")
	for _, event := range d.pull("club", at) {
		if strings.Contains(event.Text, "secret") {
			d.t.Errorf("after the deletion a page has %+v", event)
		}
	}
}

func testMayChange(d *domain) {
	d.register("ann", "bob", "cid", "eve")
	d.create("ann", "club", chat.Private, "bob", "cid")
	at := d.send("bob", "club", "hello")
	pair := d.send("ann", "ann:bob", "hi")
	edit := func(name string, ref int64) chat.Change {
		return chat.Change{Chat: name, Ref: ref, Kind: chat.MessageEdited, Text: "changed"}
	}
	remove := func(name string, ref int64) chat.Change {
		return chat.Change{Chat: name, Ref: ref, Kind: chat.MessageDeleted}
	}
	for _, c := range []struct {
		user string
		asks chat.Change
		want chat.Code
	}{
		{"ann", edit("club", at), chat.PermissionDenied}, // the admin edits nothing of others
		{"cid", edit("club", at), chat.PermissionDenied},
		{"cid", remove("club", at), chat.PermissionDenied},
		{"eve", edit("club", at), chat.PermissionDenied}, // no member
		{"eve", remove("club", at), chat.PermissionDenied},
		{"bob", edit("ann:bob", pair), chat.PermissionDenied},
		{"bob", remove("ann:bob", pair), chat.PermissionDenied},
		{"eve", edit("ann:bob", pair), chat.PermissionDenied},
		{"bob", edit("club", at+1), chat.NotFound},
		{"bob", edit("club", 0), chat.InvalidArgument},
		{"bob", edit("nowhere", at), chat.NotFound},
		{"bob", edit("club", at-1), chat.InvalidArgument}, // the notice of the room's creation
		{"bob", chat.Change{Chat: "club", Ref: at, Kind: chat.MessageEdited}, chat.InvalidArgument},
		{"bob", chat.Change{Chat: "club", Ref: at, Kind: "other"}, chat.InvalidArgument},
	} {
		if c.asks.Kind == "other" && d.Watches == nil {
			continue // over HTTP the kind is the route
		}
		if c.asks.Ref == at-1 {
			c.asks.Ref = d.pull("club", 0)[0].SendTime
		}
		_, err := d.Changes.Change(as(c.user), c.asks)
		d.code(err, c.want, "Change(%s, %+v)", c.user, c.asks)
	}
	d.same(shown(d.pull("club", at)), "hello", "the room after refused changes")
	late := d.send("bob", "club", "late")
	d.clock.Add(EditWindow + time.Second)
	for _, c := range []chat.Change{edit("club", late), remove("club", late)} {
		_, err := d.Changes.Change(as("bob"), c)
		d.code(err, chat.PermissionDenied, "Change(%+v) after the window", c)
	}
	d.amend("ann", remove("club", late))
	if _, err := d.Changes.Change(asService(), remove("ann:bob", pair)); err != nil {
		d.t.Errorf("a deletion by a service = %v", err)
	}
	d.same(shown(d.pull("ann:bob", 0)), " erased deleted, delete", "the chat after a deletion by a service")
}

func testRepeatedChange(d *domain) {
	at := d.send("ann", "ann:bob", "one")
	edit := chat.Change{Chat: "ann:bob", Ref: at, Kind: chat.MessageEdited, Text: "two", ID: "e-1"}
	first := d.amend("ann", edit)
	d.amend("ann", chat.Change{Chat: "ann:bob", Ref: at, Kind: chat.MessageEdited, Text: "three", ID: "e-2"})
	receipt, err := d.Changes.Change(as("ann"), edit)
	if err != nil || receipt != (chat.Receipt{SendTime: first, Duplicate: true}) {
		d.t.Errorf("a repeated edit = %+v, %v; want the first, %d", receipt, err, first)
	}
	edit.Text = "four"
	_, err = d.Changes.Change(as("ann"), edit)
	d.code(err, chat.Conflict, "another edit with the same id")
	_, err = d.Messages.Send(as("ann"), chat.Message{Chat: "ann:bob", Sender: "ann", Text: "two", ID: "e-1"})
	d.code(err, chat.Conflict, "a message with the id of an edit")
	d.same(shown(d.pull("ann:bob", 0)), "three edited, edit three edited, edit three edited", "the chat after a repeated edit")
	remove := chat.Change{Chat: "ann:bob", Ref: at, Kind: chat.MessageDeleted, ID: "d-1"}
	deleted := d.amend("ann", remove)
	if receipt, err = d.Changes.Change(as("ann"), remove); err != nil || receipt != (chat.Receipt{SendTime: deleted, Duplicate: true}) {
		d.t.Errorf("a repeated deletion = %+v, %v; want the first, %d", receipt, err, deleted)
	}
}

func testChangesAreNotUnread(d *domain) {
	d.register("ann", "bob")
	at := d.send("ann", "ann:bob", "one")
	d.read("bob", "ann:bob", at+1, false, at+1)
	for i := range 120 { // more than a script looks at
		d.amend("ann", chat.Change{Chat: "ann:bob", Ref: at, Kind: chat.MessageEdited, Text: fmt.Sprint("edit ", i)})
	}
	inbox, err := d.Inboxes.Inbox(as("bob"), chat.InboxRequest{Reader: "bob", Limit: 10})
	if err != nil || len(inbox.Entries) != 1 {
		d.t.Fatalf("Inbox() = %+v, %v", inbox, err)
	}
	if e := inbox.Entries[0]; e.Unread != 0 || e.Last == nil || e.Last.SendTime != at || e.Last.Text != "edit 119" {
		d.t.Errorf("the inbox has %+v with %+v; want nothing unread, and the message as it is now", e, e.Last)
	}
	unread, err := d.Inboxes.Unread(as("bob"), chat.UnreadRequest{Reader: "bob", Limit: 10})
	if err != nil || len(unread.Chats) != 0 {
		d.t.Errorf("Unread() = %+v, %v; want nothing", unread, err)
	}
}

func testErasureOfChanged(d *domain) {
	if d.Deletion == nil {
		return
	}
	d.register("ann", "bob")
	at := d.send("ann", "ann:bob", "one")
	d.amend("ann", chat.Change{Chat: "ann:bob", Ref: at, Kind: chat.MessageEdited, Text: "two", ID: "e-1"})
	d.deleted("ann", true)
	d.same(shown(d.pull("ann:bob", 0)), " erased edited, edit  erased edited", "the chat after the sender's erasure")
}

func testThread(d *domain) {
	parent, other := d.send("ann", "ann:bob", "lunch?"), d.send("ann", "ann:bob", "or dinner?")
	answer := func(user, text string, to int64) int64 {
		d.t.Helper()
		d.clock.Add(time.Microsecond)
		receipt, err := d.Messages.Send(as(user), chat.Message{Chat: "ann:bob", Sender: user, Text: text, Content: &chat.Content{ReplyTo: to}})
		if err != nil {
			d.t.Fatalf("an answer = %v", err)
		}
		return receipt.SendTime
	}
	first := answer("bob", "yes", parent)
	second := answer("ann", "where?", parent)
	answer("bob", "no", other)
	last := answer("bob", "here", parent)
	all := d.pull("ann:bob", 0)
	d.same(shown(all), "lunch? answers 3, or dinner? answers 1, yes, where?, no, here", "the chat with answers")
	if all[0].State.LastReply != last || all[2].Content == nil || all[2].Content.ReplyTo != parent {
		d.t.Errorf("the message is %+v, %+v, its answer %+v; want %d as the last answer", all[0], all[0].State, all[2], last)
	}
	page, err := d.Changes.Thread(as("ann"), chat.ThreadRequest{Chat: "ann:bob", Ref: parent, Limit: 2})
	if err != nil || !page.HasMore || page.NextCursor != last {
		d.t.Errorf("Thread() = %+v, %v; want two answers and more from %d on", page, err, last)
	}
	d.same(texts(page), "yes, where?", "the first page of a thread")
	page, err = d.Changes.Thread(as("ann"), chat.ThreadRequest{Chat: "ann:bob", Ref: parent, Cursor: page.NextCursor})
	if err != nil || page.HasMore || page.NextCursor != last+1 {
		d.t.Errorf("Thread() = %+v, %v; want the end", page, err)
	}
	d.same(texts(page), "here", "the last page of a thread")
	d.amend("ann", chat.Change{Chat: "ann:bob", Ref: second, Kind: chat.MessageDeleted})
	page, err = d.Changes.Thread(as("bob"), chat.ThreadRequest{Chat: "ann:bob", Ref: parent})
	d.code(err, "", "Thread() after a deletion")
	d.same(shown(page.Messages), "yes,  erased deleted, here", "a thread with a deleted answer")
	_, err = d.Changes.Thread(as("eve"), chat.ThreadRequest{Chat: "ann:bob", Ref: parent})
	d.code(err, chat.PermissionDenied, "Thread() of a stranger")
	for _, to := range []int64{1, last + 1} {
		_, err = d.Messages.Send(as("bob"), chat.Message{Chat: "ann:bob", Sender: "bob", Text: "x", Content: &chat.Content{ReplyTo: to}})
		d.code(err, chat.NotFound, "an answer to nothing at %d", to)
	}
	if first == 0 {
		d.t.Error("no position")
	}
}

// mentioned checks how many messages of each chat are unread, and how many of them mention the user.
func (d *domain) mentioned(user, want string) {
	d.t.Helper()
	page, err := d.Inboxes.Unread(as(user), chat.UnreadRequest{Reader: user})
	var counts, entries []string
	for _, u := range page.Chats {
		counts = append(counts, fmt.Sprintf("%s %d/%d", u.Chat, u.Count, u.Mentions))
	}
	d.code(err, "", "Unread(%s)", user)
	d.same(counts, want, "the unread messages of %s, and the mentions", user)
	inbox, err := d.Inboxes.Inbox(as(user), chat.InboxRequest{Reader: user})
	for _, e := range inbox.Entries {
		if e.Unread > 0 {
			entries = append(entries, fmt.Sprintf("%s %d/%d", e.Chat, e.Unread, e.Mentions))
		}
	}
	d.code(err, "", "Inbox(%s)", user)
	slices.Sort(entries)
	d.same(entries, want, "the inbox of %s", user)
}

func testMentions(d *domain) {
	d.register("ann", "bob", "cid")
	d.create("ann", "club", chat.Private, "bob")
	mention := func(name string, users ...string) error {
		_, err := d.Messages.Send(as("ann"), chat.Message{Chat: name, Sender: "ann", Text: "look", Content: &chat.Content{Mentions: users}})
		return err
	}
	d.code(mention("club", "bob", "ann", "bob"), "", "mentions of members")
	d.code(mention("club", "bob", "cid"), chat.InvalidArgument, "mentions of a user who is no member")
	d.code(mention("ann:bob", "bob"), "", "mentions in a conversation")
	d.code(mention("ann:bob", "cid"), chat.InvalidArgument, "mentions of a third user")
	d.send("ann", "club", "bob, as a text")
	d.amend("bob", reaction("club", d.pull("club", 0)[1].SendTime, "👍")) // its users are no mentions
	d.mentioned("bob", "ann:bob 1/1, club 2/1")
	d.mentioned("ann", "")
	for i := range 5 {
		d.code(mention("club", "bob"), "", "mention %d", i)
	}
	d.mentioned("bob", "ann:bob 1/1, club 7/6")
	all := d.pull("club", 0)
	bob := chat.IgnoreRequest{User: "bob", Other: "cid", Ignore: true} // so that senders are told apart
	d.code(d.Inboxes.Ignore(as("bob"), bob), "", "Ignore()")
	d.mentioned("bob", "ann:bob 1/1, club 7/6")
	bob.Other = "ann"
	d.code(d.Inboxes.Ignore(as("bob"), bob), "", "Ignore()")
	d.mentioned("bob", "")
	all = all[:2]
	if m := all[len(all)-1]; m.Content == nil || strings.Join(m.Content.Mentions, " ") != "bob ann" {
		d.t.Errorf("the last message is %+v, %+v; want mentions of bob and ann", m, m.Content)
	}
}

func testContent(d *domain) {
	send := func(c chat.Content) error {
		_, err := d.Messages.Send(as("ann"), chat.Message{Chat: "ann:bob", Sender: "ann", Text: "text", Content: &c})
		return err
	}
	long := chat.Object(`{"a":"` + strings.Repeat("x", chat.MaxMetadataBytes) + `"}`)
	for _, c := range []struct {
		content chat.Content
		want    chat.Code
	}{
		{chat.Content{Metadata: `{ "b": [1, 12345678901234567890], "a": "\u0000\n" }`}, ""},
		{chat.Content{Metadata: `[1]`}, chat.InvalidArgument},
		{chat.Content{Metadata: long}, chat.InvalidArgument},
		{chat.Content{Type: "json", Body: long}, ""},
		{chat.Content{Type: "json"}, chat.InvalidArgument},
		{chat.Content{Body: `{}`}, chat.InvalidArgument},
		{chat.Content{Type: "hologram", Body: `{}`}, chat.InvalidArgument},
		{chat.Content{Type: "image", Body: `{"url":"https://example.org/a.png","width":3}`}, ""},
		{chat.Content{Type: "image", Body: `{"url":"javascript:alert(1)"}`}, chat.InvalidArgument},
		{chat.Content{Type: "location", Body: `{"latitude":52.5,"longitude":13.4}`}, ""},
		{chat.Content{Type: "location", Body: `{"latitude":91,"longitude":13.4}`}, chat.InvalidArgument},
		{chat.Content{Type: "form", Body: `{"fields":[{"name":"size"}]}`}, ""},
		{chat.Content{Type: "form", Body: `{"fields":[]}`}, chat.InvalidArgument},
	} {
		d.code(send(c.content), c.want, "a message with %+v", c.content)
	}
	all := d.pull("ann:bob", 0)
	if len(all) != 5 || all[0].Content == nil || all[0].Content.Metadata != `{"b":[1,12345678901234567890],"a":"\u0000\n"}` {
		d.t.Errorf("the chat has %d messages, the first %+v, %+v; want five, with the metadata as it was", len(all), all[0], all[0].Content)
	}
	if m := all[3]; m.Content.Type != "location" || m.Content.Body != `{"latitude":52.5,"longitude":13.4}` {
		d.t.Errorf("the fourth is %+v, want the location", m.Content)
	}
}
