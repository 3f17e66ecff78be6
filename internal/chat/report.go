package chat

import (
	"context"
	"unicode/utf8"
)

// MaxReportText is how many bytes of the message's text a report keeps; the rest is cut off.
const MaxReportText = 4096

// ReportLimits limit reports.
type ReportLimits struct {
	PerUser Bounds // of one user with a token
	MaxOpen int    // open reports of all users; 0 is DefaultMaxOpenReports
}

// DefaultMaxOpenReports is the default of ReportLimits.MaxOpen.
const DefaultMaxOpenReports = 10_000

// ReportState is the state of a report.
type ReportState string

// The states.
const (
	ReportOpen     ReportState = "open"
	ReportResolved ReportState = "resolved"
)

// Report tells services of a message or a user in a chat.
type Report struct {
	ID     int64 // when it was made, in microseconds since 1970, by the store's clock; unique
	Chat   string
	Ref    int64  // the position of the message, or 0
	User   string // the sender of the message, or the user
	By     string // the user who reports
	Reason string
	Text   string // of the message when it was reported; only while the report is open
	State  ReportState

	Note       string // of the service that resolved it
	ResolvedBy string // the service
	ResolvedAt int64  // microseconds since 1970
}

// NewReport makes a report. It names a message, a user, or both.
type NewReport struct {
	Chat   string
	Ref    int64
	User   string
	Reason string
	As     string // the user who reports: the caller, or the user that a service names
}

// ReportsRequest asks for a page of reports, the oldest first.
type ReportsRequest struct {
	State  ReportState // "" is ReportOpen
	Cursor int64       // the first report, inclusive; 0 is the beginning
	Limit  int64       // 0 is 100
}

// ReportPage answers a ReportsRequest.
type ReportPage struct {
	Reports    []Report
	HasMore    bool
	NextCursor int64 // 0 at the end
}

// ReportChange resolves a report.
type ReportChange struct {
	ID        int64
	State     ReportState // ReportResolved
	Note      string      // up to MaxReasonBytes; for the audit log too
	RequestID string
}

// ReportStore is the store of reports. It applies no rules.
type ReportStore interface {
	// PutReport adds an open report and returns its ID. While By has an open report of the same message and user, it returns
	// that one's. full reports that there are most open reports: nothing was added.
	PutReport(ctx context.Context, r Report, most int) (id int64, full bool, err error)
	// ReadReport returns a report; false if there is none.
	ReadReport(ctx context.Context, id int64) (Report, bool, error)
	// ReadReports returns up to limit reports in a state, from an ID on, the oldest first.
	ReadReports(ctx context.Context, state ReportState, from int64, limit int) ([]Report, error)
	// ResolveReport replaces an open report and adds the entry to the audit log, in one step. It returns when; 0 if the
	// report is not open any more. The oldest resolved reports go when there are more than entries of the audit log.
	ResolveReport(context.Context, Report, AuditEntry) (at int64, err error)
}

// Report implements Moderation.
func (s *ModerationService) Report(ctx context.Context, r NewReport) (Report, error) {
	by := callerOf(ctx)
	as, err := s.Access.owner("as", r.As, by)
	if err != nil {
		return Report{}, err
	}
	id, err := r.check()
	if err == nil {
		err = s.Access.enter(ctx, id, r.Chat, by)
	}
	if err != nil {
		return Report{}, err
	}
	report := Report{Chat: id.String(), Ref: r.Ref, User: r.User, By: as, Reason: r.Reason, State: ReportOpen}
	if r.Ref > 0 {
		if err := s.quote(ctx, id, &report); err != nil {
			return Report{}, err
		}
	}
	if err := s.chargeReport(ctx, as, by); err != nil {
		return Report{}, err
	}
	at, full, err := s.store.PutReport(ctx, report, s.reports.MaxOpen)
	switch {
	case err != nil:
		return Report{}, AsError(err)
	case full:
		return Report{}, Errorf(ResourceExhausted, "there are %d open reports, which is the limit; try again later", s.reports.MaxOpen)
	}
	report.ID, report.Text = at, "" // for services only
	return report, nil
}

func (r NewReport) check() (ID, error) {
	id, err := ParseID(r.Chat)
	switch {
	case err != nil:
		return id, err
	case r.Ref < 0 || r.Ref > MaxSendTime:
		return id, Errorf(InvalidArgument, "send_time is %d; give that of the message", r.Ref)
	case r.Ref == 0 && r.User == "":
		return id, Errorf(InvalidArgument, "send_time and user are missing; give one of them")
	case r.Reason == "":
		return id, Errorf(InvalidArgument, "reason is empty; the moderators need one")
	case len(r.Reason) > MaxReasonBytes || !utf8.ValidString(r.Reason):
		return id, Errorf(InvalidArgument, "reason is longer than %d bytes, or not valid UTF-8", MaxReasonBytes)
	case r.User != "":
		return id, checkName("user", r.User)
	}
	return id, nil
}

