package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var restraintTests = []domainTest{
	{"a ban", nil, testBan},
	{"a ban until a time", nil, testBanEnds},
	{"who may ban", nil, testWhoBans},
	{"the stream of a banned user", func(d Domain) bool { return d.Watches != nil }, testBannedWatch},
	{"a mute", nil, testMute},
	{"slow mode", nil, testSlowMode},
	{"a room for announcements", nil, testAnnounce},
	{"all rules at once", nil, testRulesTogether},
	{"pinned messages", nil, testPins},
	{"pins of removed messages", nil, testRemovedPins},
	{"the audit log of rooms", moderates, testRoomAudit},
}

// tryChange changes a room as a user, or as a service for "".
func (d *domain) tryChange(user string, r chat.RoomChange) (chat.Room, error) {
	d.clock.Add(time.Microsecond)
	if user == "" {
		return d.Rooms.ChangeRoom(asService(), r)
	}
	return d.Rooms.ChangeRoom(as(user), r)
}

// changed is tryChange that must succeed.
func (d *domain) changed(user string, r chat.RoomChange) chat.Room {
	d.t.Helper()
	room, err := d.tryChange(user, r)
	if err != nil {
		d.t.Fatalf("ChangeRoom(%s) by %q = %v", r.Kind, user, err)
	}
	return room
}

// says sends a message and checks the code of the answer.
func (d *domain) says(user, room, text string, want chat.Code) error {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	_, err := d.Messages.Send(as(user), chat.Message{Chat: room, Sender: user, Text: text})
	d.code(err, want, "Send(%q) by %s to %s", text, user, room)
	return err
}

// restrained returns the users with a restraint of a kind.
func (d *domain) restrained(room string, kind chat.RestraintKind) (users []string) {
	d.t.Helper()
	page, err := d.Rooms.Restraints(asService(), chat.RestraintsRequest{Room: room, Kind: kind})
	if err != nil {
		d.t.Fatalf("Restraints(%s) = %v", kind, err)
	}
	for _, r := range page.Restraints {
		users = append(users, r.User)
	}
	return users
}

func ban(user string, until int64) chat.RoomChange {
	return chat.RoomChange{Room: "club", Kind: chat.BanUser, Users: []string{user}, Until: until, Reason: "spam"}
}

func testBan(d *domain) {
	d.register("ann", "bob", "eve", "zed")
	for _, visibility := range []chat.Visibility{chat.Public, chat.Private} {
		room := "club-" + string(visibility)
		of := func(kind chat.ChangeKind, users ...string) chat.RoomChange {
			return chat.RoomChange{Room: room, Kind: kind, Users: users}
		}
		d.create("ann", room, visibility, "bob", "eve")
		d.send("eve", room, "before")
		for range 2 { // the second changes nothing
			if r := d.changed("ann", of(chat.BanUser, "eve")); r.Count != 2 {
				d.t.Errorf("a %s room with a ban has %d members, want 2", visibility, r.Count)
			}
		}
		d.changed("", of(chat.BanUser, "zed"))
		for _, user := range []string{"eve", "zed"} {
			err := d.says(user, room, "still here", chat.PermissionDenied)
			if visibility == chat.Public && !strings.Contains(fmt.Sprint(err), "banned") {
				d.t.Errorf("a banned user is told %v", err)
			}
			_, err = d.Messages.Pull(as(user), chat.PullRequest{Chat: room})
			d.code(err, chat.PermissionDenied, "Pull() by the banned %s", user)
			_, err = d.Rooms.Room(as(user), chat.RoomRequest{Room: room})
			d.code(err, chat.PermissionDenied, "Room() by the banned %s", user)
			if d.Admission != nil {
				d.code(d.Admission.Enter(as(user), []string{room}), chat.PermissionDenied, "Enter() by the banned %s", user)
			}
			_, err = d.tryChange(user, of(chat.JoinRoom))
			d.code(err, chat.PermissionDenied, "ChangeRoom(join) by the banned %s", user)
			_, err = d.tryChange("ann", of(chat.AddMembers, user))
			d.code(err, chat.PermissionDenied, "ChangeRoom(add) of the banned %s", user)
		}
		d.says("bob", room, "quiet at last", "")
		r, err := d.Rooms.Room(as("bob"), chat.RoomRequest{Room: room})
		if err != nil || r.Count != 2 || len(r.Members) != 2 {
			d.t.Errorf("Room() = %+v, %v; want two members", r, err)
		}
		d.same(d.restrained(room, chat.Ban), "eve, zed", "the bans")
		d.same(d.restrained(room, chat.Mute), "", "the mutes")
		for range 2 {
			d.changed("ann", of(chat.UnbanUser, "eve"))
		}
		d.changed("ann", of(chat.AddMembers, "eve"))
		d.says("eve", room, "back", "")
		d.same(d.restrained(room, chat.Ban), "zed", "the bans after one was lifted")
		d.same(d.texts(room), "ann made this room with bob, eve, before, ann banned eve, service:backend banned zed, quiet at last, "+
			"ann lifted the ban of eve, ann added eve, back", "the log")
	}
}

