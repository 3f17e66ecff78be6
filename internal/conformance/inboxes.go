package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var inboxTests = []domainTest{
	{"an inbox", nil, testInbox},
	{"pages of an inbox", nil, testInboxPages},
	{"an inbox and rooms", nil, testInboxOfRooms},
	{"ignored users", nil, testIgnored},
	{"names in an inbox", nil, testInboxNames},
	{"pulls of a reader", nil, testPullsOfReaders},
	{"the readers of a chat", nil, testReadersOfChat},
	{"a reader's cursor", nil, testReaderCursor},
	{"a reader's devices are few", nil, testDevices},
	{"all chats of a user", func(d Domain) bool { return d.Chats != nil }, testChats},
}

// inbox returns the lines of an inbox: chat, unread messages, the last text.
func (d *domain) inbox(reader string) (lines []string) {
	d.t.Helper()
	inbox, err := d.Inboxes.Inbox(as(chat.UserOf(reader)), chat.InboxRequest{Reader: reader})
	if err != nil {
		d.t.Fatalf("Inbox(%s) = %v", reader, err)
	}
	for _, e := range inbox.Entries {
		last := "nothing"
		if e.Last != nil {
			last = e.Last.Text
		}
		lines = append(lines, fmt.Sprintf("%s %d %s", e.Chat, e.Unread, last))
	}
	return lines
}

// read moves a reader's cursor and checks where it is then.
func (d *domain) read(reader, name string, cursor int64, force bool, want int64) {
	d.t.Helper()
	r := chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: reader, Cursor: cursor}, Force: force}
	if got, err := d.Live.Read(as(chat.UserOf(reader)), r); err != nil || got != want {
		d.t.Errorf("Read(%s in %s to %d, force %v) = %d, %v; want %d", reader, name, cursor, force, got, err, want)
	}
}

func testInbox(d *domain) {
	d.same(d.inbox("ann"), "", "the inbox of a user without chats")
	d.send("bob", "ann:bob", "1")
	d.send("cid", "ann:cid", "2")
	d.send("ann", "ann:dan", "3")
	d.send("ann", "ann:ann", "4")
	d.send("bob", "ann:bob", "5")
	d.same(d.inbox("ann"), "ann:bob 2 5, ann:ann 0 4, ann:dan 0 3, ann:cid 1 2", "the inbox of ann")
	d.same(d.inbox("dan"), "ann:dan 1 3", "the inbox of dan")
	at := d.send("bob", "ann:bob", "6")
	d.read("ann", "ann:bob", at, false, at)
	d.same(d.inbox("ann")[:1], "ann:bob 1 6", "the inbox of ann, who has read two")
	d.same(d.inbox("ann/phone")[:1], "ann:bob 3 6", "the inbox of a device, which has read none")
	unread, err := d.Inboxes.Unread(as("ann"), chat.UnreadRequest{Reader: "ann"})
	if got := fmt.Sprint(unread.Chats); err != nil || got != "[{ann:bob 1 0} {ann:cid 1 0}]" {
		d.t.Errorf("Unread(ann) = %s, %v; want one of bob and one of cid", got, err)
	}
	for i := range chat.ManyUnread + 1 {
		d.send("bob", "bob:eve", fmt.Sprint(i))
	}
	d.same(d.inbox("eve"), fmt.Sprintf("bob:eve %d %d", chat.ManyUnread, chat.ManyUnread), "the inbox of eve")
	_, err = d.Inboxes.Inbox(as("ann"), chat.InboxRequest{Reader: "bob"})
	d.code(err, chat.PermissionDenied, "Inbox(bob) by ann")
}

// walkInbox returns the chats of all pages of ann's inbox, and calls afterFirst after the first page.
func (d *domain) walkInbox(afterFirst func()) (chats []string) {
	d.t.Helper()
	const limit = 3
	for r := (chat.InboxRequest{Reader: "ann", Limit: limit}); ; {
		page, err := d.Inboxes.Inbox(as("ann"), r)
		if err != nil || len(page.Entries) > limit || page.HasMore != (page.NextCursor > 0) {
			d.t.Fatalf("Inbox(%+v) = %+v, %v; want a page of up to %d", r, page, err, limit)
		}
		for _, e := range page.Entries {
			chats = append(chats, e.Chat)
		}
		if !page.HasMore {
			return chats
		}
		if r.Cursor == 0 {
			afterFirst()
		}
		r.Cursor = page.NextCursor
	}
}

func testInboxPages(d *domain) {
	var want []string
	for i := range 7 {
		other := fmt.Sprint("u", i)
		d.send(other, "ann:"+other, "hi")
		want = append([]string{"ann:" + other}, want...)
	}
	d.clock.Add(time.Second) // messages that come after the first page count as moved
	d.same(d.walkInbox(func() {}), strings.Join(want, ", "), "the chats of all pages")
	got := d.walkInbox(func() { d.send("u0", "ann:u0", "it moves up before its page comes") })
	for _, name := range want {
		if !slices.Contains(got, name) {
			d.t.Errorf("the pages of an inbox in which a chat moves have %v, and not %s", got, name)
		}
	}
	for _, wrong := range []chat.InboxRequest{{Limit: -1}, {Cursor: -1}, {Cursor: chat.MaxCursor + 1}} {
		wrong.Reader = "ann"
		_, err := d.Inboxes.Inbox(as("ann"), wrong)
		d.code(err, chat.InvalidArgument, "Inbox(%+v)", wrong)
	}
}

