package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// target is the server under load.
type target struct{ host string }

func newTarget(server string) (*target, error) {
	parsed, err := url.Parse(server)
	if err != nil || parsed.Scheme != "http" || parsed.Host == "" {
		return nil, fmt.Errorf("server %q is not a URL like http://127.0.0.1:8080", server)
	}
	host := parsed.Host
	if parsed.Port() == "" {
		host = net.JoinHostPort(parsed.Hostname(), "80")
	}
	return &target{host: host}, nil
}

// answerTimeout is the time after which a request counts as unanswered.
const answerTimeout = 10 * time.Second

// connection makes one request at a time over HTTP/1.1 (RFC 9112), as much of it as Pullchat uses. It formats requests
// and finds the end of answers itself: a general client would take CPU from servers on the same machine.
type connection struct {
	target *target
	conn   net.Conn // nil: not connected
	reader *bufio.Reader
	buffer []byte
	body   []byte
	// authorization is the token that requests carry; "" means none.
	authorization string
	// retryAfter is the pause that the last answer asked for.
	retryAfter time.Duration
}

func (t *target) connect() *connection {
	return &connection{target: t, reader: bufio.NewReaderSize(nil, 16<<10)}
}

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// send returns the HTTP status and, for 200, the position. An error means that there was no answer.
func (c *connection) send(ctx context.Context, chat, sender string, text []byte) (status int, sendTime int64, err error) {
	c.body = fmt.Appendf(c.body[:0], `{"chat":"%s","sender":"%s","text":"%s"}`, chat, sender, text)
	status, body, err := c.ask(ctx, "POST", "/api/send", c.body)
	if err != nil || status != 200 {
		return status, 0, err
	}
	_, rest, _ := bytes.Cut(body, []byte(`"send_time":`))
	digits := rest[:len(rest)-len(bytes.TrimLeft(rest, "0123456789"))]
	sendTime, err = strconv.ParseInt(string(digits), 10, 64)
	return status, sendTime, err
}

// pull returns the HTTP status and the body, which is valid until the next request.
func (c *connection) pull(ctx context.Context, chat string, cursor int64, limit int, reverse bool) (status int, body []byte, err error) {
	path := fmt.Sprintf("/api/pull?chat=%s&cursor=%d&limit=%d&reverse=%t", chat, cursor, limit, reverse)
	return c.ask(ctx, "GET", path, nil)
}

// ask makes any request, with an optional JSON body, and returns the same as pull.
func (c *connection) ask(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	b := append(append(append(c.buffer[:0], method...), ' '), path...)
	b = append(append(b, " HTTP/1.1\r\nHost: "...), c.target.host...)
	if c.authorization != "" {
		b = append(append(b, "\r\nAuthorization: Bearer "...), c.authorization...)
	}
	if body != nil {
		b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
	}
	c.buffer = append(append(b, "\r\n\r\n"...), body...)
	return c.do(ctx)
}

// do writes the request in buffer and reads the answer. After an error the next request uses a new connection.
func (c *connection) do(ctx context.Context) (status int, body []byte, err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.conn == nil {
		dialer := net.Dialer{Timeout: answerTimeout}
		if c.conn, err = dialer.DialContext(ctx, "tcp", c.target.host); err != nil {
			return 0, nil, err
		}
		c.reader.Reset(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(c.buffer); err != nil {
		return 0, nil, err
	}
	return c.read()
}

func (c *connection) read() (status int, body []byte, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, errors.New("the answer is not HTTP/1.1")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length, closes := -1, false
	c.retryAfter = 0
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, err
			}
		case bytes.EqualFold(name, []byte("Retry-After")):
			seconds, _ := strconv.Atoi(string(value))
			c.retryAfter = time.Duration(seconds) * time.Second
		case bytes.EqualFold(name, []byte("Connection")):
			closes = bytes.EqualFold(value, []byte("close"))
		}
	}
	if length < 0 {
		return 0, nil, errors.New("the answer has no Content-Length")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	for read := 0; read < length; {
		n, err := c.reader.Read(c.body[read:])
		if err != nil {
			return 0, nil, err
		}
		read += n
	}
	if closes {
		c.close()
	}
	return status, c.body, nil
}