func testBanEnds(d *domain) {
	d.register("ann", "eve")
	d.create("ann", "club", chat.Public, "eve")
	until := d.clock.Now().Add(time.Hour).UnixMicro()
	d.changed("ann", ban("eve", until))
	for _, m := range d.pull("club", 1) {
		if m.Notice != nil && m.Notice.Event == chat.UserBanned && (m.Notice.Name != "" || m.Text != "ann banned eve until "+chat.FormatUntil(until)) {
			d.t.Errorf("the notice of a ban is %q with the name %q, which clients take for the room's", m.Text, m.Notice.Name)
		}
	}
	page, err := d.Rooms.Restraints(as("ann"), chat.RestraintsRequest{Room: "club", Kind: chat.Ban})
	if err != nil || len(page.Restraints) != 1 {
		d.t.Fatalf("Restraints() = %+v, %v; want one", page, err)
	}
	got := page.Restraints[0]
	if want := (chat.Restraint{Kind: chat.Ban, User: "eve", Until: until, Since: got.Since, By: "ann", Reason: "spam"}); got != want || got.Since <= 0 {
		d.t.Errorf("Restraints() = %+v, want %+v", got, want)
	}
	if err := d.says("eve", "club", "hello", chat.PermissionDenied); !strings.Contains(fmt.Sprint(err), chat.FormatUntil(until)) {
		d.t.Errorf("a banned user is told %v, want the end", err)
	}
	d.clock.Add(time.Hour + time.Minute)
	d.says("eve", "club", "hello", "")
	d.changed("eve", chat.RoomChange{Room: "club", Kind: chat.JoinRoom})
	d.same(d.restrained("club", chat.Ban), "", "the bans after their end")
}

func testWhoBans(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob")
	for _, kind := range []chat.ChangeKind{chat.BanUser, chat.UnbanUser, chat.MuteMember, chat.UnmuteMember} {
		r := chat.RoomChange{Room: "club", Kind: kind, Users: []string{"eve"}}
		_, err := d.tryChange("bob", r)
		d.code(err, chat.PermissionDenied, "ChangeRoom(%s) by a plain member", kind)
		_, err = d.tryChange("eve", r)
		d.code(err, chat.PermissionDenied, "ChangeRoom(%s) by a stranger", kind)
		if r.Until = -1; kind == chat.BanUser || kind == chat.MuteMember {
			_, err = d.tryChange("ann", r)
			d.code(err, chat.InvalidArgument, "ChangeRoom(%s) until -1", kind)
		}
		r.Until, r.Reason = 0, strings.Repeat("x", chat.MaxReasonBytes+1)
		_, err = d.tryChange("ann", r)
		d.code(err, chat.InvalidArgument, "ChangeRoom(%s) with a long reason", kind)
	}
	_, err := d.tryChange("ann", ban("ann", 0))
	d.code(err, chat.InvalidArgument, "a ban of oneself")
	_, err = d.Rooms.Restraints(as("bob"), chat.RestraintsRequest{Room: "club", Kind: chat.Ban})
	d.code(err, chat.PermissionDenied, "Restraints() by a plain member")
	d.changed("", chat.RoomChange{Room: "club", Kind: chat.BanUser, Users: []string{"ann"}})
	r, err := d.Rooms.Room(as("bob"), chat.RoomRequest{Room: "club"})
	if err != nil || r.Role != chat.Admin || r.Count != 1 {
		d.t.Errorf("Room() after a ban of the admin = %+v, %v; want bob as admin", r, err)
	}
}

// testBannedWatch: the event of a ban names its user, so that gateways end the user's streams, of a public room too.
func testBannedWatch(d *domain) {
	d.register("ann", "eve")
	d.create("ann", "club", chat.Public)
	w := d.watch("club")
	d.changed("ann", ban("eve", 0))
	w.until("the event of a ban", func(e chat.Event) bool {
		return e.Kind == chat.MembersChanged && slices.Equal(e.Users, []string{"eve"})
	})
}

