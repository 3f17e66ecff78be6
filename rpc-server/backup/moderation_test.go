package backup

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
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
