package layout

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// RulesMember is the field of a room's members that has the room's rules, so that a send reads them with the sender's
// membership. A room without rules does not have it. No user has this id.
const RulesMember = ""

// The words of a room's rules, in this order, with spaces between them.
const (
	announceRule = "announce"
	slowRule     = "slow=" // and the pause in microseconds
	usersRule    = "users" // the room has bans or mutes; room.lua adds it
)

// FormatRules returns the stored form of a room's rules, without the word for bans and mutes; "" for none.
func FormatRules(r chat.RoomRules) string {
	var words []string
	if r.Announce {
		words = append(words, announceRule)
	}
	if r.SlowMode > 0 {
		words = append(words, slowRule+strconv.FormatInt(r.SlowMode.Microseconds(), 10))
	}
	return strings.Join(words, " ")
}

// ParseRules reads stored rules. users reports whether the room has bans or mutes; known is false for a malformed form.
func ParseRules(text string) (r chat.RoomRules, users, known bool) {
	for word := range strings.FieldsSeq(text) {
		pause, slow := strings.CutPrefix(word, slowRule)
		switch {
		case word == announceRule:
			r.Announce = true
		case word == usersRule:
			users = true
		case slow:
			micros, err := strconv.ParseInt(pause, 10, 64)
			if err != nil || micros <= 0 || micros > chat.MaxSlowMode.Microseconds() {
				return r, users, false
			}
			r.SlowMode = time.Duration(micros) * time.Microsecond
		default:
			return r, users, false
		}
	}
	return r, users, true
}

// FormatPins returns the positions of pinned messages, each with 16 digits, with spaces between them.
func FormatPins(pins []int64) string {
	words := make([]string, len(pins))
	for i, at := range pins {
		words[i] = fmt.Sprintf("%0*d", PositionDigits, at)
	}
	return strings.Join(words, " ")
}

// ParsePins is the reverse; false for a malformed form.
func ParsePins(text string) (pins []int64, known bool) {
	for word := range strings.FieldsSeq(text) {
		at, err := strconv.ParseInt(word, 10, 64)
		if err != nil || at <= 0 || len(word) != PositionDigits {
			return nil, false
		}
		pins = append(pins, at)
	}
	return pins, true
}

type restraint struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// RestraintField is the field of a user's ban or mute.
func RestraintField(kind chat.RestraintKind, user string) string { return string(kind) + " " + user }

// FormatRestraint is the stored form of a restraint after "until since ".
func FormatRestraint(r chat.Restraint) string { return marshal(restraint{r.By, r.Reason}) }

// ParseRestraint reads a field of a room's restraints; false for a malformed one.
func ParseRestraint(field, value string) (chat.Restraint, bool) {
	kind, user, _ := strings.Cut(field, " ")
	parts := strings.SplitN(value, " ", 3)
	r := chat.Restraint{Kind: chat.RestraintKind(kind), User: user}
	if r.Kind != chat.Ban && r.Kind != chat.Mute || user == "" || len(parts) != 3 {
		return r, false
	}
	var stored restraint
	var untilErr, sinceErr error
	r.Until, untilErr = strconv.ParseInt(parts[0], 10, 64)
	r.Since, sinceErr = strconv.ParseInt(parts[1], 10, 64)
	if untilErr != nil || sinceErr != nil || r.Until < 0 || r.Since <= 0 || json.Unmarshal([]byte(parts[2]), &stored) != nil {
		return r, false
	}
	r.By, r.Reason = stored.By, stored.Reason
	return r, true
}
