package chat

import "context"

// Limits of moderation.
const (
	MaxReasonBytes    = 512
	MaxServiceBytes   = 256  // of a service's name in the audit log; the rest is cut off
	MaxModerationPage = 1000 // entries of one answer
)

// Moderation has the actions of services on users, and their audit log. ModerationService implements it, and the RPC
// client does over the network. It is for services only, with AUTH=on: all other callers get PermissionDenied or
// Unauthenticated.
type Moderation interface {
	// Suspend suspends a user until Restore: the user's sessions and streams end, and logins and requests are refused. It
	// is idempotent; another Reason replaces the former. The error is NotFound for a user without an account.
	Suspend(context.Context, UserAction) (Suspension, error)
	// Restore ends a suspension. It succeeds if the user is not suspended.
	Restore(context.Context, UserAction) error
	// Suspensions returns a page of the suspended users, sorted by the bytes of their ids.
	Suspensions(context.Context, SuspensionsRequest) (SuspensionPage, error)
	// UserSessions returns the sessions of a user, the least recently used first.
	UserSessions(ctx context.Context, user string) ([]UserSession, error)
	// EndSessions ends a session of a user, or all for "". It succeeds if there is none. Access tokens of a session are valid
	// until they expire.
	EndSessions(ctx context.Context, a UserAction, session string) error
	// ResetPassword replaces the password of a user and ends all sessions of the user. The error is NotFound for a user
	// without an account. It is Conflict for a user of an identity provider: such an account has no password.
	ResetPassword(ctx context.Context, a UserAction, password string) error
	// AllRooms returns a page of all rooms, public and private, in any order. A page may have fewer rooms than the limit
	// although there are more. A room may be on two pages if it gets a message meanwhile. As is not used.
	AllRooms(context.Context, RoomsRequest) (RoomPage, error)
	// Report makes a report of a message or a user. Any caller who may read the chat may make one. A repeated one of the same
	// message and user, while the first is open, answers the first. ResourceExhausted: the user reports too often.
	Report(context.Context, NewReport) (Report, error)
	// Reports returns a page of reports, the oldest first.
	Reports(context.Context, ReportsRequest) (ReportPage, error)
	// ResolveReport resolves a report, which loses its copy of the text. It succeeds if the report is resolved already.
	ResolveReport(context.Context, ReportChange) (Report, error)
	// Online returns a page of the users who had a live connection within AttendanceLapses, in any order. A page may have
	// more or fewer users than the limit. A user who is online throughout is on one page at least.
	Online(context.Context, OnlineRequest) (OnlinePage, error)
	// ExportUser returns a page of a user's data. The error is NotFound for a user without an account.
	ExportUser(context.Context, ExportRequest) (UserExport, error)
	// Audit returns a page of the audit log, the newest entry first.
	Audit(context.Context, AuditRequest) (AuditPage, error)
}

// UserAction names the user that a service acts on.
type UserAction struct {
	User      string
	Reason    string // up to MaxReasonBytes of UTF-8, for the audit log; the user does not see it
	RequestID string // for the audit log
}

// Suspension is the state of a suspended user.
type Suspension struct {
	User   string
	Reason string
	By     string // the service
	Since  int64  // microseconds since 1970, by the store's clock
}

// SuspensionsRequest asks for a page of the suspended users.
type SuspensionsRequest struct {
	Cursor string // the first user, inclusive, suspended or not; "" is the beginning
	Limit  int64  // 0 is 100
}

// SuspensionPage answers a SuspensionsRequest.
type SuspensionPage struct {
	Suspensions []Suspension
	HasMore     bool
	NextCursor  string // "" at the end
}

// UserSession is a session of a user, as a service sees it.
type UserSession struct {
	ID      string // the Session's ID
	Used    int64  // the last login or refresh, in microseconds since 1970
	Expires int64  // the same
}

// AuditAction is the kind of an action in the audit log.
type AuditAction string