func testMute(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob", "eve")
	own := d.send("eve", "club", "mine")
	other := d.send("bob", "club", "yours")
	until := d.clock.Now().Add(time.Hour).UnixMicro()
	mute := chat.RoomChange{Room: "club", Kind: chat.MuteMember, Users: []string{"eve"}, Until: until}
	for range 2 {
		d.changed("ann", mute)
	}
	_, err := d.tryChange("ann", chat.RoomChange{Room: "club", Kind: chat.MuteMember, Users: []string{"ann"}})
	d.code(err, chat.Conflict, "a mute of an admin")
	if err := d.says("eve", "club", "hello", chat.PermissionDenied); !strings.Contains(fmt.Sprint(err), "muted") || !strings.Contains(fmt.Sprint(err), chat.FormatUntil(until)) {
		d.t.Errorf("a muted member is told %v, want the end", err)
	}
	if _, err := d.Messages.Pull(as("eve"), chat.PullRequest{Chat: "club"}); err != nil {
		d.t.Errorf("Pull() by a muted member = %v", err)
	}
	if d.Changes != nil {
		for _, c := range []chat.Change{
			{Ref: own, Kind: chat.MessageEdited, Text: "better"}, {Ref: other, Kind: chat.MessageReacted, Emoji: "👍"},
		} {
			c.Chat, c.Sender = "club", "eve"
			_, err := d.Changes.Change(as("eve"), c)
			d.code(err, chat.PermissionDenied, "Change(%s) by a muted member", c.Kind)
		}
		_, err := d.Changes.Change(as("eve"), chat.Change{Chat: "club", Sender: "eve", Ref: own, Kind: chat.MessageDeleted})
		d.code(err, "", "the deletion of the own message by a muted member")
	}
	d.says("bob", "club", "finally", "")
	d.changed("eve", chat.RoomChange{Room: "club", Kind: chat.LeaveRoom})
	d.says("eve", "club", "from outside", chat.PermissionDenied)
	d.changed("eve", chat.RoomChange{Room: "club", Kind: chat.JoinRoom})
	d.says("eve", "club", "rejoined", chat.PermissionDenied)
	d.same(d.restrained("club", chat.Mute), "eve", "the mutes")
	d.clock.Add(time.Hour + time.Minute)
	d.says("eve", "club", "hello again", "")
	mute.Until = 0
	d.changed("ann", mute)
	d.says("eve", "club", "hello", chat.PermissionDenied)
	d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.UnmuteMember, Users: []string{"eve"}})
	d.says("eve", "club", "free", "")
}

func testSlowMode(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob")
	slow := func(pause time.Duration) chat.RoomChange {
		return chat.RoomChange{Room: "club", Kind: chat.SlowRoom, SlowMode: pause}
	}
	for _, pause := range []time.Duration{-time.Second, time.Millisecond, chat.MaxSlowMode + time.Second} {
		_, err := d.tryChange("ann", slow(pause))
		d.code(err, chat.InvalidArgument, "slow mode of %v", pause)
	}
	_, err := d.tryChange("bob", slow(time.Minute))
	d.code(err, chat.PermissionDenied, "slow mode by a plain member")
	if r := d.changed("ann", slow(time.Minute)); r.Rules.SlowMode != time.Minute {
		d.t.Errorf("ChangeRoom(slow) = %+v, want a minute", r)
	}
	if r, err := d.Rooms.Room(as("bob"), chat.RoomRequest{Room: "club"}); err != nil || r.Rules.SlowMode != time.Minute || r.Count != 2 {
		d.t.Errorf("Room() = %+v, %v; want slow mode of a minute and two members", r, err)
	}
	first, err := d.Messages.Send(as("bob"), chat.Message{Chat: "club", Sender: "bob", Text: "one", ID: "1"})
	d.code(err, "", "Send() in slow mode")
	d.clock.Add(20 * time.Second)
	err = d.says("bob", "club", "two", chat.ResourceExhausted)
	if !strings.Contains(fmt.Sprint(err), "try again in 40s") {
		d.t.Errorf("a message that comes too soon is refused with %v, want 40 s", err)
	}
	again, err := d.Messages.Send(as("bob"), chat.Message{Chat: "club", Sender: "bob", Text: "one", ID: "1"})
	if err != nil || !again.Duplicate || again.SendTime != first.SendTime {
		d.t.Errorf("a repeated message in slow mode = %+v, %v; want the first answer", again, err)
	}
	for range 2 {
		d.says("ann", "club", "admins need not wait", "")
	}
	d.says("eve", "club", "others wait for themselves", "")
	d.says("eve", "club", "too soon", chat.ResourceExhausted)
	d.clock.Add(41 * time.Second)
	d.says("bob", "club", "three", "")
	d.changed("ann", slow(0))
	for range 2 {
		d.says("bob", "club", "fast", "")
	}
}

