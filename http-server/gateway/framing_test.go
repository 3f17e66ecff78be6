package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// smuggled stands behind a refused request, as its body or as another request. It must reach no handler.
const smuggled = "POST /api/send HTTP/1.1\r\nHost: a\r\nContent-Length: 52\r\n\r\n" + goodSend

// post is the head of a request with these headers.
func post(headers ...string) string {
	return "POST /api/send HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
}

var refusedRequests = []struct {
	name, request string
	want          fault
}{
	{"two lengths", post("Host: a", "Content-Length: 5", "Content-Length: 5"), twoLengths},
	{"two different lengths", post("Host: a", "Content-Length: 5", "content-length: 0"), twoLengths},
	{"a list of lengths", post("Host: a", "Content-Length: 5, 5"), badLength},
	{"a negative length", post("Host: a", "Content-Length: -1"), badLength},
	{"a length with a sign", post("Host: a", "Content-Length: +5"), badLength},
	{"a length in hex", post("Host: a", "Content-Length: 0x5"), badLength},
	{"a length with a fraction", post("Host: a", "Content-Length: 5.0"), badLength},
	{"a length with a space in it", post("Host: a", "Content-Length: 5 5"), badLength},
	{"an endless length", post("Host: a", "Content-Length: 18446744073709551621"), badLength},
	{"no length in it", post("Host: a", "Content-Length:"), badLength},
	{"a length and chunks", post("Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"), lengthAndMore},
	{"chunks and a length", post("Host: a", "Transfer-Encoding: chunked", "Content-Length: 5"), lengthAndMore},
	{"identity", post("Host: a", "Transfer-Encoding: identity"), badEncoding},
	{"chunked, identity", post("Host: a", "Transfer-Encoding: chunked, identity"), badEncoding},
	{"gzip, chunked", post("Host: a", "Transfer-Encoding: gzip, chunked"), badEncoding},
	{"chunked twice in a list", post("Host: a", "Transfer-Encoding: chunked, chunked"), badEncoding},
	{"chunked twice", post("Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), twoEncodings},
	{"chunked, then gzip", post("Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip"), twoEncodings},
	{"xchunked", post("Host: a", "Transfer-Encoding: xchunked"), badEncoding},
	{"chunked in quotes", post("Host: a", `Transfer-Encoding: "chunked"`), badEncoding},
	{"chunked with a parameter", post("Host: a", "Transfer-Encoding: chunked;a=b"), badEncoding},
	{"an encoding that is empty", post("Host: a", "Transfer-Encoding: "), badEncoding},
	{"chunked, vertical tab", post("Host: a", "Transfer-Encoding: \vchunked"), badValue},
	{"chunks in HTTP/1.0", "POST /api/send HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", oldEncoding},
	{"two hosts", post("Host: a", "Host: a"), twoHosts},
	{"two hosts of HTTP/1.0", "GET /ping HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", twoHosts},
	{"no host", post("Accept: */*"), noHost},
	{"an empty host", post("Host:"), badHost},
	{"a host with a space", post("Host: a b"), badHost},
	{"a host with a tab", post("Host: a\tb"), badHost},
	{"a host with a user", post("Host: user@a"), badHost},
	{"a host with a path", post("Host: a/b"), badHost},
	{"a host with a query", post("Host: a?b"), badHost},
	{"a host with a port that is none", post("Host: a:b"), badHost},
	{"a host with a long port", post("Host: a:123456"), badHost},
	{"a list of hosts", post("Host: a, b"), badHost},
	{"a port alone", post("Host: :80"), badHost},
	{"half an address", post("Host: [::1"), badHost},
	{"an address without brackets", post("Host: ::1"), badHost},
	{"a name in brackets", post("Host: [a.example]"), badHost},
	{"a URL as the host", post("Host: http://a"), badHost},
	{"a space before the colon", post("Host: a", "Content-Length : 5"), badName},
	{"a tab before the colon", post("Host: a", "Transfer-Encoding\t: chunked"), badName},
	{"a space in a name", post("Host: a", "Content Length: 5"), badName},
	{"no name", post("Host: a", ": 5"), badName},
	{"no colon", post("Host: a", "Content-Length"), badName},
	{"a null in a name", post("Host: a", "Content-Length\x00: 5"), badName},
	{"a folded header", post("Host: a", "A: b", " c"), folded},
	{"a folded encoding", post("Host: a", "Transfer-Encoding:", " chunked"), badEncoding},
	{"a folded header with a colon", post("Host: a", "A: b", "\tTransfer-Encoding: chunked"), folded},
	{"a folded first header", post(" Host: a"), folded},
	{"a line with LF alone", "POST /api/send HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n", bareLF},
	{"all lines with LF alone", "GET /ping HTTP/1.1\nHost: a\n\n", bareLF},
	{"an end with LF alone", "GET /ping HTTP/1.1\r\nHost: a\r\n\n", bareLF},
	{"CR alone in a value", post("Host: a", "A: b\rContent-Length: 5"), badValue},
	{"CR twice", "GET /ping HTTP/1.1\r\r\nHost: a\r\n\r\n", notHTTP},
	{"a null in a value", post("Host: a", "A: b\x00"), badValue},
	{"a space before the method", " GET /ping HTTP/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"two spaces behind the method", "GET  /ping HTTP/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"a space in the target", "GET /pi ng HTTP/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"a space behind the version", "GET /ping HTTP/1.1 \r\nHost: a\r\n\r\n", notHTTP},
	{"a tab in the request line", "GET\t/ping HTTP/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"a version in small letters", "GET /ping http/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"a version with a zero", "GET /ping HTTP/1.10\r\nHost: a\r\n\r\n", notHTTP},
	{"version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", notHTTP},
	{"version 0.9", "GET /ping HTTP/0.9\r\nHost: a\r\n\r\n", notHTTP},
	{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"an empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", noTarget},
	{"a target that is no path", "GET ping HTTP/1.1\r\nHost: a\r\n\r\n", noTarget},
	{"a target for tunnels", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", noTarget},
	{"a * of GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", noTarget},
	{"a URL with a user", "GET http://user@a/ping HTTP/1.1\r\nHost: a\r\n\r\n", noTarget},
	{"a URL of files", "GET file://a/ping HTTP/1.1\r\nHost: a\r\n\r\n", noTarget},
	{"a method that is none", "GE(T /ping HTTP/1.1\r\nHost: a\r\n\r\n", notHTTP},
	{"a chunk with a minus", post("Host: a", "Transfer-Encoding: chunked") + "-5\r\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk with 0x", post("Host: a", "Transfer-Encoding: chunked") + "0x5\r\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk without a length", post("Host: a", "Transfer-Encoding: chunked") + ";a\r\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk of an endless length", post("Host: a", "Transfer-Encoding: chunked") + "10000000000000005\r\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk's length with LF alone", post("Host: a", "Transfer-Encoding: chunked") + "5\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk's extension with LF alone", post("Host: a", "Transfer-Encoding: chunked") + "5;a\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk's extension with CR alone", post("Host: a", "Transfer-Encoding: chunked") + "5;a\rb\r\nhello\r\n0\r\n\r\n", badChunk},
	{"a chunk that is longer", post("Host: a", "Transfer-Encoding: chunked") + "5\r\nhello!\r\n0\r\n\r\n", badChunk},
	{"a chunk with LF behind it", post("Host: a", "Transfer-Encoding: chunked") + "5\r\nhello\n0\r\n\r\n", badChunk},
	{"a trailer with LF alone", post("Host: a", "Transfer-Encoding: chunked") + "0\r\nA: b\n\r\n", badChunk},
	{"a trailer without a colon", post("Host: a", "Transfer-Encoding: chunked") + "0\r\nA\r\n\r\n", badChunk},
	{"a folded trailer", post("Host: a", "Transfer-Encoding: chunked") + "0\r\nA: b\r\n c\r\n\r\n", badChunk},
}

// TestRefusedRequests are answered 400 in the one error shape, once, and nothing behind them is a request: however they
// come.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	for _, c := range refusedRequests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for way, send := range map[string]func(w wire, request string){
				"at once": func(w wire, request string) { _, _ = io.WriteString(w, request+smuggled) },
				"behind a good one": func(w wire, request string) {
					_, _ = io.WriteString(w, sendRequest+request+smuggled)
					w.answer(t, http.StatusOK)
				},
				"byte by byte": func(w wire, request string) {
					for _, b := range []byte(request + smuggled) {
						if _, err := w.Write([]byte{b}); err != nil {
							return // it has been refused
						}
					}
				},
			} {
				client := dial(t, g.addr)
				_ = client.SetDeadline(time.Now().Add(patience))
				send(client, c.request)
				closes, body := client.answer(t, http.StatusBadRequest)
				// Of a fault in the trailer the body is whole before it. It may be answered first, as the empty body that it is.
				early := way == "byte by byte" && strings.Contains(c.request, "\r\n0\r\n") && strings.Contains(body, "the body is not a JSON object")
				if want := fmt.Sprintf(`{"code":"invalid_argument","message":"%s"}`, c.want); !early && (body != want || !closes) {
					t.Errorf("%s, %q is answered %s, close %v; want %s and the end", way, c.request, body, closes, want)
				}
				if rest, err := io.ReadAll(client.in); len(rest) > 0 || err != nil {
					t.Errorf("%s, behind the answer to %q comes %q, %v; want the end", way, c.request, rest, err)
				}
			}
		})
	}
}

