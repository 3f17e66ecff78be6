package main

import (
	"fmt"

	"github.com/pullchat/pullchat/client"
)

// report is the command "report".
type report struct {
	patience
	Chat     string `arg:"" help:"The chat."`
	SendTime int64  `arg:"" optional:"" name:"send-time" help:"The message's send_time. Without one, name a user."`
	User     string `name:"user" placeholder:"NAME" help:"The user. Default: the sender of the message."`
	Reason   string `name:"reason" required:"" placeholder:"TEXT" help:"For the moderators."`
	As       string `name:"as" placeholder:"NAME" help:"The user who reports. Default: the logged-in user."`
}

// Run reports a message or a user to the moderators.
func (r *report) Run(ctx contextType) error {
	user, err := acting{patience: r.patience, As: r.As}.who()
	if err != nil {
		return err
	}
	c, err := r.client(r.notify)
	if err != nil {
		return err
	}
	made, err := c.Report(ctx, client.NewReport{Chat: r.Chat, SendTime: r.SendTime, User: r.User, Reason: r.Reason, As: user})
	if err != nil {
		return err
	}
	return standardOutput(r.JSON, false).print(fmt.Sprintf("reported as %d", made.Report), made)
}

type listReports struct {
	patience
	Resolved bool `name:"resolved" help:"List the resolved reports."`
}

// Run prints all reports in a state.
func (l *listReports) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	state := "open"
	if l.Resolved {
		state = "resolved"
	}
	out := standardOutput(l.JSON, false)
	for cursor := int64(0); ; {
		page, err := c.Reports(ctx, state, cursor, 0)
		if err != nil {
			return err
		}
		for _, r := range page.Reports {
			if err := out.print(reportLine(r), r); err != nil {
				return err
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}

// reportLine returns a report for people.
func reportLine(r client.Report) string {
	text := fmt.Sprintf("%d  %s reports %s in %s", r.Report, r.By, r.User, r.Chat)
	if r.SendTime != 0 {
		text += fmt.Sprintf(" at %d", r.SendTime)
	}
	if text += ": " + r.Reason; r.Text != "" {
		text += fmt.Sprintf("  %q", r.Text)
	}
	if r.State == "resolved" {
		text += "  resolved by " + r.ResolvedBy + ": " + r.Note
	}
	return text
}

type resolveReport struct {
	patience
	Report int64  `arg:"" help:"The report, as admin reports names it."`
	Note   string `name:"note" placeholder:"TEXT" help:"For the report and the audit log."`
}

// Run resolves the report.
func (r *resolveReport) Run(ctx contextType) error {
	c, err := r.client(r.notify)
	if err != nil {
		return err
	}
	resolved, err := c.ResolveReport(ctx, r.Report, r.Note)
	if err != nil {
		return err
	}
	return standardOutput(r.JSON, false).print(reportLine(resolved), resolved)
}

type listOnline struct{ patience }

// Run prints each user once.
func (l *listOnline) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	out, printed := standardOutput(l.JSON, false), map[string]bool{}
	for cursor := ""; ; {
		page, err := c.Online(ctx, cursor, 0)
		if err != nil {
			return err
		}
		for _, user := range page.Users {
			if printed[user] {
				continue
			}
			printed[user] = true
			if err := out.print(user, map[string]string{"user": user}); err != nil {
				return err
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}

type exportUser struct {
	acted
	Reason string `name:"reason" placeholder:"TEXT" help:"For the audit log."`
}

// Run writes one JSON object on each line, on a terminal too.
func (e *exportUser) Run(ctx contextType) error {
	c, err := e.client(e.notify)
	if err != nil {
		return err
	}
	out := standardOutput(true, false)
	for cursor := ""; ; {
		page, err := c.ExportUser(ctx, e.User, cursor, 0, e.Reason)
		if err != nil {
			return err
		}
		if page.Account != nil {
			account := struct {
				Account   *client.Account `json:"account"`
				Suspended bool            `json:"suspended,omitempty"`
			}{page.Account, page.Suspended}
			if err := out.print("", account); err != nil {
				return err
			}
		}
		for _, room := range page.Rooms {
			if err := out.print("", map[string]client.Room{"room": room}); err != nil {
				return err
			}
		}
		for i := range page.Messages {
			if err := out.print("", map[string]client.Message{"message": page.Messages[i]}); err != nil {
				return err
			}
		}
		if cursor = page.NextCursor; !page.HasMore {
			return nil
		}
	}
}
