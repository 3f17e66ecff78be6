package gateway

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudwego/hertz/pkg/common/test/mock"
	"github.com/cloudwego/hertz/pkg/protocol"
	"github.com/cloudwego/hertz/pkg/protocol/http1/req"
)

// scripted is a connection on which text comes in pieces of one size.
type scripted struct {
	net.Conn // is not used

	text  []byte
	piece int
}

func (s *scripted) RemoteAddr() net.Addr { return nil }

func (s *scripted) Read(b []byte) (int, error) {
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), s.piece)], s.text)
	s.text = s.text[n:]
	return n, nil
}

func (*scripted) Write(b []byte) (int, error)      { return len(b), nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }
func (*scripted) Close() error                     { return nil }

// framedBy returns the bytes that Hertz gets of a text, by request, and whether all of the text was valid.
func framedBy(text []byte, piece, buffer int) (requests [][]byte, good bool) {
	l := newListener(nil, false, limits{bytes: 1 << 30}, slog.New(slog.DiscardHandler))
	f := &framed{conn: newConn(&scripted{text: bytes.Clone(text), piece: piece}, l)}
	var request []byte
	for b := make([]byte, buffer); ; {
		n, err := f.Read(b)
		request = append(request, b[:n]...)
		if len(request) > 0 && !f.whole && f.body.at == noBody {
			requests = append(requests, request)
			request = nil
			f.reached = true
			_, _ = f.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		}
		if err != nil {
			return requests, !f.refused && len(request) == 0
		}
	}
}

// FuzzFraming: requests are the same in whatever pieces they come; Hertz takes each to its end and no further, or refuses
// it; and net/http finds the same requests in the whole text.
func FuzzFraming(f *testing.F) {
	for _, c := range refusedRequests {
		f.Add([]byte(c.request+smuggled), 3)
		f.Add([]byte(sendRequest+c.request+smuggled), 60)
	}
	for _, body := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0;c\r\nA: b\r\n\r\n", "00005 \t;\r\nhello\r\n00\r\n\r\n", "0\r\n\r\n", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
		"0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "fffffffffffffff\r\nhello", "1000000000000000\r\n",
	} {
		f.Add([]byte(chunks(body)+sendRequest), 1)
	}
	f.Add([]byte("\r\n\r\n"+sendRequest+"\r\n"+sendRequest), 5)
	f.Add([]byte(post("Host: a", "Trailer: A, B", "Expect: 100-continue", "Transfer-Encoding:\tchunked\t")+"0\r\nA: b\r\n\r\n"), 7)
	f.Add([]byte("GET http://a:80/b?c#d HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\nOrigin:  http://a \r\n\r\nOPTIONS * HTTP/1.0\r\n\r\n"), 11)
	f.Fuzz(func(t *testing.T, text []byte, piece int) {
		requests, good := framedBy(text, len(text)+1, 64<<10)
		inPieces, goodInPieces := framedBy(text, max(piece, 1), max(piece/2, 1))
		same := len(requests) == len(inPieces) && good == goodInPieces
		for i := range requests {
			same = same && bytes.Equal(requests[i], inPieces[i])
		}
		if !same {
			t.Fatalf("%q is %q, good %v; in pieces of %d it is %q, good %v", text, requests, good, piece, inPieces, goodInPieces)
		}
		reference := bufio.NewReader(bytes.NewReader(text))
		for _, raw := range requests {
			got, ok := readByHertz(t, raw)
			want := readByGo(t, text, reference)
			if want == nil {
				return
			}
			if ok && got != *want {
				t.Errorf("%q is %+v, and %+v to net/http", raw, got, *want)
			}
		}
	})
}

// understood is a request as a parser reads it.
type understood struct{ method, target, body string }

// readByHertz fails where Hertz takes a part of the request for a whole one.
func readByHertz(t *testing.T, raw []byte) (understood, bool) {
	t.Helper()
	reader := mock.NewZeroCopyReader(string(raw))
	var r protocol.Request
	if err := req.Read(&r, reader, false); err != nil {
		return understood{}, false
	}
	if r.MayContinue() {
		if err := req.ContinueReadBody(&r, reader, 0, false); err != nil {
			return understood{}, false
		}
	}
	if reader.Len() > 0 {
		rest, _ := reader.Peek(reader.Len())
		t.Errorf("of %q Hertz leaves %q, which would be another request", raw, rest)
	}
	return understood{string(r.Method()), string(r.RequestURI()), string(r.Body())}, true
}

var spaceBehindDigits = regexp.MustCompile("[0-9A-Fa-f][ \t]")

// readByGo returns nil where net/http refuses a request for another reason than framing.
func readByGo(t *testing.T, text []byte, in *bufio.Reader) *understood {
	t.Helper()
	for {
		begin, err := in.Peek(2)
		if err != nil || string(begin) != "\r\n" {
			break
		}
		_, _ = in.Discard(2)
	}
	r, err := http.ReadRequest(in)
	if err == nil {
		body, readErr := io.ReadAll(r.Body)
		if err = readErr; err == nil {
			return &understood{r.Method, r.RequestURI, string(body)}
		}
	}
	if strings.Contains(err.Error(), "invalid byte in chunk length") && spaceBehindDigits.Match(text) {
		return nil // which net/http takes behind the length only, and RFC 9112 before the extension
	}
	for _, other := range []string{"parse \"", "bad trailer key", "invalid URI"} {
		if strings.Contains(err.Error(), other) {
			return nil
		}
	}
	t.Errorf("net/http refuses a request: %v", err)
	return nil
}