func chunks(body string) string {
	return post("Host: a", "Transfer-Encoding: chunked") + body
}

// TestAcceptedRequests: valid requests arrive, in any pieces, and so does the next request on the connection.
func TestAcceptedRequests(t *testing.T) {
	t.Parallel()
	length := fmt.Sprintf("Content-Length: %d", len(goodSend))
	half, rest := goodSend[:20], goodSend[20:]
	size, restSize := fmt.Sprintf("%x", len(half)), fmt.Sprintf("%x", len(rest))
	for _, c := range []struct{ name, request string }{
		{"usual", sendRequest},
		{"an empty line before it", "\r\n" + sendRequest},
		{"capital letters", "POST /api/send HTTP/1.1\r\nHOST: a\r\nCONTENT-LENGTH: 52\r\n\r\n" + goodSend},
		{"no space behind colons", post("Host:a", "Content-Length:52") + goodSend},
		{"tabs around values", post("Host:\ta\t", "Content-Length:\t52 \t") + goodSend},
		{"zeros before the length", post("Host: a", "Content-Length: 00052") + goodSend},
		{"a port", post("Host: a.example:8080", length) + goodSend},
		{"a colon without a port", post("Host: a.example:", length) + goodSend},
		{"an address", post("Host: [::1]:8080", length) + goodSend},
		{"a name with an underscore", post("Host: http_server", length) + goodSend},
		{"a URL", "POST http://a.example:80/api/send HTTP/1.1\r\nHost: a.example\r\n" + length + "\r\n\r\n" + goodSend},
		{"a value beyond ASCII", post("Host: a", "A: \xff\xc3\xa4", length) + goodSend},
		{"an empty value", post("Host: a", "A:", length) + goodSend},
		{"chunks", chunks(size + "\r\n" + half + "\r\n" + restSize + "\r\n" + rest + "\r\n0\r\n\r\n")},
		{"CHUNKED", post("Host: a", "transfer-encoding: CHUNKED") + "34\r\n" + goodSend + "\r\n0\r\n\r\n"},
		{"chunks of one byte", chunks("1\r\n{\r\n33\r\n" + goodSend[1:] + "\r\n0\r\n\r\n")},
		{"zeros before a chunk's length", chunks("00034\r\n" + goodSend + "\r\n000\r\n\r\n")},
		{"extensions of chunks", chunks("34;a=b;c=\"d;e\"\r\n" + goodSend + "\r\n0;f\r\n\r\n")},
		{"space behind a chunk's length", chunks("34 \t;a\r\n" + goodSend + "\r\n0 \r\n\r\n")},
		{"a trailer", chunks("34\r\n" + goodSend + "\r\n0\r\nA: b\r\nContent-Length: 7\r\nTransfer-Encoding: x\r\n\r\n")},
		{"a large head", post("Host: a", "A: "+strings.Repeat("a", 12_000), length) + goodSend},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			service := &keeping{sent: make(chan chat.Message, 10)}
			g := runConfig(t, service, Config{}, func(*limits) {})
			pieces := func(size int) func(wire) {
				return func(w wire) {
					for text := c.request + sendRequest; text != ""; {
						piece := text[:min(size, len(text))]
						w.ask(t, piece)
						text = text[len(piece):]
					}
				}
			}
			for way, send := range map[string]func(wire){"at once": pieces(1 << 20), "in sevens": pieces(7), "byte by byte": pieces(1)} {
				client := dial(t, g.addr)
				_ = client.SetDeadline(time.Now().Add(patience))
				send(client)
				for range 2 {
					if closes, body := client.answer(t, http.StatusOK); closes {
						t.Errorf("%s, %q is answered %s, and the connection ends", way, c.request, body)
					}
					if sent := <-service.sent; sent.Chat != "alice:bob" || sent.Text != "hello" {
						t.Errorf("%s, %q sends %+v", way, c.request, sent)
					}
				}
			}
		})
	}
}