// The actions.
const (
	AuditSuspend AuditAction = "suspend"
	AuditRestore AuditAction = "restore"

	AuditEndSession    AuditAction = "end_session"
	AuditEndSessions   AuditAction = "end_sessions" // all
	AuditResetPassword AuditAction = "reset_password"

	AuditResolveReport AuditAction = "resolve_report"
	AuditExportUser    AuditAction = "export_user"

	AuditDeleteMessage AuditAction = "delete_message" // of another user, by an admin of the room or a service
)

// The ChangeKinds of moderation are actions too: ban, unban, mute, unmute, slow, announce, discuss and remove.

// Auditor keeps entries of the audit log.
type Auditor interface {
	// Record adds an entry to the audit log. Its At is not used.
	Record(context.Context, AuditEntry) error
}

// AuditEntry is one action of a service, or of a room's admin. Entries never change. Beyond the store's limit the
// oldest are removed.
type AuditEntry struct {
	At        int64 // when, in microseconds since 1970, by the store's clock; unique, and later than all earlier entries
	By        string
	Action    AuditAction
	User      string // the user that the action is about
	Reason    string
	RequestID string

	ByUser bool   // By is a user, an admin of Chat, and no service
	Chat   string // the action's room or chat
	Ref    int64  // the position of the action's message
}

// AuditRequest asks for a page of the audit log.
type AuditRequest struct {
	Cursor int64 // entries before this time; 0 is the newest
	Limit  int64 // 0 is 100
}

// AuditPage answers an AuditRequest.
type AuditPage struct {
	Entries    []AuditEntry
	HasMore    bool
	NextCursor int64 // 0 at the end
}

// ModerationStore is the store of a ModerationService. It applies no rules: its arguments have been checked.
type ModerationStore interface {
	// PutSuspension suspends a user and adds the entry to the audit log, in one step. The suspension begins when the entry is
	// added, or when the user's former one began. If the user has the same one, nothing changes. It returns Since.
	PutSuspension(context.Context, Suspension, AuditEntry) (since int64, err error)
	// RemoveSuspension ends a suspension and adds the entry, in one step. It does nothing without a suspension.
	RemoveSuspension(ctx context.Context, user string, e AuditEntry) error
	// ReadSuspensions returns all suspensions, in any order.
	ReadSuspensions(context.Context) ([]Suspension, error)
	// IsSuspended reports whether a user is suspended now, on every server.
	IsSuspended(ctx context.Context, user string) (bool, error)
	// EndSessions ends all sessions of a user.
	EndSessions(ctx context.Context, user string) error
	Auditor
	// ReadSessions returns the sessions of a user by their storage ids. Some may have expired.
	ReadSessions(ctx context.Context, user string) (map[string]StoredSession, error)
	// EndSession, ReplacePassword and ReadAccounts are those of SessionStore and AccountStore.
	EndSession(ctx context.Context, user, id string) error
	ReplacePassword(ctx context.Context, user, oldHash, newHash string, keep Keep) (bool, error)
	ReadAccounts(ctx context.Context, users []string) ([]StoredAccount, error)
	// ListAllRooms returns up to limit ids of rooms, from a cursor on, and the next cursor, "" at the end. Each room that
	// exists throughout is in one page at least; some may not exist. The error is InvalidArgument for a cursor of another form.
	ListAllRooms(ctx context.Context, cursor string, limit int) (rooms []ID, next string, err error)
	// ListOnline returns about limit users who are online, from a cursor on, and the next cursor, 0 at the end.
	ListOnline(ctx context.Context, cursor uint64, limit int) (users []string, next uint64, err error)
	// ChatsOf is that of DeletionStore, and Range that of Store.
	ChatsOf(ctx context.Context, user string) ([]ID, error)
	Range(context.Context, []Range) []Ranged
	ReportStore
	// ReadRooms is that of RoomReader.
	ReadRooms(context.Context, []RoomQuery) ([]StoredRoom, error)
	// ReadAudit returns up to limit entries before a time, the newest first; 0 is the end of the log.
	ReadAudit(ctx context.Context, before int64, limit int) ([]AuditEntry, error)
}
