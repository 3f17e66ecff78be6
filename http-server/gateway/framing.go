package gateway

import (
	"bytes"
	"slices"
)

// The framing of requests (RFC 9112): where each begins and ends. It is stricter than Hertz, which reads behind it.
// Ambiguous framing is refused, because a proxy in front may interpret it differently.

// head is the parsed part of a request's head. It keeps no slice of it.
type head struct {
	from    int // where the request line is
	at      int // where the next line begins
	begun   bool
	version byte // '0' or '1', of HTTP/1
	host    bool
	length  bool
	chunked bool
	size    int64 // of the body, where length is set
	origin  span
}

// span is where something stands in the head.
type span struct{ from, to int }

// fault is why a request is refused, for people; "" for none.
type fault string

const (
	notHTTP       fault = "this is not an HTTP/1.1 request"
	noTarget      fault = "the target of the request is neither a path nor a URL of http or https"
	bareLF        fault = "a line of the request ends with LF alone; HTTP wants CR LF"
	folded        fault = "a header continues in a second line, which HTTP no longer allows"
	badName       fault = "the name of a header has a space or another byte that is not allowed"
	badValue      fault = "a header has a control character"
	twoHosts      fault = "the header Host is given twice"
	noHost        fault = "a request of HTTP/1.1 has the header Host"
	badHost       fault = "the header Host is not a host with or without a port"
	twoLengths    fault = "the header Content-Length is given twice"
	badLength     fault = "the header Content-Length is not one whole number"
	badEncoding   fault = "the header Transfer-Encoding is not only chunked"
	twoEncodings  fault = "the header Transfer-Encoding is given twice"
	lengthAndMore fault = "the headers Content-Length and Transfer-Encoding exclude each other"
	oldEncoding   fault = "a request of HTTP/1.0 has no Transfer-Encoding"
	badChunk      fault = "the body ended too early, or is not in the chunks of Transfer-Encoding"
)

// maxMethodBytes is longer than any method.
const maxMethodBytes = 32

// take reads on in the head that begins with b. It is called with more of the same bytes until it is whole: at is its
// length then. Tabs around values become spaces, for Hertz to trim them too.
func (h *head) take(b []byte) (whole bool, f fault) {
	for {
		end := bytes.IndexByte(b[h.at:], '\n')
		if end < 0 {
			return false, h.begins(b)
		}
		line := b[h.at : h.at+end]
		if end == 0 || line[end-1] != '\r' {
			return false, bareLF
		}
		line = line[:end-1]
		switch {
		case len(line) == 0 && h.begun:
			h.at += end + 1
			return true, h.judge()
		case len(line) == 0: // an empty line before a request is not of it (RFC 9112, 2.2)
			h.from = h.at + end + 1
		case !h.begun:
			f = h.requestLine(line)
		default:
			f = h.field(line)
		}
		if f != "" {
			return false, f
		}
		h.at += end + 1
	}
}

// begins refuses bytes that can never become a request.
func (h *head) begins(b []byte) fault {
	if h.begun {
		return ""
	}
	for i, c := range b[h.at:] {
		switch {
		case c == ' ' && i > 0, c == '\r' && i == 0:
			return ""
		case !isToken[c] || i == maxMethodBytes:
			return notHTTP
		}
	}
	return ""
}

func (h *head) requestLine(line []byte) fault {
	h.begun = true
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, version, _ := bytes.Cut(rest, []byte(" "))
	if len(method) == 0 || len(method) > maxMethodBytes || !all(method, &isToken) {
		return notHTTP
	}
	switch string(version) {
	case "HTTP/1.0", "HTTP/1.1":
		h.version = version[len(version)-1]
	default:
		return notHTTP
	}
	if !goodTarget(method, target) {
		return noTarget
	}
	return ""
}

// goodTarget accepts a path, the URL that is given to proxies, and the * of OPTIONS (RFC 9112, 3.2). Bytes beyond ASCII are
// none of a URL's, but clients send them.
func goodTarget(method, target []byte) bool {
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	if len(target) == 0 {
		return false
	}
	if target[0] == '/' {
		return true
	}
	scheme, rest, found := bytes.Cut(target, []byte("://"))
	if !found {
		return string(target) == "*" && string(method) == "OPTIONS"
	}
	if !is(scheme, "http") && !is(scheme, "https") {
		return false
	}
	if end := bytes.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return goodHost(rest)
}

