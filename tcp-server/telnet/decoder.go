// Package telnet serves rooms to people, over telnet (RFC 854) and over plain TCP. docs/telnet.md describes it for users.
package telnet

import (
	"bytes"
	"unicode/utf8"
)

// line is the client's input up to an end of line.
type line struct {
	text    string
	size    int // in bytes
	tooLong bool
}

// decoder reads lines from a client's bytes, and answers negotiation. A line ends with LF, CR LF, CR NUL or CR. It keeps at
// most limit bytes of a line, and counts the others.
type decoder struct {
	limit   int
	lines   []line // complete, in order
	answers []byte // to the client

	state   state
	verb    byte // of a negotiation
	pending []byte
	size    int // of the pending line
	afterCR bool
	options options
}

type state int

const (
	inText       state = iota
	afterIAC           // IAC
	afterVerb          // IAC WILL, WONT, DO or DONT
	afterSB            // IAC SB
	inOption           // IAC SB option
	afterIACInSB       // IAC in a subnegotiation
)

// The commands of RFC 854.
const (
	seCommand = 240
	ip        = 244
	ayt       = 246
	eraseChar = 247
	eraseLine = 248
	sb        = 250
	will      = 251
	wont      = 252
	do        = 253
	dont      = 254
	iac       = 255
)

const (
	backspace = 8
	deletes   = 127
	// maxOption bounds a subnegotiation; the rest of a longer one is ignored.
	maxOption = 256
)

func (d *decoder) feed(in []byte) {
	for len(in) > 0 {
		if d.state == inText && !d.afterCR {
			plain := bytes.IndexFunc(in, special)
			if plain < 0 {
				plain = len(in)
			}
			d.add(in[:plain])
			in = in[plain:]
			if len(in) == 0 {
				return
			}
		}
		d.one(in[0])
		in = in[1:]
	}
}

// special reports whether a character is not simply part of a line. Invalid UTF-8, such as IAC, is special too.
func special(r rune) bool { return r < ' ' || r == deletes || r == utf8.RuneError }

func (d *decoder) one(b byte) {
	switch d.state {
	case inText:
		d.character(b)
	case afterIAC:
		d.command(b)
	case afterVerb:
		d.state = inText
		d.answers = d.options.negotiate(d.answers, d.verb, b)
	case afterSB:
		d.state = inOption
		d.options.begin(b)
	case inOption:
		if b == iac {
			d.state = afterIACInSB
		} else {
			d.options.add(b)
		}
	case afterIACInSB:
		switch b {
		case iac:
			d.state = inOption
			d.options.add(b)
		case seCommand:
			d.state = inText
			d.answers = d.options.end(d.answers)
		default: // the client has ended it some other way: this is a command
			d.state = afterIAC
			d.command(b)
		}
	}
}

// character reads a byte that is not part of a command.
func (d *decoder) character(b byte) {
	if d.afterCR {
		if b == iac {
			d.state = afterIAC
			return
		}
		d.afterCR = false
		if b == '\n' || b == 0 { // the line has ended at the CR
			return
		}
	}
	switch b {
	case iac:
		d.state = afterIAC
	case '\n':
		d.endLine()
	case '\r':
		d.endLine()
		d.afterCR = true
	case 0: // RFC 854: no operation
	case backspace, deletes:
		d.erase()
	default:
		d.add([]byte{b})
	}
}

func (d *decoder) command(b byte) {
	d.state = inText
	switch b {
	case will, wont, do, dont:
		d.verb, d.state = b, afterVerb
	case sb:
		d.state = afterSB
	case iac: // a byte of data, which is never one of UTF-8
		d.afterCR = false
		d.add([]byte{b})
	case eraseChar:
		d.erase()
	case eraseLine, ip:
		d.pending, d.size = d.pending[:0], 0
	case ayt:
		d.answers = append(d.answers, "\r\n* yes\r\n"...)
	}
}

func (d *decoder) add(text []byte) {
	d.size += len(text)
	if room := d.limit - len(d.pending); room > 0 && len(text) > 0 {
		d.pending = append(d.pending, text[:min(room, len(text))]...)
	}
}

// erase takes the last character back, as a client without a line editor asks for it.
func (d *decoder) erase() {
	if d.size > len(d.pending) {
		d.size--
		return
	}
	_, size := utf8.DecodeLastRune(d.pending)
	d.pending = d.pending[:len(d.pending)-size]
	d.size = len(d.pending)
}

func (d *decoder) endLine() {
	d.lines = append(d.lines, line{string(d.pending), d.size, d.size > d.limit})
	d.pending, d.size = nil, 0 // an idle connection keeps no buffer
}

// close ends the last line, which may lack its end.
func (d *decoder) close() {
	if d.size > 0 {
		d.endLine()
	}
}

// next takes the first complete line.
func (d *decoder) next() (line, bool) {
	if len(d.lines) == 0 {
		return line{}, false
	}
	first := d.lines[0]
	if d.lines = d.lines[1:]; len(d.lines) == 0 {
		d.lines = nil
	}
	return first, true
}

// peek reports whether there is a complete line.
func (d *decoder) peek() bool { return len(d.lines) > 0 }
