package backup

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// exportState is an interrupted export. Units are remembered by a hash of 64 bits, as in a check.
type exportState struct {
	Version int          `json:"version"`
	Redis   string       `json:"redis"`
	Prefix  string       `json:"prefix"`
	Secrets bool         `json:"secrets"`
	Begun   bool         `json:"begun"`
	Resume  resumePoint  `json:"place"`
	Report  ExportReport `json:"report"`
	Seen    []byte       `json:"seen"`    // eight bytes for each unit that is done, little-endian
	Written int64        `json:"written"` // bytes of the output that belong to this state
}

// State is the input with which Resume goes on from here. written is how many bytes the output has.
func (e *Exporter) State(written int64) ([]byte, error) {
	state := exportState{
		Version: Version, Redis: e.address, Prefix: e.options.Prefix, Secrets: e.options.Secrets,
		Begun: e.begun, Resume: e.resume, Report: e.report, Written: written,
	}
	for hash := range e.seen {
		state.Seen = binary.LittleEndian.AppendUint64(state.Seen, hash)
	}
	return json.Marshal(state)
}

// Resume makes Run go on from another Exporter's State. It returns the length to which the output has to be cut.
func (e *Exporter) Resume(encoded []byte) (written int64, err error) {
	var state exportState
	if err := json.Unmarshal(encoded, &state); err != nil {
		return 0, fmt.Errorf("not the state of an export: %w", err)
	}
	switch {
	case state.Version != Version || len(state.Seen)%8 != 0:
		return 0, errors.New("not the state of an export of this release")
	case state.Redis != e.address || state.Prefix != e.options.Prefix:
		return 0, fmt.Errorf("the state is of %s, this is %s", state.Redis, e.address)
	case state.Secrets != e.options.Secrets:
		return 0, fmt.Errorf("the state is of an export with secrets %v, this one has %v", state.Secrets, e.options.Secrets)
	}
	e.begun, e.resume, e.report = state.Begun, state.Resume, state.Report
	for rest := state.Seen; len(rest) > 0; rest = rest[8:] {
		e.seen[binary.LittleEndian.Uint64(rest)] = struct{}{}
	}
	return state.Written, nil
}

// importState is an interrupted import.
type importState struct {
	Version int          `json:"version"`
	Redis   string       `json:"redis"`
	Prefix  string       `json:"prefix"`
	Header  string       `json:"header"` // of the file
	Read    int64        `json:"read"`   // bytes of lines that are stored
	Report  ImportReport `json:"report"`
}

// State is the input with which Resume goes on from here.
func (i *Importer) State() ([]byte, error) {
	return json.Marshal(importState{
		Version: Version, Redis: i.address, Prefix: i.options.Prefix, Header: i.header, Read: i.stored, Report: i.kept,
	})
}

// Resume makes Run skip the lines that another Importer has stored, by its State. Run refuses another file than that
// Importer's.
func (i *Importer) Resume(encoded []byte) error {
	var state importState
	if err := json.Unmarshal(encoded, &state); err != nil {
		return fmt.Errorf("not the state of an import: %w", err)
	}
	switch {
	case state.Version != Version || state.Read < 0:
		return errors.New("not the state of an import of this release")
	case state.Redis != i.address || state.Prefix != i.options.Prefix:
		return fmt.Errorf("the state is of %s, this is %s", state.Redis, i.address)
	}
	i.header, i.stored, i.report, i.kept = state.Header, state.Read, state.Report, state.Report
	return nil
}
