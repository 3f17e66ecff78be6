package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// framed is a conn as Hertz reads it: request by request. A request reaches Hertz once its head is complete and valid.
// The next request follows only when Hertz asks for more. So no part of a refused request is ever taken for another
// request.
type framed struct {
	*conn

	head    head
	body    body
	held    []byte // a head that has come in several reads
	whole   bool   // it is, and goes to Hertz
	refused bool   // there is no request after this one
}

// Read gives Hertz the bytes of one request.
func (f *framed) Read(b []byte) (n int, err error) {
	for n == 0 && err == nil {
		switch {
		case f.taken.Load():
			return f.conn.Read(b)
		case f.refused:
			return 0, io.EOF
		case f.whole:
			return f.give(b), nil
		case f.body.at == noBody:
			n, err = f.readHead(b)
		default:
			n, err = f.readBody(b)
		}
	}
	return n, err
}

// readHead returns 0 bytes and no error where more of the head must come.
func (f *framed) readHead(b []byte) (int, error) {
	n, err := f.conn.Read(b)
	if n == 0 {
		return 0, f.cutOff(err)
	}
	text := b[:n]
	if f.held != nil {
		f.held = append(f.held, text...)
		text = f.held
	}
	whole, wrong := f.head.take(text)
	f.origin = f.listener.originOf(text, &f.head)
	switch {
	case wrong != "":
		return 0, f.refuse(http.StatusBadRequest, wrong)
	case f.head.at > maxHeaderBytes || !whole && len(text) >= maxHeaderBytes:
		return 0, f.refuse(http.StatusRequestHeaderFieldsTooLarge, "")
	case whole:
		return f.pass(b, text, b[n-(len(text)-f.head.at):n])
	case f.held == nil:
		f.held = append(f.held, text...)
	}
	return 0, f.cutOff(err)
}

// cutOff answers where a head has begun that does not go on.
func (f *framed) cutOff(err error) error {
	switch {
	case f.held == nil || err == nil:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return f.refuse(http.StatusRequestTimeout, "")
	}
	return f.refuse(http.StatusBadRequest, notHTTP)
}

// pass gives Hertz the whole head that text begins with. came is the end of b, after the head.
func (f *framed) pass(b, text, came []byte) (int, error) {
	from, to := f.head.from, f.head.at
	f.body.begin(&f.head)
	f.head = head{}
	kept, used, wrong := f.body.take(came)
	if wrong != "" {
		return 0, f.refuse(http.StatusBadRequest, wrong)
	}
	if used < len(came) {
		f.unread(came[used:])
	}
	if f.held != nil {
		f.held, f.whole = append(f.held[from:to], came[:kept]...), true
		return f.give(b), nil
	}
	return copy(b, text[from:to+kept]), nil
}

// give gives Hertz the held bytes.
func (f *framed) give(b []byte) int {
	n := copy(b, f.held)
	if f.held = f.held[n:]; len(f.held) == 0 {
		f.held, f.whole = nil, false
	}
	return n
}

func (f *framed) readBody(b []byte) (int, error) {
	n, err := f.conn.Read(b)
	kept, used, wrong := f.body.take(b[:n])
	if used < n && wrong == "" {
		f.unread(b[used:n])
	}
	if wrong != "" {
		f.refused = true // the handler answers that the body is wrong
		return kept, io.ErrUnexpectedEOF
	}
	return kept, err
}

// refuse answers in the place of Hertz, and ends the connection.
func (f *framed) refuse(status int, why fault) error {
	f.refused, f.held = true, nil
	prolong(&f.writeUntil, f.listener.limits.write, f.Conn.SetWriteDeadline)
	if _, err := f.Conn.Write(f.listener.ownAnswer(f.RemoteAddr(), status, why, f.origin)); err != nil {
		return err
	}
	return io.EOF
}

// Close reads the bytes that the client of a refused request still sends, so that the client can read the answer (RFC
// 9112, 9.6). It reads for a moment after an invalid request, and until the request's deadline after an unread body.
// Hertz has read the latter, unless the handler stopped within a chunk.
func (f *framed) Close() error {
	switch {
	case f.refused:
		_ = f.Linger()
	case f.last && f.lingers && f.body.at != noBody:
		_ = f.lingerUntil(f.since.Add(f.listener.limits.request))
	}
	return f.conn.Close()
}
