package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

// admin is the command "admin".
type admin struct {
	Suspend   suspendUser    `cmd:"" help:"Suspend a user: the user's sessions and streams end, and logins and requests are refused."`
	Restore   restoreUser    `cmd:"" help:"End the suspension of a user."`
	Sessions  listSessions   `cmd:"" help:"List the sessions of a user, the least recently used first."`
	Logout    endSessions    `cmd:"" help:"End a session of a user, or all."`
	Password  resetPassword  `cmd:"" help:"Replace the password of a user, and end all sessions. The password is typed, or the first line of standard input."`
	Rooms     listAllRooms   `cmd:"" help:"List all rooms, public and private."`
	Suspended listSuspended  `cmd:"" help:"List the suspended users."`
	Reports   listReports    `cmd:"" help:"List the reports of users, the oldest first."`
	Resolve   resolveReport  `cmd:"" help:"Resolve a report; its copy of the message is deleted."`
	Online    listOnline     `cmd:"" help:"List the users who are online, in any order."`
	Export    exportUser     `cmd:"" help:"Write all data of a user as JSON lines: the account, the rooms and the user's messages."`
	Audit     listAuditTrail `cmd:"" help:"Read the audit log, the newest entry first."`
}

// Help returns the text of --help beside the commands. Kong calls it.
func (*admin) Help() string {
	return `These commands need AUTH=on and a service's token (pullchat token). Each change is an entry of the audit log.

    pullchat admin suspend bob --reason "spam in #general"
    pullchat admin suspended
    pullchat admin restore bob
    pullchat admin sessions bob
    pullchat admin logout bob --reason "lost phone"
    pullchat admin password bob --reason forgotten
    pullchat admin reports
    pullchat admin resolve 1795248043296447 --note "warned bob"
    pullchat admin export bob --reason "the user asked" >bob.jsonl
    pullchat admin audit --limit 20`
}

// acted has the flags of commands that act on a user.
type acted struct {
	patience
	User string `arg:"" help:"The user."`
}

type suspendUser struct {
	acted
	Reason string `name:"reason" required:"" placeholder:"TEXT" help:"For the audit log. The user does not see it."`
}

// Run suspends the user.
func (s *suspendUser) Run(ctx contextType) error {
	c, err := s.client(s.notify)
	if err != nil {
		return err
	}
	suspended, err := c.Suspend(ctx, s.User, s.Reason)
	if err != nil {
		return err
	}
	return standardOutput(s.JSON, false).print(suspended.User+" is suspended", suspended)
}

type restoreUser struct {
	acted
	Reason string `name:"reason" placeholder:"TEXT" help:"For the audit log."`
}

// Run restores the user.
func (r *restoreUser) Run(ctx contextType) error {
	c, err := r.client(r.notify)
	if err != nil {
		return err
	}
	return c.Restore(ctx, r.User, r.Reason)
}

type listSessions struct{ acted }

// Run prints the sessions.
func (l *listSessions) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	sessions, err := c.UserSessions(ctx, l.User)
	if err != nil {
		return err
	}
	out := standardOutput(l.JSON, false)
	for _, s := range sessions {
		if err := out.print(fmt.Sprintf("%s  used %s, expires %s", s.Session, moment(s.Used), moment(s.Expires)), s); err != nil {
			return err
		}
	}
	return nil
}

type endSessions struct {
	acted
	Session string `name:"session" placeholder:"ID" help:"The session. Default: all."`
	Reason  string `name:"reason" placeholder:"TEXT" help:"For the audit log."`
}

// Run ends the sessions.
func (e *endSessions) Run(ctx contextType) error {
	c, err := e.client(e.notify)
	if err != nil {
		return err
	}
	return c.EndSessions(ctx, e.User, e.Session, e.Reason)
}

type resetPassword struct {
	acted
	Reason string `name:"reason" placeholder:"TEXT" help:"For the audit log."`
}

// Run replaces the password.
func (r *resetPassword) Run(ctx contextType) error {
	c, err := r.client(r.notify)
	if err != nil {
		return err
	}
	password, err := readPassword(ctx, true)
	if err != nil {
		return err
	}
	return c.ResetPassword(ctx, r.User, password, r.Reason)
}

type listAllRooms struct{ patience }

// Run prints all rooms, page by page.
func (l *listAllRooms) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	out := standardOutput(l.JSON, false)
	for cursor := ""; ; {
		page, err := c.AllRooms(ctx, cursor, 0)
		if err != nil {
			return err
		}
		for _, room := range page.Rooms {
			if err := out.print(roomLine(room), room); err != nil {
				return err
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}

type listSuspended struct{ patience }

// Run prints all suspended users, page by page.
func (l *listSuspended) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	out := standardOutput(l.JSON, false)
	for cursor := ""; ; {
		page, err := c.Suspensions(ctx, cursor, 0)
		if err != nil {
			return err
		}
		for _, s := range page.Suspensions {
			if err := out.print(fmt.Sprintf("%s  since %s by %s: %s", s.User, moment(s.Since), s.By, s.Reason), s); err != nil {
				return err
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}

type listAuditTrail struct {
	patience
	Limit int64 `name:"limit" placeholder:"N" help:"Entries at most. Default: all."`
}

// Run prints the entries, page by page.
func (l *listAuditTrail) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	out := standardOutput(l.JSON, false)
	left := l.Limit
	for cursor := int64(0); ; {
		page, err := c.Audit(ctx, cursor, left)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if err := out.print(auditLine(e), e); err != nil {
				return err
			}
		}
		left -= int64(len(page.Entries))
		if cursor = page.NextCursor; !page.HasMore || l.Limit > 0 && left <= 0 {
			return nil
		}
		left = max(left, 0)
	}
}

// auditLine returns an entry for people.
func auditLine(e client.AuditEntry) string {
	line := strings.TrimSpace(fmt.Sprintf("%s  %s  %s %s", moment(e.At), e.By, e.Action, e.User))
	if e.Reason != "" {
		line += ": " + e.Reason
	}
	return line
}

func moment(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339) }
