package check

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// resumePoint is the position of the walk within a unit: the next page that is not counted yet.
type resumePoint struct {
	Unit  string  `json:"unit,omitempty"` // a key
	Stage int     `json:"stage,omitempty"`
	From  string  `json:"from,omitempty"` // a score as Redis reads it
	To    string  `json:"to,omitempty"`   // the last score of this stage; "" before the stage has begun
	Read  float64 `json:"read,omitempty"` // entries of this stage read so far
}

// checkState is an interrupted walk, as JSON. Units are remembered by a hash of 64 bits: one of a million chats is
// skipped by mistake once in thirty million walks.
type checkState struct {
	Version int           `json:"version"`
	Redis   string        `json:"redis"`
	Prefix  string        `json:"prefix"`
	Window  time.Duration `json:"idempotency_window_ns"`
	Repair  bool          `json:"repair"`
	Resume  resumePoint   `json:"place"`
	Report  Report        `json:"report"`
	Seen    []byte        `json:"seen"` // eight bytes for each unit that is done, little-endian
	// Unlisted are the public rooms that im:rooms is known to lack.
	Unlisted []string `json:"unlisted,omitempty"`
}

const checkStateVersion = 1

// State is the input with which Resume goes on from here.
func (c *Checker) State() ([]byte, error) {
	state := c.emptyState()
	state.Resume, state.Report = c.resume, c.report
	state.Seen = make([]byte, 0, 8*len(c.seen))
	for hash := range c.seen {
		state.Seen = binary.LittleEndian.AppendUint64(state.Seen, hash)
	}
	state.Unlisted = slices.Sorted(maps.Keys(c.unlisted))
	return json.Marshal(state)
}

// Resume makes Run go on from another Checker's State, with its counts. It rejects a state of another Redis or of other
// options, and invalid data; it then changes nothing.
func (c *Checker) Resume(encoded []byte) error {
	var state checkState
	if err := json.Unmarshal(encoded, &state); err != nil {
		return fmt.Errorf("not the state of a check: %w", err)
	}
	want := c.emptyState()
	switch {
	case state.Version != want.Version || len(state.Seen)%8 != 0 || state.Resume.Stage < 0 || state.Resume.Stage > stageLists:
		return errors.New("not the state of a check of this release")
	case state.Redis != want.Redis || state.Prefix != want.Prefix:
		return fmt.Errorf("the state is of %s, this is %s", state.Redis, want.Redis)
	case state.Window != want.Window:
		return fmt.Errorf("the state is of a check with idempotency window %v, this one has %v", state.Window, want.Window)
	case state.Repair != want.Repair:
		return fmt.Errorf("the state is of a check with repair %v, this one has %v", state.Repair, want.Repair)
	}
	c.resume, c.report = state.Resume, state.Report
	for _, room := range state.Unlisted {
		c.unlisted[room] = struct{}{}
	}
	for rest := state.Seen; len(rest) > 0; rest = rest[8:] {
		c.seen[binary.LittleEndian.Uint64(rest)] = struct{}{}
	}
	return nil
}

func (c *Checker) emptyState() checkState {
	return checkState{
		Version: checkStateVersion, Redis: c.address, Prefix: c.options.Prefix, Window: c.options.IdempotencyWindow,
		Repair: c.options.Repair,
	}
}