func testInboxOfRooms(d *domain) {
	d.register("ann", "bob", "cid")
	d.create("ann", "club", chat.Private, "bob")
	d.send("ann", "club", "before")
	d.clock.Add(time.Second)
	d.change("ann", "club", chat.AddMembers, "", "cid")
	d.send("ann", "club", "after")
	d.same(d.inbox("bob"), "club 2 after", "the inbox of a member from the beginning, who does not count notices")
	d.same(d.inbox("cid"), "club 1 after", "the inbox of a later member, whose cursor begins with the membership")
	d.change("ann", "club", chat.RemoveMembers, "", "bob")
	d.same(d.inbox("bob"), "", "the inbox of a removed member")
	d.change("ann", "club", chat.DeleteRoom, "")
	d.same(d.inbox("ann"), "", "the inbox of a member of a deleted room")
}

func testIgnored(d *domain) {
	ignore := func(other string, on bool, want chat.Code) {
		d.t.Helper()
		d.code(d.Inboxes.Ignore(as("ann"), chat.IgnoreRequest{User: "ann", Other: other, Ignore: on}), want, "Ignore(%s, %v)", other, on)
	}
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Private, "bob", "eve")
	d.send("bob", "club", "of bob")
	d.send("eve", "club", "of eve")
	d.send("eve", "ann:eve", "of eve to ann")
	ignore("eve", true, "")
	ignore("eve", true, "")
	ignore("bob", true, "")
	ignore("bob", false, "")
	ignore("ann", true, chat.InvalidArgument)
	ignore("a b", true, chat.InvalidArgument)
	ignored, err := d.Inboxes.Ignored(as("ann"), "ann")
	d.code(err, "", "Ignored(ann)")
	d.same(ignored, "eve", "Ignored(ann)")
	d.same(d.inbox("ann"), "ann:eve 0 nothing, club 1 of bob", "the inbox of ann, who ignores eve")
	page, err := d.Messages.Pull(as("ann"), chat.PullRequest{Chat: "club", Reader: "ann"})
	d.code(err, "", "Pull() of a reader")
	d.same(texts(page), "ann made this room with bob, eve, of bob", "the page of ann, who ignores eve")
	d.same(d.inbox("bob")[:1], "club 1 of eve", "the inbox of bob, who ignores no user")
	ignore("eve", false, "")
	d.same(d.inbox("ann"), "ann:eve 1 of eve to ann, club 2 of eve", "the inbox of ann, who ignores eve no longer")
	_, err = d.Inboxes.Ignored(as("eve"), "ann")
	d.code(err, chat.PermissionDenied, "Ignored(ann) by eve")
}

func testInboxNames(d *domain) {
	d.register("ann", "bob")
	if _, err := d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club", Name: "The Club", Users: []string{"bob"}}); err != nil {
		d.t.Fatal(err)
	}
	d.send("bob", "club", "hi")
	d.send("cid", "ann:cid", "hi") // who has no account, and no name
	inbox, err := d.Inboxes.Inbox(as("ann"), chat.InboxRequest{Reader: "ann", Names: true})
	if err != nil || len(inbox.Entries) != 2 {
		d.t.Fatalf("Inbox() = %+v, %v; want two chats", inbox, err)
	}
	if pair := inbox.Entries[0]; fmt.Sprint(pair.Name, pair.Users) != "[{ann I am ann}]" {
		d.t.Errorf("the inbox names %s %q with %v, want ann's name", pair.Chat, pair.Name, pair.Users)
	}
	if room := inbox.Entries[1]; fmt.Sprint(room.Name, room.Users) != "The Club[{bob I am bob}]" {
		d.t.Errorf("the inbox names %s %q with %v, want The Club and bob's name", room.Chat, room.Name, room.Users)
	}
}

