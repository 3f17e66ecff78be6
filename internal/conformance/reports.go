package conformance

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

var reportTests = []domainTest{
	{"a report", moderates, testReport},
	{"reports that are refused", moderates, testReportRefused},
	{"limits of reports", moderates, testReportLimits},
	{"pages of reports", moderates, testReportPages},
	{"reports of an erased user", func(d Domain) bool { return moderates(d) && d.Deletion != nil }, testReportErased},
	{"the users who are online", func(d Domain) bool { return moderates(d) && d.Watches != nil }, testOnline},
	{"the export of a user", moderates, testExportUser},
}

// reports returns the reports in a state.
func (d *domain) reports(state chat.ReportState) []chat.Report {
	d.t.Helper()
	page, err := d.Moderation.Reports(asService(), chat.ReportsRequest{State: state})
	if err != nil {
		d.t.Fatalf("Reports(%s) = %v", state, err)
	}
	return page.Reports
}

func testReport(d *domain) {
	d.register("ann", "bob")
	at := d.send("bob", "ann:bob", "rude words")
	asked := chat.NewReport{Chat: "bob:ann", Ref: at, Reason: "rude"}
	made, err := d.Moderation.Report(as("ann"), asked)
	d.code(err, "", "Report()")
	want := chat.Report{ID: made.ID, Chat: "ann:bob", Ref: at, User: "bob", By: "ann", Reason: "rude", State: chat.ReportOpen}
	if made != want || made.ID <= 0 {
		d.t.Errorf("Report() = %+v, want %+v", made, want)
	}
	if again, err := d.Moderation.Report(as("ann"), asked); err != nil || again.ID != made.ID {
		d.t.Errorf("the same Report() = %+v, %v; want the first", again, err)
	}
	if _, err := d.Moderation.Report(as("ann"), chat.NewReport{Chat: "ann:bob", User: "bob", Reason: "in general"}); err != nil {
		d.t.Errorf("Report() of a user = %v", err)
	}
	if d.Changes != nil {
		_, err := d.Changes.Change(as("bob"), chat.Change{Chat: "ann:bob", Sender: "bob", Ref: at, Kind: chat.MessageDeleted})
		d.code(err, "", "Change(delete)")
	}
	want.Text = "rude words"
	if open := d.reports(""); len(open) != 2 || open[0] != want || open[1].User != "bob" || open[1].Ref != 0 {
		d.t.Errorf("the open reports are %+v, want %+v and another one", open, want)
	}
	d.clock.Add(time.Second)
	resolved, err := d.Moderation.ResolveReport(asService(), chat.ReportChange{ID: made.ID, State: chat.ReportResolved, Note: "warned"})
	d.code(err, "", "ResolveReport()")
	want.Text, want.State, want.Note, want.ResolvedBy, want.ResolvedAt = "", chat.ReportResolved, "warned", "backend", resolved.ResolvedAt
	if resolved != want || resolved.ResolvedAt <= made.ID {
		d.t.Errorf("ResolveReport() = %+v, want %+v", resolved, want)
	}
	if again, err := d.Moderation.ResolveReport(asService(), chat.ReportChange{ID: made.ID, State: chat.ReportResolved, Note: "other"}); err != nil || again != want {
		d.t.Errorf("the second ResolveReport() = %+v, %v; want the first", again, err)
	}
	if done := d.reports(chat.ReportResolved); len(done) != 1 || done[0] != want {
		d.t.Errorf("the resolved reports are %+v, want %+v", done, want)
	}
	entries := d.audited(10)
	if len(entries) != 1 || entries[0].Action != chat.AuditResolveReport || entries[0].User != "bob" || entries[0].Ref != at || entries[0].Reason != "warned" {
		d.t.Errorf("the audit log is %+v, want the resolved report", entries)
	}
	later, err := d.Moderation.Report(as("ann"), asked)
	if err != nil || later.ID == made.ID {
		d.t.Errorf("Report() after the first was resolved = %+v, %v; want another one", later, err)
	}
}

