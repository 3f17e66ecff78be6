package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func canWatch(d Domain) bool { return d.Watches != nil }

var liveTests = []domainTest{
	{"signals", nil, testSignals},
	{"presence", canWatch, testPresence},
	{"last seen", canWatch, testLastSeen},
	{"a watch tells of messages", canWatch, testHints},
	{"a watch tells of signals and cursors", canWatch, testNews},
	{"a watch tells of a user's own data", canWatch, testOwnNews},
	{"a watch tells of members", canWatch, testMemberNews},
	{"a watch ends", canWatch, testWatchEnds},
}

// watching is a Watch in a test.
type watching struct {
	d     *domain
	watch chat.Watch
	known []chat.Event // were returned with others
}

// watch watches chats and waits until all are confirmed.
func (d *domain) watch(names ...string) *watching {
	d.t.Helper()
	w := &watching{d: d, watch: d.Watches.Watch()}
	d.t.Cleanup(w.watch.Close)
	var ids []chat.ID
	for _, name := range names {
		ids = append(ids, idOf(d, name))
	}
	w.watch.Add(ids...)
	for _, id := range ids {
		w.until("the confirmation of "+id.String(), func(e chat.Event) bool { return e.Kind == chat.Hint && e.Chat == id })
	}
	return w
}

func idOf(d *domain, name string) chat.ID {
	d.t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// patience is far longer than any event takes.
const patience = 20 * time.Second

// until returns the first event that is as wanted. Those before it stay for other calls.
func (w *watching) until(what string, wanted func(chat.Event) bool) chat.Event {
	w.d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		for i, e := range w.known {
			if wanted(e) {
				w.known = slices.Delete(w.known, i, i+1)
				return e
			}
		}
		more, err := w.watch.Next(ctx)
		if err != nil {
			w.d.t.Fatalf("%s has not come: %v", what, err)
		}
		w.known = append(w.known, more...)
	}
}

func testSignals(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Private, "bob")
	for _, c := range []struct {
		by     string
		signal chat.Signal
		want   chat.Code
	}{
		{"ann", chat.Signal{Chat: "bob:ann", Type: "typing"}, ""},
		{"ann", chat.Signal{Chat: "ann:bob", Type: "typing", Data: strings.Repeat("d", chat.MaxSignalBytes)}, ""},
		{"ann", chat.Signal{Chat: "ann:bob", Type: "typing", Data: strings.Repeat("d", chat.MaxSignalBytes+1)}, chat.InvalidArgument},
		{"ann", chat.Signal{Chat: "ann:bob", Type: ""}, chat.InvalidArgument},
		{"ann", chat.Signal{Chat: "ann:bob", Type: "two words"}, chat.InvalidArgument},
		{"ann", chat.Signal{Chat: "a b", Type: "typing"}, chat.InvalidArgument},
		{"ann", chat.Signal{Chat: "ann:bob", Sender: "bob", Type: "typing"}, chat.PermissionDenied},
		{"eve", chat.Signal{Chat: "ann:bob", Type: "typing"}, chat.PermissionDenied},
		{"bob", chat.Signal{Chat: "club", Type: "typing"}, ""},
		{"eve", chat.Signal{Chat: "club", Type: "typing"}, chat.PermissionDenied},
		{"eve", chat.Signal{Chat: "unknown", Type: "typing"}, chat.NotFound},
	} {
		if c.signal.Sender == "" {
			c.signal.Sender = c.by
		}
		d.code(d.Live.Signal(as(c.by), c.signal), c.want, "Signal(%+v) by %s", c.signal, c.by)
	}
}

