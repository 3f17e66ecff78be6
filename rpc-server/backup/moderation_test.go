package backup

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

func (p *place) suspend(user, reason string) chat.Suspension {
	p.t.Helper()
	s := chat.Suspension{User: user, Reason: reason, By: "backend"}
	entry := chat.AuditEntry{By: s.By, Action: chat.AuditSuspend, User: user, Reason: reason}
	var err error
	if s.Since, err = p.store.PutSuspension(context.Background(), s, entry); err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *place) audited() []chat.AuditEntry {
	p.t.Helper()
	entries, err := p.store.ReadAudit(context.Background(), 0, 100)
	if err != nil {
		p.t.Fatal(err)
	}
	return entries
}

// TestModerationIsImported: suspensions that are not there, and the entries of both audit logs. Running servers see it.
func TestModerationIsImported(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from, to := newPlace(t, url, "from"), newPlace(t, url, "to")
	ann := from.suspend("ann", "spam")
	from.suspend("bob", "theirs")
	bob := to.suspend("bob", "ours")
	want := append(from.audited(), to.audited()...)
	for range 2 {
		to.imports(from.exports())
	}
	stored, err := to.store.ReadSuspensions(context.Background())
	if err != nil || len(stored) != 2 || !slices.Contains(stored, ann) || !slices.Contains(stored, bob) {
		t.Errorf("the suspensions are %+v, %v; want %+v and %+v", stored, err, ann, bob)
	}
	got := to.audited()
	if len(got) != len(want) {
		t.Errorf("the audit log is %+v, want %+v", got, want)
	}
	for _, e := range want {
		if !slices.Contains(got, e) {
			t.Errorf("the audit log has no %+v", e)
		}
	}
	if err := to.store.ReadRevoked().Step(context.Background()); err != nil || to.store.Revoked("ann") != chat.UserSuspended {
		t.Errorf("a running server takes ann for %v, %v", to.store.Revoked("ann"), err)
	}
	for _, bad := range []string{
		`{"kind":"suspended","user":"a:b","stored":"1 {}"}`, `{"kind":"suspended","user":"ann","stored":"x"}`, `{"kind":"audit","stored":"x"}`,
	} {
		if err := to.importer(ImportOptions{}).Run(context.Background(), strings.NewReader(file(bad))); err == nil {
			t.Errorf("%s is imported", bad)
		}
	}
}

// TestRestraintsAreImported: a restored room has its bans, mutes, rules and pins, and the audit log of its admins.
func TestRestraintsAreImported(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from, to := newPlace(t, url, "from"), newPlace(t, url, "to")
	ctx := chat.WithCaller(context.Background(), chat.Caller{User: "ann"})
	rooms := chattest.Rooms(from.store, chat.Access{Required: true, Rooms: from.store}, chat.RoomOptions{DefaultLimit: 9, MaxLimit: 9, MaxMembers: 9, Auditor: from.store})
	if _, err := rooms.CreateRoom(ctx, chat.NewRoom{ID: "club", Visibility: chat.Public, Users: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	sent := from.store.Append(ctx, []chat.Append{{Chat: chattest.ID(t, "club"), Message: chat.Message{Sender: "bob", Text: "pin me"}}})
	for _, r := range []chat.RoomChange{
		{Kind: chat.BanUser, Users: []string{"eve"}, Reason: "spam"},
		{Kind: chat.MuteMember, Users: []string{"bob"}},
		{Kind: chat.SlowRoom, SlowMode: time.Minute},
		{Kind: chat.AnnounceRoom},
		{Kind: chat.PinMessage, Ref: sent[0].SendTime},
	} {
		r.Room = "club"
		if _, err := rooms.ChangeRoom(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	read := func(p *place) (chat.StoredRoom, []chat.Restraint) {
		t.Helper()
		stored, err := p.store.ReadRooms(ctx, []chat.RoomQuery{{Room: chattest.ID(t, "club"), All: true}})
		if err != nil {
			t.Fatal(err)
		}
		restraints, err := p.store.ReadRestraints(ctx, chattest.ID(t, "club"))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(restraints, func(a, b chat.Restraint) int { return strings.Compare(a.User, b.User) })
		return stored[0], restraints
	}
	to.imports(from.exports())
	wantRoom, wantRestraints := read(from)
	gotRoom, gotRestraints := read(to)
	if !reflect.DeepEqual(gotRoom, wantRoom) || len(wantRoom.Pins) != 1 || wantRoom.Rules.SlowMode != time.Minute {
		t.Errorf("the room is %+v, want %+v", gotRoom, wantRoom)
	}
	if !slices.Equal(gotRestraints, wantRestraints) || len(wantRestraints) != 2 {
		t.Errorf("the bans and mutes are %+v, want %+v", gotRestraints, wantRestraints)
	}
	if got, want := to.audited(), from.audited(); !slices.Equal(got, want) || len(want) != 4 {
		t.Errorf("the audit log is %+v, want %+v", got, want)
	}
}

// TestReportsAreImported: open and resolved ones, once.
func TestReportsAreImported(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from, to := newPlace(t, url, "from"), newPlace(t, url, "to")
	ctx := context.Background()
	for _, user := range []string{"bob", "eve"} {
		r := chat.Report{Chat: "club", User: user, By: "ann", Reason: "spam", Text: "buy", State: chat.ReportOpen}
		at, _, err := from.store.PutReport(ctx, r, 10)
		if err != nil {
			t.Fatal(err)
		}
		if r.ID = at; user == "eve" {
			r.State, r.Text, r.ResolvedBy = chat.ReportResolved, "", "backend"
			if _, err := from.store.ResolveReport(ctx, r, chat.AuditEntry{By: "backend", Action: chat.AuditResolveReport}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		to.imports(from.exports())
	}
	for _, state := range []chat.ReportState{chat.ReportOpen, chat.ReportResolved} {
		want, err := from.store.ReadReports(ctx, state, 0, 10)
		got, failed := to.store.ReadReports(ctx, state, 0, 10)
		if err != nil || failed != nil || len(want) != 1 || !slices.Equal(got, want) {
			t.Errorf("the %s reports are %+v, %v; want %+v, %v", state, got, failed, want, err)
		}
	}
}