func testAnnounce(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob")
	at := d.send("bob", "club", "before")
	_, err := d.tryChange("bob", chat.RoomChange{Room: "club", Kind: chat.AnnounceRoom})
	d.code(err, chat.PermissionDenied, "ChangeRoom(announce) by a plain member")
	for range 2 {
		if r := d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.AnnounceRoom}); !r.Rules.Announce {
			d.t.Errorf("ChangeRoom(announce) = %+v", r)
		}
	}
	d.says("bob", "club", "no", chat.PermissionDenied)
	d.says("eve", "club", "no", chat.PermissionDenied)
	d.says("ann", "club", "news", "")
	if d.Changes != nil {
		_, err := d.Changes.Change(as("bob"), chat.Change{Chat: "club", Sender: "bob", Ref: at, Kind: chat.MessageReacted, Emoji: "👍"})
		d.code(err, "", "a reaction in a room for announcements")
	}
	_, err = d.Messages.Send(asService(), chat.Message{Chat: "club", Sender: "bob", Text: "by a service"})
	d.code(err, "", "Send() by a service")
	d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.PromoteMember, Users: []string{"bob"}})
	d.says("bob", "club", "as an admin", "")
	d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.DiscussRoom})
	d.says("eve", "club", "open again", "")
}

// testRulesTogether: one rule ends without the others.
func testRulesTogether(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob", "eve")
	change := func(kind chat.ChangeKind, users ...string) {
		d.t.Helper()
		d.changed("ann", chat.RoomChange{Room: "club", Kind: kind, Users: users, SlowMode: map[chat.ChangeKind]time.Duration{chat.SlowRoom: time.Hour}[kind]})
	}
	change(chat.MuteMember, "eve")
	change(chat.SlowRoom)
	change(chat.AnnounceRoom)
	change(chat.BanUser, "eve")
	change(chat.DiscussRoom)
	d.says("bob", "club", "one", "")
	d.says("bob", "club", "two", chat.ResourceExhausted)
	d.says("eve", "club", "banned", chat.PermissionDenied)
	change(chat.UnbanUser, "eve")
	d.says("eve", "club", "muted", chat.PermissionDenied)
	change(chat.UnmuteMember, "eve")
	d.says("eve", "club", "free", "")
	d.says("eve", "club", "but slow", chat.ResourceExhausted)
	d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.SlowRoom})
	for range 2 {
		d.says("eve", "club", "fast", "")
	}
	r, err := d.Rooms.Room(as("ann"), chat.RoomRequest{Room: "club"})
	if err != nil || r.Count != 2 || r.Rules != (chat.RoomRules{}) || len(r.Members) != 2 {
		d.t.Errorf("Room() = %+v, %v; want two members and no rules", r, err)
	}
	d.create("ann", "other", chat.Private)
	d.changed("ann", chat.RoomChange{Room: "other", Kind: chat.SlowRoom, SlowMode: time.Minute})
	d.changed("ann", chat.RoomChange{Room: "other", Kind: chat.LeaveRoom}) // the last member's departure deletes the room
	_, err = d.Rooms.Room(asService(), chat.RoomRequest{Room: "other"})
	d.code(err, chat.NotFound, "Room() of a room with rules that its last member has left")
}

