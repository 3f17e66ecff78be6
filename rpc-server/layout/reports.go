package layout

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/pullchat/pullchat/internal/chat"
)

type report struct {
	Chat       string           `json:"chat"`
	Ref        int64            `json:"send_time,omitempty"`
	User       string           `json:"user"`
	By         string           `json:"by"`
	Reason     string           `json:"reason"`
	Text       string           `json:"text,omitempty"`
	State      chat.ReportState `json:"state"`
	Note       string           `json:"note,omitempty"`
	ResolvedBy string           `json:"resolved_by,omitempty"`
	ResolvedAt int64            `json:"resolved_at,omitempty"`
}

// ReportID is the field of a report.
func ReportID(id int64) string { return fmt.Sprintf("%0*d", PositionDigits, id) }

// FormatReport is the stored form of a report without its id.
func FormatReport(r chat.Report) string {
	return marshal(report{r.Chat, r.Ref, r.User, r.By, r.Reason, r.Text, r.State, r.Note, r.ResolvedBy, r.ResolvedAt})
}

// ParseReport reads a field of the reports; false for a malformed one.
func ParseReport(id, value string) (chat.Report, bool) {
	var stored report
	at, err := strconv.ParseInt(id, 10, 64)
	if err != nil || at <= 0 || len(id) != PositionDigits || json.Unmarshal([]byte(value), &stored) != nil {
		return chat.Report{}, false
	}
	known := stored.State == chat.ReportOpen || stored.State == chat.ReportResolved
	return chat.Report{
		ID: at, Chat: stored.Chat, Ref: stored.Ref, User: stored.User, By: stored.By, Reason: stored.Reason, Text: stored.Text,
		State: stored.State, Note: stored.Note, ResolvedBy: stored.ResolvedBy, ResolvedAt: stored.ResolvedAt,
	}, known && stored.Chat != ""
}

// ReportedField names the reporter and the message of a report.
func ReportedField(r chat.Report) string {
	return marshal([]string{r.By, r.Chat, strconv.FormatInt(r.Ref, 10), r.User})
}
