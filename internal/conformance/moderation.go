package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func moderates(d Domain) bool { return d.Moderation != nil }

var moderationTests = []domainTest{
	{"a suspension", moderates, testSuspension},
	{"the sessions of a suspended user", func(d Domain) bool { return moderates(d) && d.Sessions != nil }, testSuspendedSessions},
	{"the stream of a suspended user", func(d Domain) bool { return moderates(d) && d.Watches != nil }, testSuspendedWatch},
	{"pages of suspensions", moderates, testSuspensionPages},
	{"the audit log", moderates, testAudit},
	{"the sessions of a user", func(d Domain) bool { return moderates(d) && d.Sessions != nil }, testUserSessions},
	{"a password that a service resets", func(d Domain) bool { return moderates(d) && d.Sessions != nil }, testResetPassword},
	{"all rooms", moderates, testAllRooms},
	{"who may not moderate", moderates, testModerationRefused},
}

// suspend suspends a user for a reason.
func (d *domain) suspend(user, reason string) chat.Suspension {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	suspended, err := d.Moderation.Suspend(asService(), chat.UserAction{User: user, Reason: reason})
	if err != nil {
		d.t.Fatalf("Suspend(%s) = %v", user, err)
	}
	return suspended
}

func testSuspension(d *domain) {
	d.register("ann", "bob")
	d.send("ann", "ann:bob", "hello")
	first := d.suspend("ann", "spam")
	if first.User != "ann" || first.Reason != "spam" || first.By != "backend" || first.Since <= 0 {
		d.t.Errorf("Suspend() = %+v", first)
	}
	_, err := d.Messages.Send(as("ann"), chat.Message{Chat: "ann:bob", Sender: "ann", Text: "again"})
	d.code(err, chat.PermissionDenied, "Send() of a suspended user")
	if err == nil || !strings.Contains(err.Error(), "suspended") {
		d.t.Errorf("a suspended user is told %v", err)
	}
	_, err = d.Messages.Pull(as("ann"), chat.PullRequest{Chat: "ann:bob"})
	d.code(err, chat.PermissionDenied, "Pull() of a suspended user")
	_, err = d.Accounts.Account(as("ann"), "bob")
	d.code(err, chat.PermissionDenied, "Account() by a suspended user")
	_, err = d.Rooms.CreateRoom(as("ann"), chat.NewRoom{ID: "club"})
	d.code(err, chat.PermissionDenied, "CreateRoom() by a suspended user")
	d.send("bob", "ann:bob", "are you there?")
	_, err = d.Messages.Send(asService(), chat.Message{Chat: "ann:bob", Sender: "ann", Text: "by a service"})
	d.code(err, "", "Send() by a service for a suspended user")
	if again := d.suspend("ann", "spam"); again != first {
		d.t.Errorf("the same Suspend() = %+v, want %+v", again, first)
	}
	if other := d.suspend("ann", "more spam"); other.Reason != "more spam" || other.Since != first.Since {
		d.t.Errorf("Suspend() for another reason = %+v, want it since %d", other, first.Since)
	}
	for range 2 {
		d.code(d.Moderation.Restore(asService(), chat.UserAction{User: "ann"}), "", "Restore()")
	}
	d.send("ann", "ann:bob", "back")
	d.suspend("ann", "spam")
	_, err = d.Messages.Pull(as("ann"), chat.PullRequest{Chat: "ann:bob"})
	d.code(err, chat.PermissionDenied, "Pull() of a user who is suspended again")
}

func testSuspendedSessions(d *domain) {
	d.register("ann", "bob")
	login := func(user string) (chat.Session, error) {
		return d.Sessions.Login(context.Background(), chat.Credentials{User: user, Password: goodPassword})
	}
	anns, err := login("ann")
	d.code(err, "", "Login(ann)")
	bobs, err := login("bob")
	d.code(err, "", "Login(bob)")
	d.suspend("ann", "spam")
	_, err = login("ann")
	d.code(err, chat.PermissionDenied, "Login() of a suspended user")
	_, err = d.Sessions.Login(context.Background(), chat.Credentials{User: "ann", Password: "wrong horse"})
	d.code(err, chat.Unauthenticated, "Login() of a suspended user with a wrong password")
	d.code(d.Moderation.Restore(asService(), chat.UserAction{User: "ann"}), "", "Restore()")
	_, err = d.Sessions.Refresh(context.Background(), chat.RefreshRequest{Token: anns.RefreshToken})
	d.code(err, chat.TokenInvalid, "Refresh() of a session that began before the suspension")
	_, err = d.Sessions.Refresh(context.Background(), chat.RefreshRequest{Token: bobs.RefreshToken})
	d.code(err, "", "Refresh() of another user")
	_, err = login("ann")
	d.code(err, "", "Login() of a restored user")
}