func testReportRefused(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "den", chat.Private, "bob")
	at := d.send("bob", "den", "secret")
	pair := d.send("bob", "ann:bob", "hello")
	for _, c := range []struct {
		what string
		user string
		r    chat.NewReport
		want chat.Code
	}{
		{"by a stranger", "eve", chat.NewReport{Chat: "den", Ref: at, Reason: "x"}, chat.PermissionDenied},
		{"in others' chat", "eve", chat.NewReport{Chat: "ann:bob", Ref: pair, Reason: "x"}, chat.PermissionDenied},
		{"as another", "ann", chat.NewReport{Chat: "den", Ref: at, Reason: "x", As: "bob"}, chat.PermissionDenied},
		{"without a reason", "ann", chat.NewReport{Chat: "den", Ref: at}, chat.InvalidArgument},
		{"with a long reason", "ann", chat.NewReport{Chat: "den", Ref: at, Reason: strings.Repeat("x", chat.MaxReasonBytes+1)}, chat.InvalidArgument},
		{"of nothing", "ann", chat.NewReport{Chat: "den", Reason: "x"}, chat.InvalidArgument},
		{"of no message", "ann", chat.NewReport{Chat: "den", Ref: at + 1000, Reason: "x"}, chat.NotFound},
		{"of another's message", "ann", chat.NewReport{Chat: "den", Ref: at, User: "eve", Reason: "x"}, chat.InvalidArgument},
		{"in no room", "ann", chat.NewReport{Chat: "nowhere", User: "bob", Reason: "x"}, chat.NotFound},
	} {
		_, err := d.Moderation.Report(as(c.user), c.r)
		d.code(err, c.want, "a report %s", c.what)
	}
	_, err := d.Moderation.Reports(as("ann"), chat.ReportsRequest{})
	d.code(err, chat.PermissionDenied, "Reports() by a user")
	_, err = d.Moderation.Reports(asService(), chat.ReportsRequest{State: "lost"})
	d.code(err, chat.InvalidArgument, "Reports(lost)")
	_, err = d.Moderation.ResolveReport(as("ann"), chat.ReportChange{ID: 5, State: chat.ReportResolved})
	d.code(err, chat.PermissionDenied, "ResolveReport() by a user")
	_, err = d.Moderation.ResolveReport(asService(), chat.ReportChange{ID: 5, State: chat.ReportResolved})
	d.code(err, chat.NotFound, "ResolveReport() of none")
}

func testReportLimits(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "den", chat.Private, "bob")
	var first int64
	report := func(as context.Context, want chat.Code, what string) {
		d.t.Helper()
		made, err := d.Moderation.Report(as, chat.NewReport{Chat: "den", Ref: d.send("ann", "den", "x"), Reason: "x", As: "bob"})
		d.code(err, want, "%s", what)
		first = cmp.Or(first, made.ID)
	}
	for range ReportLimits.PerUser.PerDay {
		report(as("bob"), "", "a report by a user")
	}
	report(as("bob"), chat.ResourceExhausted, "one report of a user too many")
	for range ReportLimits.MaxOpen - ReportLimits.PerUser.PerDay {
		report(asService(), "", "a report by a service")
	}
	report(asService(), chat.ResourceExhausted, "one open report too many")
	_, err := d.Moderation.ResolveReport(asService(), chat.ReportChange{ID: first, State: chat.ReportResolved})
	d.code(err, "", "ResolveReport()")
	report(asService(), "", "a report after another was resolved")
}

func testReportPages(d *domain) {
	d.register("ann", "bob")
	for range 5 {
		_, err := d.Moderation.Report(as("ann"), chat.NewReport{Chat: "ann:bob", Ref: d.send("bob", "ann:bob", "x"), Reason: "x"})
		d.code(err, "", "Report()")
	}
	all := d.reports(chat.ReportOpen)
	var paged []chat.Report
	for cursor := int64(0); ; {
		page, err := d.Moderation.Reports(asService(), chat.ReportsRequest{Cursor: cursor, Limit: 2})
		if err != nil || len(page.Reports) > 2 {
			d.t.Fatalf("Reports(%d) = %+v, %v", cursor, page, err)
		}
		paged = append(paged, page.Reports...)
		if cursor = page.NextCursor; !page.HasMore {
			break
		}
	}
	if !slices.Equal(paged, all) || len(all) != 5 {
		d.t.Errorf("the pages have %+v, want %+v", paged, all)
	}
}