// keeping records the sent messages.
type keeping struct {
	fakeService
	sent chan chat.Message
}

func (c *keeping) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	c.sent <- m
	return c.fakeService.Send(ctx, m)
}

// TestPipelining: many requests at once are answered in their order.
func TestPipelining(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	client := dial(t, g.addr)
	_ = client.SetDeadline(time.Now().Add(patience))
	const many = 500
	var all bytes.Buffer
	for i := range many {
		if i%2 == 0 {
			all.WriteString(sendRequest)
		} else {
			all.WriteString("GET /api/pull?chat=a HTTP/1.1\r\nHost: a\r\n\r\n")
		}
	}
	go func() { _, _ = client.Write(all.Bytes()) }()
	for i := range many {
		_, body := client.answer(t, http.StatusOK)
		if sent := strings.HasPrefix(body, `{"status":"success"`); sent != (i%2 == 0) {
			t.Fatalf("answer %d is %s", i, body)
		}
	}
}

// TestBodiesBeforeStreams: later bytes on a connection that becomes a stream are not the rest of a body.
func TestBodiesBeforeStreams(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	for _, request := range []string{
		strings.Replace(upgrade(""), "Host: a\r\n", "Host: a\r\nContent-Length: 9\r\n", 1),
		strings.Replace(upgrade(""), "Host: a\r\n", "Host: a\r\nTransfer-Encoding: chunked\r\n", 1),
		"GET /api/stream?chat=a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
		"GET /api/stream?chat=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		client := dial(t, g.addr)
		client.ask(t, request+"4\r\nabcd\r\n0\r\n\r\n"+sendRequest)
		if closes, body := client.answer(t, http.StatusBadRequest); !closes || !strings.Contains(body, "this request has no body") {
			t.Errorf("%q is answered %s, close %v; want 400 and the end", request, body, closes)
		}
		client.ended(t)
	}
}