// quote fills in the sender and the text of the reported message.
func (s *ModerationService) quote(ctx context.Context, id ID, report *Report) error {
	read := s.store.Range(ctx, []Range{{Chat: id, From: report.Ref, Limit: 1}})[0]
	switch {
	case read.Err != nil:
		return AsError(read.Err)
	case len(read.Messages) == 0 || read.Messages[0].SendTime != report.Ref:
		return Errorf(NotFound, "there is no message at %d in this chat, or it has expired", report.Ref)
	}
	m := read.Messages[0]
	if m.Notice.IsChange() || report.User != "" && report.User != m.Sender {
		return Errorf(InvalidArgument, "the entry at %d is no message of %s", report.Ref, report.User)
	}
	report.User, report.Text = m.Sender, cutTo(m.Text, MaxReportText)
	return nil
}

func (s *ModerationService) chargeReport(ctx context.Context, user string, by Caller) error {
	if by.User == "" || by.Service || s.Access.Spender == nil {
		return nil
	}
	wait, err := s.Access.Spender.Spend(ctx, user, s.reports.PerUser.charges("reports", 1))
	switch {
	case err != nil:
		return AsError(err)
	case wait > 0:
		return Wrap(RetryIn(wait), ResourceExhausted, "user "+user+" reports too often; wait for Retry-After")
	}
	return nil
}

// Reports implements Moderation.
func (s *ModerationService) Reports(ctx context.Context, r ReportsRequest) (ReportPage, error) {
	_, err := s.service(ctx)
	if err == nil {
		err = checkCursor(r.Cursor)
	}
	if r.State == "" {
		r.State = ReportOpen
	}
	if err == nil && r.State != ReportOpen && r.State != ReportResolved {
		err = Errorf(InvalidArgument, "state is %q; it is open or resolved", r.State)
	}
	var limit int
	if err == nil {
		limit, err = moderationLimit(r.Limit)
	}
	if err != nil {
		return ReportPage{}, err
	}
	reports, err := s.store.ReadReports(ctx, r.State, r.Cursor, limit+1)
	if err != nil {
		return ReportPage{}, AsError(err)
	}
	page := ReportPage{Reports: reports}
	if len(reports) > limit {
		page.Reports, page.HasMore, page.NextCursor = reports[:limit], true, reports[limit].ID
	}
	return page, nil
}

// ResolveReport implements Moderation.
func (s *ModerationService) ResolveReport(ctx context.Context, c ReportChange) (Report, error) {
	by, err := s.service(ctx)
	switch {
	case err != nil:
		return Report{}, err
	case c.ID < 1 || c.ID > MaxCursor:
		return Report{}, Errorf(InvalidArgument, "report is %d; give the id of a report", c.ID)
	case c.State != ReportResolved:
		return Report{}, Errorf(InvalidArgument, "state is %q; it can become resolved", c.State)
	case len(c.Note) > MaxReasonBytes || !utf8.ValidString(c.Note):
		return Report{}, Errorf(InvalidArgument, "note is longer than %d bytes, or not valid UTF-8", MaxReasonBytes)
	}
	for range changeAttempts {
		report, known, err := s.store.ReadReport(ctx, c.ID)
		switch {
		case err != nil:
			return Report{}, AsError(err)
		case !known:
			return Report{}, Errorf(NotFound, "there is no report %d", c.ID)
		case report.State == ReportResolved:
			return report, nil
		}
		report.State, report.Text, report.Note, report.ResolvedBy = ReportResolved, "", c.Note, by
		entry := AuditEntry{
			By: by, Action: AuditResolveReport, User: report.User, Reason: c.Note, RequestID: cutTo(c.RequestID, MaxServiceBytes),
			Chat: report.Chat, Ref: report.Ref,
		}
		if report.ResolvedAt, err = s.store.ResolveReport(ctx, report, entry); err != nil {
			return Report{}, AsError(err)
		}
		if report.ResolvedAt > 0 {
			return report, nil
		}
	}
	return Report{}, Errorf(Unavailable, "report %d is being changed by another request; try again", c.ID)
}

// ForgetIn erases a user's text from a report, and reports whether it changed.
func ForgetIn(r *Report, user string) bool {
	changed := false
	if r.User == user && r.Text != "" {
		r.Text, changed = "", true
	}
	if r.By == user && r.Reason != "" {
		r.Reason, changed = "", true
	}
	return changed
}