// testLastSeen: presence shows when a user was connected, to the minute, to users with access.
func testLastSeen(d *domain) {
	d.register("ann", "bob")
	sees := func(ctx context.Context, want int64, hides bool, who string) {
		d.t.Helper()
		a, err := d.Accounts.Account(ctx, "bob")
		if err != nil || a.LastSeen != want || a.HidesLastSeen != hides {
			d.t.Errorf("the account of bob for %s is %+v, %v; want it seen at %d, hidden: %v", who, a, err, want, hides)
		}
	}
	report := func() int64 {
		d.t.Helper()
		if err := d.Watches.ReportPresence(asService(), "gate", []chat.Attendance{{Chat: "ann:bob", Readers: []string{"bob/phone"}}}); err != nil {
			d.t.Fatal(err)
		}
		return d.clock.Now().UnixMicro()
	}
	hide := func(user string, hide bool, want chat.Code) {
		d.t.Helper()
		_, err := d.Accounts.ChangeAccount(as(user), chat.AccountChange{User: "bob", HideLastSeen: &hide})
		d.code(err, want, "ChangeAccount(bob) of %s", user)
	}
	sees(as("ann"), 0, false, "ann, before bob came")
	first := report()
	sees(as("ann"), first, false, "ann")
	d.clock.Add(2 * time.Minute)
	second := report()
	sees(as("ann"), second, false, "ann, two minutes later")
	hide("ann", true, chat.PermissionDenied)
	hide("bob", true, "")
	sees(as("ann"), 0, false, "ann, when it is hidden")
	sees(as("bob"), second, true, "bob, when it is hidden")
	sees(asService(), second, true, "a service, when it is hidden")
	known, err := d.Accounts.Known(as("ann"), []string{"bob"})
	if err != nil || len(known) != 1 || known[0].LastSeen != 0 || known[0].HidesLastSeen {
		d.t.Errorf("Known(bob) = %+v, %v; want nothing of when bob was seen", known, err)
	}
	hide("bob", false, "")
	sees(as("ann"), second, false, "ann, when it is shown again")
	_, err = d.Accounts.ChangeAccount(as("bob"), chat.AccountChange{})
	if d.code(err, chat.InvalidArgument, "ChangeAccount() of nothing"); d.Deletion == nil {
		return
	}
	d.deleted("bob", false)
	hidden := true
	_, err = d.Accounts.ChangeAccount(asService(), chat.AccountChange{User: "bob", HideLastSeen: &hidden})
	d.code(err, chat.NotFound, "ChangeAccount() of a deleted user")
}

func testPresence(d *domain) {
	gateway := asService()
	report := func(gate string, readers ...string) {
		d.t.Helper()
		if err := d.Watches.ReportPresence(gateway, gate, []chat.Attendance{{Chat: "ann:bob", Readers: readers}}); err != nil {
			d.t.Errorf("ReportPresence(%s, %v) = %v", gate, readers, err)
		}
	}
	w := d.watch("ann:bob")
	for _, c := range []struct {
		gate    string
		readers []string
		want    string
		changes bool
	}{
		{"one", []string{"bob", "ann/phone"}, "ann/phone, bob", true},
		{"two", []string{"bob"}, "ann/phone, bob", false},
		{"one", []string{"ann"}, "ann, bob", true},
		{"two", nil, "ann", true},
		{"one", nil, "", true},
	} {
		report(c.gate, c.readers...)
		if c.changes {
			w.until(fmt.Sprint("the change to ", c.want), func(e chat.Event) bool { return e.Kind == chat.PresenceChanged })
		}
		present, err := d.Live.Present(as("ann"), "bob:ann")
		d.code(err, "", "Present()")
		d.same(present, c.want, "Present() after %v by gateway %s", c.readers, c.gate)
	}
	_, err := d.Live.Present(as("eve"), "ann:bob")
	d.code(err, chat.PermissionDenied, "Present(ann:bob) by eve")
	for _, wrong := range []chat.Attendance{{Chat: "ann:bob", Readers: []string{"eve"}}, {Chat: "a b"}, {Chat: "ann:bob", Readers: make([]string, chat.MaxReadersAttending+1)}} {
		err := d.Watches.ReportPresence(gateway, "one", []chat.Attendance{wrong})
		d.code(err, chat.InvalidArgument, "ReportPresence(%s, %d readers)", wrong.Chat, len(wrong.Readers))
	}
}