func testPullsOfReaders(d *domain) {
	var at []int64
	for i := range 4 {
		at = append(at, d.send("bob", "ann:bob", fmt.Sprint(i)))
	}
	d.read("ann/phone", "ann:bob", at[2], false, at[2])
	for _, c := range []struct {
		request chat.PullRequest
		want    string
	}{
		{chat.PullRequest{Reader: "ann/phone", Unread: true}, "2, 3"},
		{chat.PullRequest{Reader: "ann", Unread: true}, "0, 1, 2, 3"},
		{chat.PullRequest{Reader: "ann/phone"}, "0, 1, 2, 3"},
	} {
		c.request.Chat = "ann:bob"
		page, err := d.Messages.Pull(as("ann"), c.request)
		d.code(err, "", "Pull(%+v)", c.request)
		d.same(texts(page), c.want, "Pull(%+v)", c.request)
	}
	for _, wrong := range []chat.PullRequest{
		{Reader: "ann", Unread: true, Reverse: true}, {Reader: "ann", Unread: true, Cursor: 1}, {Reader: "ann/a b"},
	} {
		wrong.Chat = "ann:bob"
		_, err := d.Messages.Pull(as("ann"), wrong)
		d.code(err, chat.InvalidArgument, "Pull(%+v)", wrong)
	}
	_, err := d.Messages.Pull(as("ann"), chat.PullRequest{Chat: "ann:bob", Reader: "bob"})
	d.code(err, chat.PermissionDenied, "Pull() of another reader")
}

func testReadersOfChat(d *domain) {
	at := d.send("bob", "ann:bob", "1")
	d.read("bob", "ann:bob", at, false, at)
	d.read("ann/phone", "ann:bob", at+1, false, at+1)
	d.read("ann", "ann:bob", 5, false, 5)
	receipts, err := d.Inboxes.Readers(as("bob"), "ann:bob")
	if got, want := fmt.Sprint(receipts), fmt.Sprintf("{[{ann 5} {ann/phone %d} {bob %d}] 3}", at+1, at); err != nil || got != want {
		d.t.Errorf("Readers(ann:bob) = %s, %v; want %s", got, err, want)
	}
	if none, err := d.Inboxes.Readers(as("bob"), "bob:cid"); err != nil || none.Count != 0 || len(none.Readings) != 0 {
		d.t.Errorf("Readers(bob:cid) = %+v, %v; want none", none, err)
	}
	_, err = d.Inboxes.Readers(as("eve"), "ann:bob")
	d.code(err, chat.PermissionDenied, "Readers(ann:bob) by eve")
}

func testReaderCursor(d *domain) {
	d.read("ann", "ann:bob", 7, false, 0) // there is nothing to read
	d.send("bob", "ann:bob", "1")
	end := d.send("bob", "ann:bob", "2") + 1
	for _, c := range []struct {
		cursor int64
		force  bool
		want   int64
	}{
		{0, false, 0},
		{7, false, 7},
		{5, false, 7},
		{end - 1, false, end - 1},
		{end + 1, false, end},
		{chat.MaxCursor, false, end},
		{end - 1, false, end},
		{255, true, 255},
		{chat.MaxCursor, true, end},
		{0, true, 0},
	} {
		d.read("ann", "ann:bob", c.cursor, c.force, c.want)
	}
	if got, err := d.Live.Read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: chat.Reading{Reader: "ann"}, End: true}); err != nil || got != end {
		d.t.Errorf("Read(to the end) = %d, %v; want %d", got, err, end)
	}
	for _, c := range []struct {
		reader string
		cursor int64
		want   chat.Code
	}{
		{"bob", 1, chat.PermissionDenied},
		{"ann/a b", 1, chat.InvalidArgument},
		{"ann/", 1, chat.InvalidArgument},
		{"ann", -1, chat.InvalidArgument},
		{"ann", chat.MaxCursor + 1, chat.InvalidArgument},
	} {
		_, err := d.Live.Read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: chat.Reading{Reader: c.reader, Cursor: c.cursor}})
		d.code(err, c.want, "Read(%s to %d) by ann", c.reader, c.cursor)
	}
}

func testDevices(d *domain) {
	at := d.send("bob", "ann:bob", "1")
	for i := range maxDevices {
		d.read(fmt.Sprint("ann/", i), "ann:bob", at, false, at)
	}
	_, err := d.Live.Read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: chat.Reading{Reader: "ann/more", Cursor: at}})
	d.code(err, chat.Conflict, "Read() of device %d", maxDevices+1)
	d.read("ann/0", "ann:bob", at+1, false, at+1)
	d.read("ann", "ann:bob", at, false, at)
	d.read("bob/0", "ann:bob", at, false, at)
}

func testChats(d *domain) {
	d.register("ann", "bob")
	d.send("bob", "ann:bob", "1")
	d.create("bob", "club", chat.Private, "ann")
	at := d.send("cid", "ann:cid", "2")
	d.read("ann", "ann:cid", at+1, false, at+1)
	standings, err := d.Chats.Chats(as("ann"), chat.ChatsRequest{Reader: "ann", Names: true})
	if err != nil || len(standings) != 3 {
		d.t.Fatalf("Chats(ann) = %+v, %v; want three", standings, err)
	}
	var got []string
	for _, s := range standings {
		got = append(got, s.Chat)
	}
	d.same(got, "ann:cid, club, ann:bob", "Chats(ann)")
	if standings[0].Cursor != at+1 || standings[1].Cursor == 0 || standings[2].Cursor != 0 || len(standings[2].Users) != 2 {
		d.t.Errorf("Chats(ann) = %+v, want cursors of what was read and of the membership, and the names of both users", standings)
	}
}
