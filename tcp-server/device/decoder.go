// Package device serves devices over TCP: JSON objects, one in a line or one in a frame. docs/devices.md describes the protocol.
package device

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// decoder splits a client's bytes into objects. The first byte decides: frames of 4 bytes of length, big-endian, begin with a
// zero, because none is longer than limit; anything else is lines.
type decoder struct {
	limit   int // bytes of an object; below 1 << 24
	begun   bool
	framed  bool
	pending []byte
	skipped int // bytes of a line beyond limit
}

// errTooLong: the object was skipped, and the next can be read.
var errTooLong = errors.New("too long")

// errFraming: a frame is longer than the limit; nothing after it can be read.
var errFraming = errors.New("a frame is too long")

// feed adds bytes.
func (d *decoder) feed(in []byte) {
	if len(in) > 0 && !d.begun {
		d.begun, d.framed = true, in[0] == 0
	}
	d.pending = append(d.pending, in...)
}

// next takes the first complete object. ok is false if there is none yet. Blank lines are skipped.
func (d *decoder) next() (object []byte, ok bool, err error) {
	if d.framed {
		return d.nextFrame()
	}
	for {
		end := bytes.IndexByte(d.pending, '\n')
		if end < 0 {
			if len(d.pending) > d.limit+1 { // with a CR
				d.skipped += len(d.pending)
				d.pending = nil
			}
			return nil, false, nil
		}
		line := bytes.TrimSpace(d.pending[:end])
		size := d.skipped + end
		d.skipped = 0
		d.advance(end + 1)
		switch {
		case size > d.limit+1:
			return nil, true, fmt.Errorf("%w: %d bytes", errTooLong, size)
		case len(line) > 0:
			return line, true, nil
		}
	}
}

func (d *decoder) nextFrame() (object []byte, ok bool, err error) {
	if len(d.pending) < 4 {
		return nil, false, nil
	}
	size := int(binary.BigEndian.Uint32(d.pending))
	switch {
	case size > d.limit:
		return nil, false, errFraming
	case len(d.pending) < 4+size:
		return nil, false, nil
	}
	object = d.pending[4 : 4+size]
	d.advance(4 + size)
	return object, true, nil
}

// advance drops bytes. An idle connection keeps no buffer.
func (d *decoder) advance(n int) {
	if d.pending = d.pending[n:]; len(d.pending) == 0 {
		d.pending = nil
	}
}

// encode returns an object as the client sends its own.
func (d *decoder) encode(object []byte) []byte {
	if d.framed {
		return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(object)), uint32(len(object))), object...)
	}
	return append(slices.Clip(object), '\n')
}