func testHints(d *domain) {
	before := d.send("bob", "ann:bob", "before")
	w := &watching{d: d, watch: d.Watches.Watch()}
	d.t.Cleanup(w.watch.Close)
	pair, other := idOf(d, "ann:bob"), idOf(d, "ann:cid")
	w.watch.Add(pair, other)
	w.until("the confirmation", func(e chat.Event) bool { return e.Kind == chat.Hint && e.Chat == pair && e.Position == before })
	w.until("the confirmation of a chat without messages", func(e chat.Event) bool { return e.Kind == chat.Hint && e.Chat == other && e.Position == 0 })
	for _, name := range []string{"ann:bob", "bob:dan", "ann:cid"} {
		at := d.send(strings.Split(name, ":")[0], name, "after")
		if name == "bob:dan" {
			continue // which is not watched
		}
		hint := w.until("the hint", func(e chat.Event) bool { return e.Kind == chat.Hint && e.Position > before })
		if hint.Chat != idOf(d, name) || hint.Position != at {
			d.t.Errorf("Next() = %+v, want a hint at %d in %s", hint, at, name)
		}
	}
}

func testNews(d *domain) {
	end := d.send("bob", "ann:bob", "1") + 1
	w := d.watch("ann:bob")
	if err := d.Live.Signal(as("bob"), chat.Signal{Chat: "bob:ann", Sender: "bob", Type: "typing", Data: "\u2028ü"}); err != nil {
		d.t.Errorf("Signal() = %v", err)
	}
	signal := w.until("the signal", func(e chat.Event) bool { return e.Kind == chat.Signalled })
	if *signal.Signal != (chat.Signal{Chat: "bob:ann", Sender: "bob", Type: "typing", Data: "\u2028ü"}) {
		d.t.Errorf("Next() = %+v, want the signal as it was sent", *signal.Signal)
	}
	d.read("ann/phone", "ann:bob", end, false, end)
	d.read("ann/phone", "ann:bob", 1, false, end) // which moves nothing
	d.read("ann", "ann:bob", 3, false, 3)
	for _, want := range []chat.Reading{{Reader: "ann/phone", Cursor: end}, {Reader: "ann", Cursor: 3}} {
		moved := w.until("the movement", func(e chat.Event) bool { return e.Kind == chat.Moved })
		if *moved.Reading != want || moved.Chat != idOf(d, "ann:bob") {
			d.t.Errorf("Next() = %+v, want %+v", *moved.Reading, want)
		}
	}
}

func testOwnNews(d *domain) {
	d.register("ann", "bob")
	w := d.watch("ann:ann")
	listed := func(e chat.Event) bool { return e.Kind == chat.Listed }
	d.send("bob", "ann:bob", "1")
	w.until("the event of a new chat", listed)
	d.create("bob", "club", chat.Private, "ann")
	w.until("the event of a new room", listed)
	d.change("ann", "club", chat.LeaveRoom, "")
	w.until("the event of a room less", listed)
	if err := d.Inboxes.Ignore(as("ann"), chat.IgnoreRequest{User: "ann", Other: "bob", Ignore: true}); err != nil {
		d.t.Errorf("Ignore() = %v", err)
	}
	w.until("the event of the ignored users", func(e chat.Event) bool { return e.Kind == chat.IgnoredChanged })
}

func testMemberNews(d *domain) {
	d.register("ann", "bob", "cid")
	d.create("ann", "club", chat.Public, "bob", "cid")
	w := d.watch("club")
	changed := func(e chat.Event) bool { return e.Kind == chat.MembersChanged }
	d.change("ann", "club", chat.RemoveMembers, "", "bob")
	if e := w.until("the removal", changed); !slices.Equal(e.Users, []string{"bob"}) || e.Deleted {
		d.t.Errorf("Next() = %+v, want that bob may have lost access", e)
	}
	d.change("ann", "club", chat.CloseRoom, "")
	if e := w.until("the closing", changed); len(e.Users) != 0 || e.Deleted {
		d.t.Errorf("Next() = %+v, want that any user may have lost access", e)
	}
	d.change("ann", "club", chat.DeleteRoom, "")
	if e := w.until("the deletion", changed); len(e.Users) != 0 || !e.Deleted {
		d.t.Errorf("Next() = %+v, want that the room was deleted", e)
	}
}

func testWatchEnds(d *domain) {
	w := d.watch("ann:bob")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.watch.Next(ctx); err == nil {
		d.t.Error("Next() with a context that has ended = nil, want an error")
	}
	w.watch.Close()
	ctx, cancel = context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, err := w.watch.Next(ctx); err != nil {
			if ctx.Err() != nil {
				d.t.Error("Next() of a watch that was closed waits")
			}
			return
		}
	}
}
