package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

// request is the part of a call that all attempts share.
type request struct {
	method, path string
	body         []byte        // JSON, or nil
	stores       bool          // it is a send: whether it arrived matters
	id           string        // of a send: the message's
	unknown      string        // of a call that is not a send: RetryError's text if it may have arrived
	wait         time.Duration // how long the server may wait before it answers
	key          string        // the Idempotency-Key, or ""
	open         bool          // it carries no token
}

// failure is the result of a failed attempt.
type failure struct {
	err     error
	passes  bool          // it is temporary
	arrived bool          // the server may have acted on the request
	refused bool          // the server could not be reached
	after   time.Duration // Retry-After
}

// attempt asks one server once, and again if that needs a new token. It returns nil when into has the answer.
func (c *Client) attempt(ctx context.Context, r request, s *server, into any) *failure {
	if r.open {
		return c.ask(ctx, r, s, "", into)
	}
	return c.withToken(ctx, s, func(token string) *failure { return c.ask(ctx, r, s, token, into) })
}

// ask asks one server once, with a token unless that is "".
func (c *Client) ask(ctx context.Context, r request, s *server, token string, into any) *failure {
	limit, path, asking := c.policy.Attempt, r.path, c.http
	if r.wait > 0 {
		limit, path, asking = limit+r.wait, path+"&wait="+r.wait.String(), c.lasting
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var contact contact
	limited = httptrace.WithClientTrace(limited, contact.trace())
	httpRequest, err := http.NewRequestWithContext(limited, r.method, s.base+path, bytes.NewReader(r.body))
	if err != nil {
		return &failure{err: err}
	}
	if r.body != nil {
		httpRequest.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		httpRequest.Header.Set("Idempotency-Key", r.key)
	}
	authorize(httpRequest.Header, token)
	answered, err := do(asking, httpRequest)
	if err != nil {
		if ctx.Err() == nil && limited.Err() != nil {
			err = fmt.Errorf("no answer within %v: %w", limit, err)
		}
		refused := contact.missing()
		return &failure{err: err, passes: !final(err), arrived: !refused, refused: refused}
	}
	if status := answered.status; status != http.StatusOK && status != http.StatusCreated {
		return &failure{
			err:     answered.error(),
			passes:  passing(status),
			arrived: status < 400 || status >= 500, // 4xx says that nothing was done
			after:   answered.retryAfter(),
		}
	}
	if into == nil { // that it is JSON is all there is to know
		into = new(struct{})
	}
	if err := json.Unmarshal(answered.body, into); err != nil {
		return &failure{err: fmt.Errorf("%s does not look like a Pullchat server: %w", s.base, err), arrived: true}
	}
	return nil
}

// authorize adds a token unless it is "".
func authorize(header http.Header, token string) {
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
}

// answer is an HTTP response that has been read to its end.
type answer struct {
	status int
	line   string // like "503 Service Unavailable"
	header http.Header
	body   []byte
}

func do(c *http.Client, r *http.Request) (*answer, error) {
	response, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return &answer{response.StatusCode, response.Status, response.Header, body}, nil
}

// passing reports whether a failure with this status is temporary. 502 comes from a proxy while the server behind it
// restarts, not from Pullchat.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// final reports whether a failure to connect is permanent: the server is not the expected one.
func final(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch)
}

// retryAfter reads the header Retry-After, seconds or a date (RFC 9110, 10.2.3). An invalid value is 0; too large a number
// is many years.
func (a *answer) retryAfter() time.Duration {
	value := a.header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// contact records whether there was a connection to write a request to.
type contact struct{ sought, made atomic.Bool }

func (c *contact) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { c.sought.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.made.Store(true) },
	}
}

// missing reports that certainly nothing was written. It is false for a transport that cannot be observed.
func (c *contact) missing() bool { return c.sought.Load() && !c.made.Load() }