// testSuspendedWatch: users who follow their chat with a suspended user get an event, at once and later.
func testSuspendedWatch(d *domain) {
	d.register("ann", "bob")
	early, late := d.Watches.Watch(), d.Watches.Watch()
	defer early.Close()
	defer late.Close()
	self := chat.SelfChat("ann")
	early.Add(self)
	d.suspend("ann", "spam")
	d.told(early, self)
	late.Add(self)
	d.told(late, self)
}

// told waits for the event that a user's tokens are revoked.
func (d *domain) told(w chat.Watch, self chat.ID) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		events, err := w.Next(ctx)
		if err != nil {
			d.t.Fatalf("Next() = %v, want MembersChanged of %s", err, self)
		}
		for _, e := range events {
			if e.Chat == self && e.Kind == chat.MembersChanged {
				return
			}
		}
	}
}

func testSuspensionPages(d *domain) {
	d.register("ann", "bob", "cid")
	for _, user := range []string{"cid", "ann", "bob"} {
		d.suspend(user, "of "+user)
	}
	var seen []string
	for cursor := ""; ; {
		page, err := d.Moderation.Suspensions(asService(), chat.SuspensionsRequest{Cursor: cursor, Limit: 2})
		if err != nil {
			d.t.Fatalf("Suspensions(%q) = %v", cursor, err)
		}
		for _, s := range page.Suspensions {
			seen = append(seen, s.User+" "+s.Reason)
		}
		if cursor = page.NextCursor; !page.HasMore {
			break
		}
	}
	d.same(seen, "ann of ann, bob of bob, cid of cid", "the suspended users")
	d.code(d.Moderation.Restore(asService(), chat.UserAction{User: "bob"}), "", "Restore()")
	page, err := d.Moderation.Suspensions(asService(), chat.SuspensionsRequest{Cursor: "b"})
	if err != nil || len(page.Suspensions) != 1 || page.Suspensions[0].User != "cid" || page.HasMore {
		d.t.Errorf("Suspensions(from b) = %+v, %v; want cid", page, err)
	}
	if page, err := d.Moderation.Suspensions(asService(), chat.SuspensionsRequest{Cursor: "d"}); err != nil || len(page.Suspensions) > 0 {
		d.t.Errorf("Suspensions(from d) = %+v, %v; want none", page, err)
	}
}

// audited returns the audit log from pages, the newest first.
func (d *domain) audited(limit int64) (entries []chat.AuditEntry) {
	d.t.Helper()
	for cursor := int64(0); ; {
		page, err := d.Moderation.Audit(asService(), chat.AuditRequest{Cursor: cursor, Limit: limit})
		if err != nil {
			d.t.Fatalf("Audit(%d) = %v", cursor, err)
		}
		entries = append(entries, page.Entries...)
		if cursor = page.NextCursor; !page.HasMore {
			return entries
		}
	}
}

// auditWords returns entries as words.
func auditWords(entries []chat.AuditEntry) (words []string) {
	for _, e := range entries {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.By, e.Action, e.User, e.Reason)))
	}
	return words
}

