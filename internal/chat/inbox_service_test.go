package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

func TestInboxRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	for _, c := range []struct {
		name   string
		ctx    context.Context
		reader string
		cursor int64
		limit  int64
		want   chat.Code
	}{
		{"the caller", as("ann"), "", 0, 0, ""},
		{"the caller's device", as("ann"), "ann/phone", 0, 0, ""},
		{"another user", as("ann"), "bob", 0, 0, chat.PermissionDenied},
		{"another user's device", as("ann"), "bob/phone", 0, 0, chat.PermissionDenied},
		{"a service", asService(), "bob/phone", 0, 0, ""},
		{"a service for no user", asService(), "", 0, 0, chat.InvalidArgument},
		{"an anonymous caller", t.Context(), "ann", 0, 0, chat.Unauthenticated},
		{"a device without a name", as("ann"), "ann/", 0, 0, chat.InvalidArgument},
		{"a device of a device", as("ann"), "ann/a/b", 0, 0, chat.InvalidArgument},
		{"a negative limit", as("ann"), "", 0, -1, chat.InvalidArgument},
		{"a negative cursor", as("ann"), "", -1, 0, chat.InvalidArgument},
		{"too large a cursor", as("ann"), "", chat.MaxCursor + 1, 0, chat.InvalidArgument},
		{"a large limit", as("ann"), "", 0, 1 << 40, ""},
	} {
		_, err := d.Inboxes.Inbox(c.ctx, chat.InboxRequest{Reader: c.reader, Cursor: c.cursor, Limit: c.limit})
		wantCode(t, c.name+": Inbox()", err, c.want)
		_, err = d.Inboxes.Unread(c.ctx, chat.UnreadRequest{Reader: c.reader, Cursor: c.cursor, Limit: c.limit})
		wantCode(t, c.name+": Unread()", err, c.want)
		if c.cursor == 0 && c.limit >= 0 {
			_, err = d.Inboxes.Chats(c.ctx, chat.ChatsRequest{Reader: c.reader})
			wantCode(t, c.name+": Chats()", err, c.want)
		}
	}
}

