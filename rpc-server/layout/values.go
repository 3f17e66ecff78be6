package layout

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// FormatMember returns "role since", the value of a user in a room's members. It returns "" for a user without a role.
func FormatMember(m chat.Member) string {
	if m.Role == "" {
		return ""
	}
	return string(m.Role) + " " + strconv.FormatInt(m.Since, 10)
}

// ParseMember parses the result of FormatMember. It accepts any role that is not empty.
func ParseMember(user, value string) (chat.Member, error) {
	role, since, _ := strings.Cut(value, " ")
	m := chat.Member{User: user, Role: chat.Role(role)}
	var err error
	if m.Since, err = strconv.ParseInt(since, 10, 64); err != nil || role == "" {
		return m, fmt.Errorf("member %s is %q", user, value)
	}
	return m, nil
}

// FormatSession returns "expires begun seed current previous". Expires is first, where login.lua reads it. No part has a
// space.
func FormatSession(s chat.StoredSession) string {
	return fmt.Sprintf("%d %d %s %s %s", s.Expires, s.Begun, s.Seed, s.Current, s.Previous)
}

// ParseSession parses the result of FormatSession.
func ParseSession(text string) (s chat.StoredSession, err error) {
	parts := strings.Split(text, " ")
	if len(parts) != 5 {
		return s, errors.New("what is kept of the session is cut off")
	}
	expires, expiresErr := strconv.ParseInt(parts[0], 10, 64)
	begun, begunErr := strconv.ParseInt(parts[1], 10, 64)
	return chat.StoredSession{Expires: expires, Begun: begun, Seed: parts[2], Current: parts[3], Previous: parts[4]},
		errors.Join(expiresErr, begunErr)
}

// The words in a job's member of im:deletions.
const (
	eraseTexts, keepTexts = "erase", "keep"
	firstTime, lastTime   = "first", "last"
)

// FormatJob returns "user erase|keep first|last", a job's member of im:deletions.
func FormatJob(job chat.DeletionJob) string {
	texts, turn := keepTexts, firstTime
	if job.Erase {
		texts = eraseTexts
	}
	if job.Last {
		turn = lastTime
	}
	return job.User + " " + texts + " " + turn
}

// ParseJob parses the result of FormatJob. It returns false for anything else.
func ParseJob(member string) (chat.DeletionJob, bool) {
	parts := strings.Split(member, " ")
	if len(parts) != 3 {
		return chat.DeletionJob{}, false
	}
	job := chat.DeletionJob{User: parts[0], Erase: parts[1] == eraseTexts, Last: parts[2] == lastTime}
	return job, FormatJob(job) == member
}

// CursorOf parses a stored cursor as advance.lua does: an invalid one is 0.
func CursorOf(text string) int64 {
	cursor, err := strconv.ParseInt(text, 10, 64)
	if err != nil || cursor < 0 || cursor > chat.MaxCursor {
		return 0
	}
	return cursor
}