func testReportErased(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob", "eve")
	_, err := d.Moderation.Report(as("ann"), chat.NewReport{Chat: "club", Ref: d.send("bob", "club", "by bob"), Reason: "by ann"})
	d.code(err, "", "Report()")
	_, err = d.Moderation.Report(as("bob"), chat.NewReport{Chat: "club", Ref: d.send("eve", "club", "by eve"), Reason: "by bob"})
	d.code(err, "", "Report()")
	d.deleted("bob", true)
	var left []string
	for _, r := range d.reports(chat.ReportOpen) {
		left = append(left, r.Text+"/"+r.Reason)
	}
	d.same(left, "/by ann, by eve/", "the texts and reasons of reports after the erasure")
}

func testOnline(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Public, "bob", "eve")
	err := d.Watches.ReportPresence(asService(), "g", []chat.Attendance{
		{Chat: "club", Readers: []string{"ann/phone", "ann/pad", "bob"}}, {Chat: "ann:bob", Readers: []string{"ann"}},
	})
	d.code(err, "", "ReportPresence()")
	page, err := d.Moderation.Online(asService(), chat.OnlineRequest{})
	slices.Sort(page.Users)
	d.code(err, "", "Online()")
	d.same(page.Users, "ann, bob", "the users who are online")
	_, err = d.Moderation.Online(as("ann"), chat.OnlineRequest{})
	d.code(err, chat.PermissionDenied, "Online() by a user")
	_, err = d.Moderation.Online(asService(), chat.OnlineRequest{Cursor: "x"})
	d.code(err, chat.InvalidArgument, "Online() from a wrong cursor")
}

func testExportUser(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Public, "bob")
	d.create("bob", "other", chat.Private)
	for _, room := range []string{"ann:bob", "club"} {
		d.send("ann", room, "from ann")
		d.send("bob", room, "from bob")
		d.send("ann", room, "more")
	}
	walk := func(limit int64) (texts []string) {
		d.t.Helper()
		for cursor := ""; ; {
			page, err := d.Moderation.ExportUser(asService(), chat.ExportRequest{User: "ann", Cursor: cursor, Limit: limit, Reason: "asked"})
			if err != nil {
				d.t.Fatalf("ExportUser(%q) = %v", cursor, err)
			}
			if first := cursor == ""; first != (page.Account.User == "ann") || first != (len(page.Rooms) == 1 && page.Rooms[0].ID == "club" && page.Rooms[0].Role == chat.Admin) {
				d.t.Errorf("the page from %q is %+v", cursor, page)
			}
			for _, m := range page.Messages {
				if m.Sender != "ann" || m.SendTime == 0 {
					d.t.Errorf("the export has %+v", m)
				}
				texts = append(texts, m.Chat+" "+m.Text)
			}
			if cursor = page.NextCursor; !page.HasMore {
				return texts
			}
		}
	}
	want := "ann:bob from ann, ann:bob more, club from ann, club more"
	for _, limit := range []int64{0, 1, 2, 3} {
		d.same(walk(limit), want, "the export in pages of %d", limit)
	}
	if entries := d.audited(10); len(entries) != 4 || entries[0].Action != chat.AuditExportUser || entries[0].User != "ann" || entries[0].Reason != "asked" {
		d.t.Errorf("the audit log is %+v, want an entry for each export", entries)
	}
	_, err := d.Moderation.ExportUser(as("ann"), chat.ExportRequest{User: "ann"})
	d.code(err, chat.PermissionDenied, "ExportUser() by a user")
	_, err = d.Moderation.ExportUser(asService(), chat.ExportRequest{User: "nobody"})
	d.code(err, chat.NotFound, "ExportUser() of no user")
	_, err = d.Moderation.ExportUser(asService(), chat.ExportRequest{User: "ann", Cursor: "x"})
	d.code(err, chat.InvalidArgument, "ExportUser() from a wrong cursor")
}