func testPins(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Public, "bob")
	first, second := d.send("bob", "club", "one"), d.send("bob", "club", "two")
	pin := func(kind chat.ChangeKind, at int64) chat.RoomChange {
		return chat.RoomChange{Room: "club", Kind: kind, Ref: at}
	}
	pinned := func(want ...int64) {
		d.t.Helper()
		r, err := d.Rooms.Room(as("bob"), chat.RoomRequest{Room: "club"})
		if err != nil || !slices.Equal(r.Pins, want) {
			d.t.Errorf("Room() has the pins %v, %v; want %v", r.Pins, err, want)
		}
	}
	_, err := d.tryChange("bob", pin(chat.PinMessage, first))
	d.code(err, chat.PermissionDenied, "ChangeRoom(pin) by a plain member")
	_, err = d.tryChange("ann", pin(chat.PinMessage, second+1000))
	d.code(err, chat.NotFound, "ChangeRoom(pin) of no message")
	_, err = d.tryChange("ann", pin(chat.PinMessage, 0))
	d.code(err, chat.InvalidArgument, "ChangeRoom(pin) of 0")
	for range 2 {
		d.changed("ann", pin(chat.PinMessage, second))
	}
	if r := d.changed("ann", pin(chat.PinMessage, first)); !slices.Equal(r.Pins, []int64{second, first}) {
		d.t.Errorf("ChangeRoom(pin) = %+v, want both pins", r)
	}
	pinned(second, first)
	page, err := d.Messages.Pull(as("bob"), chat.PullRequest{Chat: "club", Reverse: true, Limit: 1})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Notice == nil {
		d.t.Fatalf("Pull() = %+v, %v; want a notice", page, err)
	}
	notice := page.Messages[0]
	if notice.Notice.Event != chat.MessagePinned || notice.Notice.Ref != first {
		d.t.Errorf("the notice is %+v, want that %d was pinned", notice.Notice, first)
	}
	_, err = d.tryChange("ann", pin(chat.PinMessage, notice.SendTime))
	d.code(err, chat.NotFound, "ChangeRoom(pin) of a notice")
	d.changed("ann", pin(chat.UnpinMessage, second))
	pinned(first)
	d.changed("ann", pin(chat.PinMessage, second))
	if d.Changes != nil {
		_, err := d.Changes.Change(as("bob"), chat.Change{Chat: "club", Sender: "bob", Ref: first, Kind: chat.MessageDeleted})
		d.code(err, "", "Change(delete)")
		pinned(second)
		_, err = d.tryChange("ann", pin(chat.PinMessage, first))
		d.code(err, chat.NotFound, "ChangeRoom(pin) of a deleted message")
	}
	for i := range chat.MaxPins {
		_, err = d.tryChange("ann", pin(chat.PinMessage, d.send("bob", "club", fmt.Sprint(i))))
		if i < chat.MaxPins-2 && err != nil {
			d.t.Fatalf("pin %d = %v", i, err)
		}
	}
	d.code(err, chat.Conflict, "one pin too many")
}

// testRemovedPins: a message that retention removed is no longer pinned, also when messages are kept longer again.
func testRemovedPins(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Public, "bob")
	retained := func(retention time.Duration) chat.Room {
		d.t.Helper()
		d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.RetainRoom, Retention: retention})
		r, err := d.Rooms.Room(as("bob"), chat.RoomRequest{Room: "club"})
		d.code(err, "", "Room()")
		return r
	}
	pin := func(text string) (chat.Room, int64) {
		d.t.Helper()
		at := d.send("bob", "club", text)
		return d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.PinMessage, Ref: at}), at
	}
	_, old := pin("old")
	d.clock.Add(2 * time.Hour)
	r, young := pin("young")
	d.pinned("club with all messages", []int64{old, young}, r)
	d.pinned("club with a retention", []int64{young}, retained(time.Hour))
	d.send("bob", "club", "another")
	d.pinned("club without a retention again", []int64{young}, retained(0))
	r, last := pin("last")
	d.pinned("club with another pin", []int64{young, last}, r)
}

func testRoomAudit(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob", "eve")
	at := d.send("eve", "club", "spam")
	d.changed("ann", ban("eve", 0))
	d.changed("", chat.RoomChange{Room: "club", Kind: chat.SlowRoom, SlowMode: time.Second})
	d.changed("ann", chat.RoomChange{Room: "club", Kind: chat.RenameRoom, Name: "not moderation"})
	if d.Changes != nil {
		for range 2 { // the second changes nothing
			_, err := d.Changes.Change(as("ann"), chat.Change{Chat: "club", Sender: "ann", Ref: at, Kind: chat.MessageDeleted})
			d.code(err, "", "Change(delete) by an admin")
		}
	}
	entries := d.audited(100)
	want := []string{"ann user delete_message eve club " + fmt.Sprint(at), "backend service slow  club 0", "ann user ban eve club 0"}
	if d.Changes == nil {
		want = want[1:]
	}
	var got []string
	for _, e := range entries {
		kind := "service"
		if e.ByUser {
			kind = "user"
		}
		got = append(got, fmt.Sprint(e.By, " ", kind, " ", e.Action, " ", e.User, " ", e.Chat, " ", e.Ref))
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("the audit log is %q, want %q", got, want)
	}
	if n := len(entries); n > 0 && entries[n-1].Reason != "spam" {
		d.t.Errorf("the entry of the ban is %+v, want its reason", entries[n-1])
	}
	if single := d.audited(1); !slices.Equal(single, entries) {
		d.t.Errorf("the audit log in pages of one is %+v, want %+v", single, entries)
	}
}
