package layout

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestModerationKeys pins the names, as TestUserKeys does.
func TestModerationKeys(t *testing.T) {
	k := NewKeys("im", DefaultPartitions, 0)
	for _, c := range []struct{ got, want, kind string }{
		{k.Suspended(), "im:{moderation}:suspended", SuspendedKey},
		{k.Audit(), "im:{moderation}:audit", AuditKey},
		{k.AuditUsers(), "im:{moderation}:audit_users", AuditUsersKey},
		{k.Reports(), "im:{moderation}:reports", ReportsKey},
		{k.ReportsOpen(), "im:{moderation}:reports_open", ReportsOpenKey},
		{k.ReportsResolved(), "im:{moderation}:reports_resolved", ReportsResolvedKey},
		{k.Reported(), "im:{moderation}:reported", ReportedKey},
		{k.Online(), "im:{moderation}:online", OnlineKey},
	} {
		if name, ours := k.Parse(c.got); c.got != c.want || !ours || name.Kind != c.kind {
			t.Errorf("the key is %s, and Parse = %+v, %v; want %s of kind %s", c.got, name, ours, c.want, c.kind)
		}
	}
}

func TestModerationRoundTrip(t *testing.T) {
	s := chat.Suspension{User: "ann", Since: 7, By: "backend", Reason: "spam \"and\" more"}
	if got, ok := ParseSuspension("ann", "7 "+FormatSuspension(s)); !ok || got != s {
		t.Errorf("ParseSuspension() = %+v, %v; want %+v", got, ok, s)
	}
	e := chat.AuditEntry{At: 7, By: "backend", Action: chat.AuditSuspend, User: "ann", Reason: "spam", RequestID: "id", ByUser: true, Chat: "club", Ref: 3}
	if got, ok := ParseAudit("0000000000000007" + FormatAudit(e)); !ok || got != e {
		t.Errorf("ParseAudit() = %+v, %v; want %+v", got, ok, e)
	}
	for _, value := range []string{"", "7", "x {}", "0 {}", "7 {"} {
		if got, ok := ParseSuspension("ann", value); ok {
			t.Errorf("ParseSuspension(%q) = %+v", value, got)
		}
	}
	for _, member := range []string{"", "0000000000000007", "0000000000000007{}", "000000000000000x" + FormatAudit(e), "0000000000000000" + FormatAudit(e)} {
		if got, ok := ParseAudit(member); ok {
			t.Errorf("ParseAudit(%q) = %+v", member, got)
		}
	}
}
