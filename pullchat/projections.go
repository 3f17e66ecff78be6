package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

// projections is the command "projections".
type projections struct {
	List   listProjections  `cmd:"" default:"withargs" help:"List the projections with their lag, errors and owners. The default."`
	Pause  pauseProjection  `cmd:"" help:"Pause a projection. Its cursors are kept."`
	Resume resumeProjection `cmd:"" help:"Resume a paused projection."`
	Replay replayProjection `cmd:"" help:"Handle the messages of all chats again, from a time on."`
	Skip   skipProjection   `cmd:"" help:"Skip all events up to now, of all chats or of one chat."`
	Dead   deadLetters      `cmd:"" help:"List the events that could not be handled, the oldest first."`
	Revive reviveProjection `cmd:"" help:"Handle the dead letters again."`
	Remove removeProjection `cmd:"" help:"Forget a projection that no worker runs any more."`
}

// Help returns the text of --help beside the commands. Kong calls it.
func (*projections) Help() string {
	return `A projection is a consumer of all chats that a worker runs, such as a webhook. With AUTH on, these commands need a service's token (pullchat token).

    pullchat projections
    pullchat projections replay words --from 0
    pullchat projections replay kafka --from 2026-11-01T00:00:00Z
    pullchat projections skip kafka --chat team
    pullchat projections dead kafka`
}

type listProjections struct{ patience }

// Run prints the projections.
func (l *listProjections) Run(ctx contextType) error {
	c, err := l.client(l.notify)
	if err != nil {
		return err
	}
	found, err := c.Projections(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		complain("there is no projection; a worker makes them: see docs/projections.md")
	}
	out := standardOutput(l.JSON, false)
	for _, p := range found {
		if err := out.print(projectionLine(p), p); err != nil {
			return err
		}
	}
	return nil
}

// projectionLine returns a projection for people.
func projectionLine(p client.Projection) string {
	lag := time.Duration(p.LagMS) * time.Millisecond
	parts := []string{fmt.Sprintf("%-20s lag %v", p.Name, lag.Round(time.Millisecond)), fmt.Sprintf("%d handled", p.Handled)}
	if p.Behind > 0 {
		parts = append(parts, fmt.Sprintf("%d chats behind", p.Behind))
	}
	if p.DeadLetters > 0 {
		parts = append(parts, fmt.Sprintf("%d dead letters", p.DeadLetters))
	}
	if p.Paused {
		parts = append(parts, "paused")
	}
	if len(p.Owners) == 0 {
		parts = append(parts, "no worker runs it")
	}
	var owners []string
	for worker, partitions := range p.Owners {
		owners = append(owners, fmt.Sprintf("%s has %d partitions", worker, partitions))
	}
	slices.Sort(owners)
	parts = append(parts, owners...)
	if p.FailingSince > 0 {
		parts = append(parts, fmt.Sprintf("failing since %s: %s", time.UnixMicro(p.FailingSince).Format(time.DateTime), p.Error))
	}
	return strings.Join(parts, ", ")
}

// changing has the flags of commands that change one projection.
type changing struct {
	patience
	Name string `arg:"" help:"The projection."`
}

func (ch *changing) change(ctx contextType, change client.ProjectionChange) error {
	c, err := ch.client(ch.notify)
	if err != nil {
		return err
	}
	return c.ChangeProjection(ctx, ch.Name, change)
}

type pauseProjection struct{ changing }

// Run pauses it.
func (p *pauseProjection) Run(ctx contextType) error {
	return p.change(ctx, client.ProjectionChange{Action: "pause"})
}

type resumeProjection struct{ changing }

// Run resumes it.
func (p *resumeProjection) Run(ctx contextType) error {
	return p.change(ctx, client.ProjectionChange{Action: "resume"})
}

type replayProjection struct {
	changing
	From startTime `name:"from" required:"" placeholder:"TIME|0" help:"Where each chat restarts: a time such as 2026-11-01T00:00:00Z, or 0 for its oldest message."`
}

// startTime is a time in microseconds since 1970.
type startTime int64

// UnmarshalText parses a time, or a send_time.
func (s *startTime) UnmarshalText(text []byte) error {
	if micros, err := strconv.ParseInt(string(text), 10, 64); err == nil && micros >= 0 {
		*s = startTime(micros)
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time: use one such as 2026-11-01T00:00:00Z, or a send_time, or 0", text)
	}
	*s = startTime(at.UnixMicro())
	return nil
}

// Run replays it.
func (r *replayProjection) Run(ctx contextType) error {
	return r.change(ctx, client.ProjectionChange{Action: "replay", Start: int64(r.From)})
}

type skipProjection struct {
	changing
	Chat string `name:"chat" placeholder:"CHAT" help:"Only this chat. Default: all."`
}

// Run skips the present events.
func (s *skipProjection) Run(ctx contextType) error {
	return s.change(ctx, client.ProjectionChange{Action: "skip", Chat: s.Chat})
}

type reviveProjection struct{ changing }

// Run revives the dead letters.
func (r *reviveProjection) Run(ctx contextType) error {
	return r.change(ctx, client.ProjectionChange{Action: "revive"})
}

type removeProjection struct {
	changing
	Yes bool `name:"yes" required:"" help:"Confirm that its cursors and counters are deleted for good."`
}

// Run removes it.
func (r *removeProjection) Run(ctx contextType) error {
	return r.change(ctx, client.ProjectionChange{Action: "remove"})
}

type deadLetters struct {
	changing
	Limit int `name:"limit" placeholder:"N" help:"Events at most. Default: 100."`
}

// Run prints the dead letters.
func (d *deadLetters) Run(ctx contextType) error {
	c, err := d.client(d.notify)
	if err != nil {
		return err
	}
	letters, err := c.DeadLetters(ctx, d.Name, d.Limit)
	if err != nil {
		return err
	}
	out := standardOutput(d.JSON, false)
	for _, l := range letters {
		if err := out.print(fmt.Sprintf("%s  %s  %s", time.UnixMicro(l.At).Format(time.DateTime), l.Event, l.Error), l); err != nil {
			return err
		}
	}
	return nil
}
