package layout

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// The keys of moderation. {moderation} is the hash tag, so that a script may suspend a user and keep the entry of it at once.
//
//	key                          type        content
//	                                         written by; expires
//	im:{moderation}:suspended    hash        user → "since JSON", with the reason and the service; "" → version: the
//	                                         time of the last change, in µs
//	                                         suspend.lua, restore.lua, Store; never expires
//	im:{moderation}:audit        sorted set  when, in µs → 16 digits of it, then JSON: an entry of a service
//	                                         suspend.lua, restore.lua, record.lua; never expires; the oldest are
//	                                         removed beyond AUDIT_MAX
//	im:{moderation}:audit_users  sorted set  the same, of admins of rooms
//	                                         record.lua; never expires; the oldest are removed beyond AUDIT_MAX
//
//	im:{moderation}:reports           hash        16 digits of when, in µs → JSON: a report
//	                                              report.lua, resolve_report.lua, Store; never expires
//	im:{moderation}:reports_open      sorted set  when, in µs → 16 digits of it, of an open report
//	                                              report.lua; never expires
//	im:{moderation}:reports_resolved  sorted set  the same, of resolved reports
//	                                              resolve_report.lua; never expires; the oldest are removed beyond
//	                                              AUDIT_MAX
//	im:{moderation}:reported          hash        JSON of the reporter and the message → 16 digits of the open report
//	                                              report.lua; never expires
//	im:{moderation}:online            sorted set  when it lapses, in ms → a user with a live connection
//	                                              Store; expires 90 s after the last

// Reports is the key of all reports.
func (k Keys) Reports() string { return k.Prefix + ":{moderation}:" + ReportsKey }

// ReportsOpen is the key of the open reports.
func (k Keys) ReportsOpen() string { return k.Prefix + ":{moderation}:" + ReportsOpenKey }

// ReportsResolved is the key of the resolved reports.
func (k Keys) ReportsResolved() string { return k.Prefix + ":{moderation}:" + ReportsResolvedKey }

// Reported is the key of the reports by reporter and message.
func (k Keys) Reported() string { return k.Prefix + ":{moderation}:" + ReportedKey }

// Online is the key of the users with live connections.
func (k Keys) Online() string { return k.Prefix + ":{moderation}:" + OnlineKey }

// Suspended is the key of the suspended users.
func (k Keys) Suspended() string { return k.Prefix + ":{moderation}:" + SuspendedKey }

// Audit is the key of the audit log.
func (k Keys) Audit() string { return k.Prefix + ":{moderation}:" + AuditKey }

// AuditUsers is the key of the audit log of users who are admins of rooms.
func (k Keys) AuditUsers() string { return k.Prefix + ":{moderation}:" + AuditUsersKey }

// Kinds of keys of moderation, as KeyName has them.
const (
	SuspendedKey = "suspended"
	AuditKey     = "audit"

	AuditUsersKey = "audit_users"

	ReportsKey         = "reports"
	ReportsOpenKey     = "reports_open"
	ReportsResolvedKey = "reports_resolved"
	ReportedKey        = "reported"
	OnlineKey          = "online"
)

// SuspendedVersion is the field of the version. No user has this id.
const SuspendedVersion = ""

func (k Keys) parseModeration(key string) (kind string, of bool) {
	switch key {
	case k.Suspended():
		return SuspendedKey, true
	case k.Audit():
		return AuditKey, true
	case k.AuditUsers():
		return AuditUsersKey, true
	case k.Reports():
		return ReportsKey, true
	case k.ReportsOpen():
		return ReportsOpenKey, true
	case k.ReportsResolved():
		return ReportsResolvedKey, true
	case k.Reported():
		return ReportedKey, true
	case k.Online():
		return OnlineKey, true
	}
	return "", false
}

type suspension struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// FormatSuspension is the stored form of a suspension without its Since.
func FormatSuspension(s chat.Suspension) string {
	return marshal(suspension{By: s.By, Reason: s.Reason})
}

// ParseSuspension reads a user's value; false for a malformed one.
func ParseSuspension(user, value string) (chat.Suspension, bool) {
	since, text, _ := strings.Cut(value, " ")
	var stored suspension
	at, err := strconv.ParseInt(since, 10, 64)
	if err != nil || at <= 0 || json.Unmarshal([]byte(text), &stored) != nil {
		return chat.Suspension{}, false
	}
	return chat.Suspension{User: user, Since: at, By: stored.By, Reason: stored.Reason}, true
}

type auditEntry struct {
	By        string           `json:"by"`
	Action    chat.AuditAction `json:"action"`
	User      string           `json:"user,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	RequestID string           `json:"request_id,omitempty"`
	ByUser    bool             `json:"by_user,omitempty"`
	Chat      string           `json:"chat,omitempty"`
	Ref       int64            `json:"send_time,omitempty"`
}

// FormatAudit is the stored form of an entry without its time.
func FormatAudit(e chat.AuditEntry) string {
	return marshal(auditEntry{e.By, e.Action, e.User, e.Reason, e.RequestID, e.ByUser, e.Chat, e.Ref})
}

// ParseAudit reads a member of the audit log; false for a malformed one.
func ParseAudit(member string) (chat.AuditEntry, bool) {
	if len(member) < PositionDigits {
		return chat.AuditEntry{}, false
	}
	var e auditEntry
	at, err := strconv.ParseInt(member[:PositionDigits], 10, 64)
	if err != nil || at <= 0 || json.Unmarshal([]byte(member[PositionDigits:]), &e) != nil || e.Action == "" {
		return chat.AuditEntry{}, false
	}
	return chat.AuditEntry{
		At: at, By: e.By, Action: e.Action, User: e.User, Reason: e.Reason, RequestID: e.RequestID, ByUser: e.ByUser, Chat: e.Chat, Ref: e.Ref,
	}, true
}

func marshal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // structs of strings have a form
	}
	return string(text)
}