func testAudit(d *domain) {
	if entries := d.audited(0); len(entries) > 0 {
		d.t.Errorf("Audit() of nothing = %+v", entries)
	}
	d.register("ann", "bob")
	d.suspend("ann", "spam")
	d.suspend("ann", "spam") // nothing new
	d.code(d.Moderation.Restore(asService(), chat.UserAction{User: "bob", Reason: "no need"}), "", "Restore() without a suspension")
	d.suspend("bob", "more")
	d.code(d.Moderation.Restore(asService(), chat.UserAction{User: "ann", Reason: "sorry"}), "", "Restore()")
	_, err := d.Moderation.Suspend(asService(), chat.UserAction{User: "none", Reason: "spam"})
	d.code(err, chat.NotFound, "Suspend() of a user without an account")
	const want = "backend restore ann sorry, backend suspend bob more, backend suspend ann spam"
	all := d.audited(0)
	d.same(auditWords(all), want, "the audit log")
	d.same(auditWords(d.audited(1)), want, "the audit log in pages of one")
	d.same(auditWords(d.audited(3)), want, "the audit log in one page")
	for i := 1; i < len(all); i++ {
		if all[i].At >= all[i-1].At {
			d.t.Errorf("an entry at %d comes after one at %d, want the newest first", all[i].At, all[i-1].At)
		}
	}
	if _, err := d.Moderation.Audit(asService(), chat.AuditRequest{Cursor: -1}); chat.CodeOf(err) != chat.InvalidArgument {
		d.t.Errorf("Audit(before -1) = %v, want it refused", err)
	}
}

func testModerationRefused(d *domain) {
	d.register("ann", "bob")
	for name, ctx := range map[string]context.Context{"a user": as("ann"), "no one": context.Background()} {
		want := chat.PermissionDenied
		if name == "no one" {
			want = chat.Unauthenticated
		}
		_, err := d.Moderation.Suspend(ctx, chat.UserAction{User: "bob", Reason: "spam"})
		d.code(err, want, "Suspend() by %s", name)
		d.code(d.Moderation.Restore(ctx, chat.UserAction{User: "bob"}), want, "Restore() by %s", name)
		_, err = d.Moderation.Suspensions(ctx, chat.SuspensionsRequest{})
		d.code(err, want, "Suspensions() by %s", name)
		_, err = d.Moderation.UserSessions(ctx, "bob")
		d.code(err, want, "UserSessions() by %s", name)
		d.code(d.Moderation.EndSessions(ctx, chat.UserAction{User: "bob"}, ""), want, "EndSessions() by %s", name)
		d.code(d.Moderation.ResetPassword(ctx, chat.UserAction{User: "bob"}, goodPassword), want, "ResetPassword() by %s", name)
		_, err = d.Moderation.AllRooms(ctx, chat.RoomsRequest{})
		d.code(err, want, "AllRooms() by %s", name)
		_, err = d.Moderation.Audit(ctx, chat.AuditRequest{})
		d.code(err, want, "Audit() by %s", name)
	}
	for name, a := range map[string]chat.UserAction{
		"no user": {Reason: "spam"}, "a pair": {User: "a:b", Reason: "spam"}, "no reason": {User: "bob"},
		"a long reason": {User: "bob", Reason: strings.Repeat("x", chat.MaxReasonBytes+1)}, "bytes": {User: "bob", Reason: "\xff"},
	} {
		if d.Sessions == nil && (name == "no user" || name == "bytes") {
			continue // no URL or JSON can say so
		}
		_, err := d.Moderation.Suspend(asService(), a)
		d.code(err, chat.InvalidArgument, "Suspend() with %s", name)
	}
	if entries := d.audited(0); len(entries) > 0 {
		d.t.Errorf("the audit log of refused actions = %+v, want nothing", entries)
	}
}

func (d *domain) login(user, password string) chat.Session {
	d.t.Helper()
	d.clock.Add(time.Millisecond)
	s, err := d.Sessions.Login(context.Background(), chat.Credentials{User: user, Password: password})
	if err != nil {
		d.t.Fatalf("Login(%s) = %v", user, err)
	}
	return s
}

// sessions returns the ids of a user's sessions, as a service sees them.
func (d *domain) sessions(user string) (ids []string) {
	d.t.Helper()
	sessions, err := d.Moderation.UserSessions(asService(), user)
	if err != nil {
		d.t.Fatalf("UserSessions(%s) = %v", user, err)
	}
	for _, s := range sessions {
		if s.Used <= 0 || s.Expires != s.Used+AccountLimits.SessionLasts.Microseconds() {
			d.t.Errorf("UserSessions(%s) has %+v, want when it expires", user, s)
		}
		ids = append(ids, s.ID)
	}
	return ids
}

