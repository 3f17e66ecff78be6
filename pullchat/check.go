package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pullchat/pullchat/rpc-server/check"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// checkCommand is the command "check".
type checkCommand struct {
	redisFlags
	IdempotencyWindow time.Duration `name:"idempotency-window" env:"IDEMPOTENCY_WINDOW" default:"24h" placeholder:"DURATION" help:"How long ids are remembered; the same as at the rpc-servers."`
	Repair            bool          `name:"repair" help:"Fix the faults that are safe to fix: activity that is missing or too low, missing ids, and lists that lack a chat, a room or a user. Nothing is ever deleted."`
	State             string        `name:"state" placeholder:"FILE" help:"Where an interrupted check keeps its progress, to continue from there. The file is removed when the check is complete."`
	JSON              bool          `name:"json" help:"Write the report as one JSON object."`
}

// Help returns the text of --help beside the flags. Kong calls it.
func (*checkCommand) Help() string {
	return `It reads every key of Pullchat page by page, while servers may go on writing, and changes nothing without --repair.

Exit status: 0 sound (or all repaired), 3 faults were found (with --repair: that are left), 1 Redis could not be read to the end, or the state could not be used, 80 the command line is wrong.`
}

// Validate refuses impossible flags. Kong calls it.
func (c *checkCommand) Validate() error {
	if c.IdempotencyWindow < 0 {
		return fmt.Errorf("--idempotency-window is %v; it must be at least 0s", c.IdempotencyWindow)
	}
	return nil
}

// faultsFound is the error of a complete check that found faults.
type faultsFound struct{ left int64 }

func (f faultsFound) needsDecision() {}

func (f faultsFound) Error() string { return fmt.Sprintf("faults were found: %d", f.left) }

// Run checks and prints the report. After an interruption the report covers the part that was read.
func (c *checkCommand) Run(ctx contextType) error {
	redisnode.LogTo(slog.New(slog.DiscardHandler)) // the errors have all causes
	var checker *check.Checker
	show := newProgress(os.Stderr)
	saved := time.Now()
	checker, err := check.Open(c.RedisURL, check.Options{
		IdempotencyWindow: c.IdempotencyWindow, Repair: c.Repair, MoveBack: storage.MoveBack,
		TLS: c.tls(),
		Progress: func(fraction float64) {
			show.update(fraction, func() string {
				r := checker.Report()
				return fmt.Sprintf("%d chats, %d messages, %d faults", r.Chats, r.Messages, r.Found())
			})
			if time.Since(saved) > saveEvery { // for a process that is killed; the end of the check tells of a failure
				_ = c.save(checker)
				saved = time.Now()
			}
		},
	})
	if err != nil {
		return err
	}
	defer func() { _ = checker.Close() }()
	if err := c.resume(checker); err != nil {
		return err
	}
	err = checker.Run(ctx)
	show.end()
	err = errors.Join(c.ended(ctx, checker, err), c.print(checker.Report()))
	if left := checker.Report().Left(); err == nil && left > 0 {
		return faultsFound{left}
	}
	return err
}

// ended stores the place of an incomplete check, and removes that of a complete one.
func (c *checkCommand) ended(ctx context.Context, checker *check.Checker, err error) error {
	return endState(ctx, c.State, err, func() error { return c.save(checker) })
}

// resume takes the place from the file, if there is one.
func (c *checkCommand) resume(checker *check.Checker) error {
	state, err := readState(c.State)
	if state == nil || err != nil {
		return err
	}
	if err := checker.Resume(state); err != nil {
		return fmt.Errorf("--state %s: %w", c.State, err)
	}
	r := checker.Report()
	fmt.Fprintf(os.Stderr, "going on after %d chats and %d messages\n", r.Chats, r.Messages)
	return nil
}

// save replaces the file atomically.
func (c *checkCommand) save(checker *check.Checker) error {
	if c.State == "" {
		return nil
	}
	state, err := checker.State()
	if err != nil {
		return err
	}
	return replaceState(c.State, state)
}

func (c *checkCommand) print(r check.Report) error {
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	_, err := fmt.Print(checkSummary(r))
	return err
}