// TestUnreadPages: the pages of unread chats have all of them, and leave out chats in which nothing is new.
func TestUnreadPages(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	var want []string
	for i := range 12 {
		other := fmt.Sprintf("u%02d", i)
		sender := other
		if i%3 == 0 {
			sender = "ann" // whose own messages do not count
		} else {
			want = append(want, "ann:"+other+" 1")
		}
		d.clock.Add(time.Microsecond)
		if _, err := d.Messages.Send(as(sender), chat.Message{Chat: "ann:" + other, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	d.clock.Add(time.Second)
	for _, limit := range []int64{0, 1, 5, chat.MaxUnread + 1} {
		var got []string
		pages := 0
		for r := (chat.UnreadRequest{Reader: "ann", Limit: limit}); ; pages++ {
			page, err := d.Inboxes.Unread(as("ann"), r)
			if err != nil {
				t.Fatalf("Unread(%+v) = %v", r, err)
			}
			for _, c := range page.Chats {
				got = append(got, fmt.Sprint(c.Chat, " ", c.Count))
			}
			if r.Cursor = page.NextCursor; !page.HasMore {
				break
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) || limit == 1 && pages != 11 {
			t.Errorf("the %d pages of Unread(limit %d) have %v, want %v", pages+1, limit, got, want)
		}
	}
}

// TestUnreadPagesSkipWhatIsRead: chats that were read to the end take no room on a page.
func TestUnreadPagesSkipWhatIsRead(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	for _, other := range []string{"old", "mid", "new"} {
		d.clock.Add(time.Microsecond)
		sent, err := d.Messages.Send(as(other), chat.Message{Chat: "ann:" + other, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		cursor := sent.SendTime // the message itself is unread
		if other != "old" {
			cursor++
		}
		if _, err := d.Live.Read(as("ann"), chat.ReadRequest{Chat: "ann:" + other, Reading: chat.Reading{Cursor: cursor}}); err != nil {
			t.Fatal(err)
		}
	}
	d.clock.Add(time.Second)
	page, err := d.Inboxes.Unread(as("ann"), chat.UnreadRequest{Limit: 1})
	if err != nil || page.HasMore || fmt.Sprint(page.Chats) != "[{ann:old 1 0}]" {
		t.Errorf("Unread(limit 1) = %+v, %v; want ann:old alone", page, err)
	}
}

func TestIgnoreRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	for _, c := range []struct {
		ctx  context.Context
		ask  chat.IgnoreRequest
		want chat.Code
	}{
		{as("ann"), chat.IgnoreRequest{Other: "eve", Ignore: true}, ""},
		{as("ann"), chat.IgnoreRequest{Other: "bob", Ignore: true}, ""},
		{as("ann"), chat.IgnoreRequest{Other: "nobody", Ignore: false}, ""},
		{as("ann"), chat.IgnoreRequest{Other: "ann", Ignore: true}, chat.InvalidArgument},
		{as("ann"), chat.IgnoreRequest{Other: "eve/phone", Ignore: true}, chat.InvalidArgument},
		{as("ann"), chat.IgnoreRequest{Other: "", Ignore: true}, chat.InvalidArgument},
		{as("ann"), chat.IgnoreRequest{User: "bob", Other: "eve", Ignore: true}, chat.PermissionDenied},
		{asService(), chat.IgnoreRequest{User: "ann", Other: "cid", Ignore: true}, ""},
		{asService(), chat.IgnoreRequest{Other: "cid", Ignore: true}, chat.InvalidArgument},
		{t.Context(), chat.IgnoreRequest{User: "ann", Other: "dan", Ignore: true}, chat.Unauthenticated},
	} {
		wantCode(t, fmt.Sprintf("Ignore(%+v)", c.ask), d.Inboxes.Ignore(c.ctx, c.ask), c.want)
	}
	ignored, err := d.Inboxes.Ignored(as("ann"), "")
	if want := []string{"bob", "cid", "eve"}; err != nil || !slices.Equal(ignored, want) {
		t.Errorf("Ignored() = %v, %v; want %v", ignored, err, want)
	}
	for i := range 997 {
		if err := d.Inboxes.Ignore(as("ann"), chat.IgnoreRequest{Other: fmt.Sprint("u", i), Ignore: true}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "Ignore() of one more than 1000", d.Inboxes.Ignore(as("ann"), chat.IgnoreRequest{Other: "more", Ignore: true}), chat.Conflict)
}

// TestReceiptsAreBounded: of a chat with many readers a page has some, and counts all.
func TestReceiptsAreBounded(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann")
	d.create(t, "ann", "lounge", chat.Public)
	const readers = chat.MaxReceipts + 3
	for i := range readers {
		user := fmt.Sprintf("u%04d", i)
		if _, err := d.Live.Read(as(user), chat.ReadRequest{Chat: "lounge", End: true}); err != nil {
			t.Fatal(err)
		}
	}
	receipts, err := d.Inboxes.Readers(as("ann"), "lounge")
	if err != nil || receipts.Count != readers || len(receipts.Readings) != chat.MaxReceipts || receipts.Readings[0].Reader != "u0000" {
		t.Errorf("Readers() = %d readings of %d, %v; want %d of %d", len(receipts.Readings), receipts.Count, err, chat.MaxReceipts, readers)
	}
}

func TestLiveRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob")
	d.create(t, "ann", "club", chat.Private, "bob")
	old, _ := chat.ParseID("old")
	d.store.Append(t.Context(), []chat.Append{{Chat: old, Message: chat.Message{Sender: "ann", Text: "of an earlier release"}}})
	present := func(ctx context.Context, name string) error {
		_, err := d.Live.Present(ctx, name)
		return err
	}
	signal := func(ctx context.Context, s chat.Signal) error { return d.Live.Signal(ctx, s) }
	read := func(ctx context.Context, r chat.ReadRequest) error {
		_, err := d.Live.Read(ctx, r)
		return err
	}
	reading := func(reader string, cursor int64) chat.Reading { return chat.Reading{Reader: reader, Cursor: cursor} }
	for _, c := range []struct {
		name string
		err  error
		want chat.Code
	}{
		{"a signal", signal(as("ann"), chat.Signal{Chat: "ann:bob", Type: "typing"}), ""},
		{"a signal for another user", signal(as("ann"), chat.Signal{Chat: "ann:bob", Sender: "bob", Type: "typing"}), chat.PermissionDenied},
		{"a signal to others", signal(as("eve"), chat.Signal{Chat: "ann:bob", Type: "typing"}), chat.PermissionDenied},
		{"a signal of a service for a third user", signal(asService(), chat.Signal{Chat: "ann:bob", Sender: "eve", Type: "typing"}), chat.InvalidArgument},
		{"a signal of no member", signal(as("eve"), chat.Signal{Chat: "club", Type: "typing"}), chat.PermissionDenied},
		{"a signal without a type", signal(as("ann"), chat.Signal{Chat: "ann:bob"}), chat.InvalidArgument},
		{"a signal of the largest data", signal(as("ann"), chat.Signal{Chat: "ann:bob", Type: "x", Data: strings.Repeat("d", 256)}), ""},
		{"a signal of larger data", signal(as("ann"), chat.Signal{Chat: "ann:bob", Type: "x", Data: strings.Repeat("d", 257)}), chat.InvalidArgument},
		{"a signal that is not UTF-8", signal(as("ann"), chat.Signal{Chat: "ann:bob", Type: "x", Data: "\xff"}), chat.InvalidArgument},
		{"an anonymous signal", signal(t.Context(), chat.Signal{Chat: "club", Sender: "ann", Type: "x"}), chat.Unauthenticated},
		{"a service's look into a log without a room", present(asService(), "old"), ""},
		{"a service's look where nothing is", present(asService(), "unknown"), chat.NotFound},
		{"a service's signal to a log without a room", signal(asService(), chat.Signal{Chat: "old", Sender: "ann", Type: "x"}), chat.NotFound},
		{"a user's look into a log without a room", present(as("ann"), "old"), chat.NotFound},
		{"a cursor", read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: reading("ann/phone", 1)}), ""},
		{"a cursor of another user", read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: reading("bob", 1)}), chat.PermissionDenied},
		{"a cursor in a chat of others", read(as("eve"), chat.ReadRequest{Chat: "ann:bob", Reading: reading("eve", 1)}), chat.PermissionDenied},
		{"a cursor of no member", read(as("eve"), chat.ReadRequest{Chat: "club", Reading: reading("eve", 1)}), chat.PermissionDenied},
		{"a cursor and the end", read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: reading("ann", 1), End: true}), chat.InvalidArgument},
		{"the end", read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: reading("ann", 0), End: true}), ""},
		{"a negative cursor", read(as("ann"), chat.ReadRequest{Chat: "ann:bob", Reading: reading("ann", -1)}), chat.InvalidArgument},
		{"a report of a gateway", d.Live.ReportPresence(asService(), "g", []chat.Attendance{{Chat: "club", Readers: []string{"ann", "bob/phone"}}}), ""},
		{"a report of a gateway for no user", d.Live.ReportPresence(asService(), "g", []chat.Attendance{{Chat: "club", Readers: []string{"a b"}}}), chat.InvalidArgument},
		{"a report without a gateway", d.Live.ReportPresence(asService(), "", nil), chat.InvalidArgument},
		{"a user's own report", d.Live.ReportPresence(as("ann"), "g", []chat.Attendance{{Chat: "club", Readers: []string{"ann"}}}), ""},
		{"a user's report of another", d.Live.ReportPresence(as("ann"), "g", []chat.Attendance{{Chat: "club", Readers: []string{"bob"}}}), chat.PermissionDenied},
		{"a report of no member", d.Live.ReportPresence(as("eve"), "g", []chat.Attendance{{Chat: "club", Readers: []string{"eve"}}}), chat.PermissionDenied},
		{"an anonymous report", d.Live.ReportPresence(t.Context(), "g", []chat.Attendance{{Chat: "club"}}), chat.Unauthenticated},
	} {
		wantCode(t, c.name, c.err, c.want)
	}
	readers, err := d.Live.Present(as("bob"), "club")
	if err != nil || !slices.Equal(readers, []string{"ann"}) {
		t.Errorf("Present(club) = %v, %v; want ann, whose report replaced the gateway's", readers, err)
	}
	d.clock.Add(chat.AttendanceLapses)
	if readers, err := d.Live.Present(as("bob"), "club"); err != nil || len(readers) != 0 {
		t.Errorf("Present(club) %v later = %v, %v; want none", chat.AttendanceLapses, readers, err)
	}
	_, err = d.Live.Present(as("eve"), "club")
	wantCode(t, "Present(club) by one who is no member", err, chat.PermissionDenied)
}