// field reads a line of the head that is not its first.
func (h *head) field(line []byte) fault {
	colon := bytes.IndexByte(line, ':')
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return folded
	case colon <= 0 || !all(line[:colon], &isToken):
		return badName
	}
	name, value := line[:colon], line[colon+1:]
	if slices.ContainsFunc(value, isControl) {
		return badValue
	}
	value = trim(value)
	switch len(name) {
	case len("Host"):
		if is(name, "host") {
			return h.setHost(value)
		}
	case len("Origin"):
		if is(name, "origin") {
			from := h.at + len(line) - len(bytes.TrimLeft(line[colon+1:], " "))
			h.origin = span{from, from + len(value)}
		}
	case len("Content-Length"):
		if is(name, "content-length") {
			return h.setLength(value)
		}
	case len("Transfer-Encoding"):
		if is(name, "transfer-encoding") {
			return h.setEncoding(value)
		}
	}
	return ""
}

func (h *head) setHost(value []byte) fault {
	switch {
	case h.host:
		return twoHosts
	case !goodHost(value):
		return badHost
	}
	h.host = true
	return ""
}

// setLength: a list is refused too, whatever is in it.
func (h *head) setLength(value []byte) fault {
	if h.length {
		return twoLengths
	}
	if len(value) == 0 || len(value) > 18 {
		return badLength
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return badLength
		}
		h.size = 10*h.size + int64(c-'0')
	}
	h.length = true
	return ""
}

func (h *head) setEncoding(value []byte) fault {
	switch {
	case h.chunked:
		return twoEncodings
	case !is(value, "chunked"):
		return badEncoding
	}
	h.chunked = true
	return ""
}

// judge checks the rules that need the whole head.
func (h *head) judge() fault {
	switch {
	case h.length && h.chunked:
		return lengthAndMore
	case h.chunked && h.version == '0':
		return oldEncoding
	case !h.host && h.version == '1':
		return noHost
	}
	return ""
}

// goodHost accepts a name or an address, and a port where there is one (RFC 3986, 3.2): no user, no path, no space.
func goodHost(host []byte) bool {
	name, port := host, []byte(nil)
	if end := bytes.LastIndexByte(host, ':'); end >= 0 && bytes.IndexByte(host[end:], ']') < 0 {
		name, port = host[:end], host[end+1:]
	}
	if len(name) == 0 || len(port) > 5 {
		return false
	}
	for _, c := range port {
		if c < '0' || c > '9' {
			return false
		}
	}
	if name[0] != '[' {
		return all(name, &isHost)
	}
	if len(name) < 4 || name[len(name)-1] != ']' {
		return false
	}
	for _, c := range name[1 : len(name)-1] {
		if c != ':' && c != '.' && hexValue(c) < 0 {
			return false
		}
	}
	return true
}

// trim removes the space around a value, of which each tab becomes a space where it stands.
func trim(value []byte) []byte {
	for len(value) > 0 && (value[0] == ' ' || value[0] == '\t') {
		value[0] = ' '
		value = value[1:]
	}
	for len(value) > 0 && (value[len(value)-1] == ' ' || value[len(value)-1] == '\t') {
		value[len(value)-1] = ' '
		value = value[:len(value)-1]
	}
	return value
}

// is compares without regard to case. The word is in lower case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// bytesOf is the set of bytes that are letters, digits or in more.
func bytesOf(more string) (set [256]bool) {
	for c := range set {
		c := byte(c)
		set[c] = c >= '0' && c <= '9' || c|' ' >= 'a' && c|' ' <= 'z' || bytes.IndexByte([]byte(more), c) >= 0
	}
	return set
}

var (
	isToken = bytesOf("!#$%&'*+-.^_`|~")
	isHost  = bytesOf("-._~!$&'()*+,;=%")
)

func all(b []byte, in *[256]bool) bool {
	for _, c := range b {
		if !in[c] {
			return false
		}
	}
	return true
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|' ' >= 'a' && c|' ' <= 'f':
		return int(c|' '-'a') + 10
	}
	return -1
}
