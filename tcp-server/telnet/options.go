package telnet

import (
	"bytes"
	"strings"
)

// The options that are agreed to. All others are refused (RFC 855).
const (
	binary     = 0  // RFC 856: UTF-8 has eight bits
	echo       = 1  // RFC 857: offered while a password is typed
	timingMark = 6  // RFC 860
	naws       = 31 // RFC 1073: the size of the window
	charset    = 42 // RFC 2066: UTF-8
)

// The commands of CHARSET.
const (
	charsetRequest  = 1
	charsetAccepted = 2
	charsetRejected = 3
)

const utf8Name = "UTF-8"

// options are the options that both sides have agreed on.
type options struct {
	mine, theirs uint64 // bits of options below 64
	awaited      int    // answers to hide and show that have not come

	subject byte   // the option of the subnegotiation
	data    []byte // of it
	height  int    // of the client's window, in lines; 0 is unknown
}

func bit(option byte) uint64 {
	if option >= 64 {
		return 0
	}
	return 1 << option
}

// negotiate appends the answer to a client's WILL, WONT, DO or DONT. A request for an agreed option gets no answer, so
// that no two sides answer each other for ever (RFC 854).
func (o *options) negotiate(answer []byte, verb, option byte) []byte {
	if option == echo && o.awaited > 0 && (verb == do || verb == dont) {
		// Only the last answer counts: earlier answers may cross with later requests (RFC 1143).
		if o.awaited--; o.awaited == 0 && verb == dont {
			o.mine &^= bit(echo)
		}
		return answer
	}
	switch verb {
	case will:
		switch {
		case option != binary && option != naws && option != charset:
			return append(answer, iac, dont, option)
		case o.theirs&bit(option) == 0:
			o.theirs |= bit(option)
			return append(answer, iac, do, option)
		}
	case wont:
		if o.theirs&bit(option) != 0 {
			o.theirs &^= bit(option)
			return append(answer, iac, dont, option)
		}
	case do:
		switch {
		case option == timingMark: // each one is answered
			return append(answer, iac, will, option)
		case o.mine&bit(option) != 0:
		case option == binary:
			o.mine |= bit(option)
			return append(answer, iac, will, option)
		case option == charset:
			o.mine |= bit(option)
			answer = append(answer, iac, will, option, iac, sb, charset, charsetRequest, ';')
			return append(append(answer, utf8Name...), iac, seCommand)
		default:
			return append(answer, iac, wont, option)
		}
	case dont:
		if o.mine&bit(option) != 0 {
			o.mine &^= bit(option)
			return append(answer, iac, wont, option)
		}
	}
	return answer
}

// hide offers to echo the client's input, and does not echo: so the input is not shown.
func (o *options) hide() []byte {
	o.mine |= bit(echo)
	o.awaited++
	return []byte{iac, will, echo}
}

// show ends hide.
func (o *options) show() []byte {
	if o.mine&bit(echo) == 0 { // the client has refused it
		return nil
	}
	o.mine &^= bit(echo)
	o.awaited++
	return []byte{iac, wont, echo}
}

func (o *options) begin(option byte) { o.subject, o.data = option, nil }

func (o *options) add(b byte) {
	if len(o.data) < maxOption {
		o.data = append(o.data, b)
	}
}

// end appends the answer to a subnegotiation.
func (o *options) end(answer []byte) []byte {
	data := o.data
	o.data = nil
	switch {
	case o.subject == naws && len(data) == 4:
		o.height = int(data[2])<<8 | int(data[3])
	case o.subject == charset && len(data) > 0 && data[0] == charsetRequest:
		answer = append(answer, iac, sb, charset)
		if name := offered(data[1:]); name != "" {
			answer = append(append(answer, charsetAccepted), name...)
		} else {
			answer = append(answer, charsetRejected)
		}
		return append(answer, iac, seCommand)
	}
	return answer
}

// offered returns the name by which a list offers UTF-8, or "". The list begins with its separator.
func offered(list []byte) string {
	if after, tables := bytes.CutPrefix(list, []byte("[TTABLE]")); tables && len(after) > 0 {
		list = after[1:] // a version
	}
	if len(list) < 2 {
		return ""
	}
	for name := range strings.SplitSeq(string(list[1:]), string(list[:1])) {
		if strings.EqualFold(name, utf8Name) {
			return name
		}
	}
	return ""
}