// TestFillLooks: accounts of earlier releases get their looks, of two that look alike one does, and one run a day is made.
func TestFillLooks(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1_780_000_000_000_000)
	store := chattest.NewStore(chattest.StoreOptions{Clock: func() time.Time { return at }})
	add := func(users ...string) {
		t.Helper()
		for _, user := range users {
			if _, err := store.AddAccount(t.Context(), chat.StoredAccount{Account: chat.Account{User: user}, PasswordHash: "h"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill := func() {
		t.Helper()
		if err := chat.FillLooks(t.Context(), store, nil); err != nil {
			t.Errorf("FillLooks() = %v", err)
		}
	}
	owner := func(look string) string {
		t.Helper()
		owners, err := store.ReadLooks(t.Context(), []string{look})
		if err != nil {
			t.Fatal(err)
		}
		return owners[0]
	}
	add("Alice", "alice", "Zoe")
	for i := range 450 { // of three pages
		add(fmt.Sprintf("u%03d", i))
	}
	fill()
	for look, want := range map[string]string{"alice": "Alice", "zoe": "Zoe", "u000": "u000", "u449": "u449", "bob": ""} {
		if got := owner(look); got != want {
			t.Errorf("the look %s is %q's, want %q", look, got, want)
		}
	}
	add("bob")
	fill()
	if got := owner("bob"); got != "" {
		t.Errorf("the look bob is %q's at once, want none: the looks were filled a moment ago", got)
	}
	at = at.Add(24 * time.Hour)
	fill()
	if got := owner("bob"); got != "bob" {
		t.Errorf("the look bob is %q's a day later, want bob", got)
	}
}
