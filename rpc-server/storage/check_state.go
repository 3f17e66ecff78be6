package storage

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// checkPlace is where a walk is within a unit: the next page that nothing has been counted of.
type checkPlace struct {
	Unit  string  `json:"unit,omitempty"` // a key
	Stage int     `json:"stage,omitempty"`
	From  string  `json:"from,omitempty"` // a score as Redis reads it
	To    string  `json:"to,omitempty"`   // the last score of this stage; "" before it has begun
	Read  float64 `json:"read,omitempty"` // entries of this stage that have been read
}

// checkState is a walk that was interrupted, as JSON. A unit is remembered by a hash of 64 bits, so that one of a
// million chats is passed over by mistake once in thirty million walks.
type checkState struct {
	Version int           `json:"version"`
	Redis   string        `json:"redis"`
	Prefix  string        `json:"prefix"`
	Window  time.Duration `json:"idempotency_window_ns"`
	Repair  bool          `json:"repair"`
	Place   checkPlace    `json:"place"`
	Report  CheckReport   `json:"report"`
	Seen    []byte        `json:"seen"` // eight bytes for each unit that is done, little-endian
	// Unlisted are the rooms that are public, and not in im:rooms as far as is known.
	Unlisted []string `json:"unlisted,omitempty"`
}

const checkStateVersion = 1

// State is what Resume takes to go on from here.
func (c *Checker) State() ([]byte, error) {
	state := c.emptyState()
	state.Place, state.Report = c.place, c.report
	state.Seen = make([]byte, 0, 8*len(c.seen))
	for hash := range c.seen {
		state.Seen = binary.LittleEndian.AppendUint64(state.Seen, hash)
	}
	state.Unlisted = slices.Sorted(maps.Keys(c.unlisted))
	return json.Marshal(state)
}

// Resume makes Run go on where another Checker was when State was called, with its counts. It refuses the state of
// another Redis or of other options, and anything that is no state, and then changes nothing.
func (c *Checker) Resume(encoded []byte) error {
	var state checkState
	if err := json.Unmarshal(encoded, &state); err != nil {
		return fmt.Errorf("not the state of a check: %w", err)
	}
	want := c.emptyState()
	switch {
	case state.Version != want.Version || len(state.Seen)%8 != 0 || state.Place.Stage < 0 || state.Place.Stage > stageLists:
		return errors.New("not the state of a check of this release")
	case state.Redis != want.Redis || state.Prefix != want.Prefix:
		return fmt.Errorf("the state is of %s, this is %s", state.Redis, want.Redis)
	case state.Window != want.Window:
		return fmt.Errorf("the state is of a check with idempotency window %v, this one has %v", state.Window, want.Window)
	case state.Repair != want.Repair:
		return fmt.Errorf("the state is of a check with repair %v, this one has %v", state.Repair, want.Repair)
	}
	c.place, c.report = state.Place, state.Report
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

// withoutSecrets leaves scheme, hosts and path of a url.
func withoutSecrets(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	before, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") && !strings.HasSuffix(scheme, "+sentinel") { // else it may be of a Sentinel's password
		before, _, _ = strings.Cut(query[strings.LastIndexByte(query, '@'):], "?")
	}
	return scheme + "://" + before[strings.LastIndexByte(before, '@')+1:]
}