func testUserSessions(d *domain) {
	d.register("ann", "bob")
	d.same(d.sessions("ann"), "", "the sessions of a user who has never logged in")
	first, second, third, bobs := d.login("ann", goodPassword), d.login("ann", goodPassword), d.login("ann", goodPassword), d.login("bob", goodPassword)
	d.same(d.sessions("ann"), strings.Join([]string{first.ID, second.ID, third.ID}, ", "), "the sessions of ann")
	end := func(user, session string) error {
		return d.Moderation.EndSessions(asService(), chat.UserAction{User: user, Reason: "lost"}, session)
	}
	for range 2 {
		d.code(end("ann", second.ID), "", "EndSessions() of one")
	}
	d.code(end("ann", bobs.ID), "", "EndSessions() of another user's")
	d.code(end("ann", "x"), chat.InvalidArgument, "EndSessions() of what is no session")
	d.same(d.sessions("ann"), strings.Join([]string{first.ID, third.ID}, ", "), "the sessions of ann without one")
	_, err := d.Sessions.Refresh(context.Background(), chat.RefreshRequest{Token: second.RefreshToken})
	d.code(err, chat.TokenInvalid, "Refresh() of a session that a service has ended")
	for range 2 {
		d.code(end("ann", ""), "", "EndSessions() of all")
	}
	d.same(d.sessions("ann"), "", "the sessions of ann after all were ended")
	d.same(d.sessions("bob"), bobs.ID, "the sessions of bob")
	d.clock.Add(AccountLimits.SessionLasts)
	d.same(d.sessions("bob"), "", "the sessions that have expired")
	d.same(auditWords(d.audited(0)), "backend end_sessions ann lost, backend end_session ann lost", "the audit log")
}

func testResetPassword(d *domain) {
	d.register("ann")
	_, err := d.Accounts.Register(context.Background(), chat.Registration{User: "eve", External: true})
	d.code(err, "", "Register() of a provider's user")
	old := d.login("ann", goodPassword)
	reset := func(user, password string) error {
		return d.Moderation.ResetPassword(asService(), chat.UserAction{User: user, Reason: "forgotten"}, password)
	}
	d.code(reset("ann", "short"), chat.InvalidArgument, "ResetPassword() to a short one")
	d.code(reset("none", "staple staple"), chat.NotFound, "ResetPassword() of a user without an account")
	d.code(reset("eve", "staple staple"), chat.Conflict, "ResetPassword() of a provider's user")
	d.code(reset("ann", "staple staple"), "", "ResetPassword()")
	_, err = d.Sessions.Refresh(context.Background(), chat.RefreshRequest{Token: old.RefreshToken})
	d.code(err, chat.TokenInvalid, "Refresh() of a session that began with the old password")
	_, err = d.Sessions.Login(context.Background(), chat.Credentials{User: "ann", Password: goodPassword})
	d.code(err, chat.Unauthenticated, "Login() with the old password")
	d.login("ann", "staple staple")
	d.same(auditWords(d.audited(0)), "backend reset_password ann forgotten", "the audit log")
}

// testAllRooms: pages of any size have each room, and no chat of two users and no deleted room.
func testAllRooms(d *domain) {
	d.register("ann", "bob")
	d.send("ann", "ann:bob", "no room")
	for _, room := range []string{"attic", "bar", "cellar", "den", "eave", "gone"} {
		d.create("ann", room, map[bool]chat.Visibility{true: chat.Public, false: chat.Private}[room == "bar"])
	}
	_, err := d.Rooms.ChangeRoom(as("ann"), chat.RoomChange{Room: "gone", Kind: chat.DeleteRoom})
	d.code(err, "", "DeleteRoom")
	for _, limit := range []int64{0, 1, 2, 1000} {
		seen := map[string]int{}
		for cursor := ""; ; {
			page, err := d.Moderation.AllRooms(asService(), chat.RoomsRequest{Cursor: cursor, Limit: limit})
			if err != nil || limit > 0 && int64(len(page.Rooms)) > limit {
				d.t.Fatalf("AllRooms(%q, %d) = %+v, %v", cursor, limit, page, err)
			}
			for _, room := range page.Rooms {
				seen[room.ID]++
				if room.Count != 1 || (room.Visibility == chat.Public) != (room.ID == "bar") {
					d.t.Errorf("AllRooms() has %+v", room)
				}
			}
			if cursor = page.NextCursor; !page.HasMore {
				break
			}
		}
		if got := fmt.Sprint(seen); got != "map[attic:1 bar:1 cellar:1 den:1 eave:1]" {
			d.t.Errorf("the pages of %d have %s", limit, got)
		}
	}
}
