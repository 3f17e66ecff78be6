// Package client is the Go client of Pullchat's HTTP API.
//
// A chat is a log; a reader is a cursor into it. Send appends, Pull reads a page from a cursor, and All follows the
// pages to the end.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Message is one message of a chat.
type Message struct {
	Chat     string `json:"chat"`
	Text     string `json:"text"`
	Sender   string `json:"sender"`
	ID       string `json:"id,omitempty"` // the sender's own id; sending it again stores nothing
	SendTime int64  `json:"send_time"`    // microseconds since 1970, the position in the chat; set by the server
}

// Time is SendTime as a time.
func (m Message) Time() time.Time { return time.UnixMicro(m.SendTime) }

// Receipt says where a message was stored.
type Receipt struct {
	SendTime  int64 `json:"send_time"`
	Duplicate bool  `json:"duplicate"` // the ID was known: SendTime is that of the first time
}

// PullRequest asks for one page of a chat.
type PullRequest struct {
	Chat    string
	Cursor  int64 // inclusive; reversed, 0 means from the newest
	Limit   int64 // 0 asks for the server's default
	Reverse bool  // newest first
}

// Page is an answer to a PullRequest.
type Page struct {
	Messages   []Message `json:"messages"`
	HasMore    bool      `json:"has_more"`
	NextCursor int64     `json:"next_cursor"` // where to continue from; in reverse 0 at the end
}

// Error is an answer other than success.
type Error struct {
	Status    int    `json:"-"` // HTTP's
	RequestID string `json:"-"` // names the request in the server's log
	Code      string `json:"code"`
	Message   string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	base string
	http *http.Client
}

// New returns a Client of the server at baseURL, such as "http://127.0.0.1:8080". A nil httpClient is
// http.DefaultClient.
func New(baseURL string, httpClient *http.Client) (*Client, error) {
	parsed, err := url.Parse(baseURL)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, fmt.Errorf("server %q is not a URL like http://127.0.0.1:8080", baseURL)
	}
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	return &Client{base: strings.TrimRight(baseURL, "/"), http: httpClient}, nil
}

// Send stores a message. It is tried once: after an error other than an *Error the message may or may not be
// there, and sending it again is safe when it has an ID.
func (c *Client) Send(ctx context.Context, m Message) (Receipt, error) {
	body, err := json.Marshal(struct {
		Chat   string `json:"chat"`
		Text   string `json:"text"`
		Sender string `json:"sender"`
		ID     string `json:"id,omitempty"`
	}{m.Chat, m.Text, m.Sender, m.ID})
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = c.call(ctx, http.MethodPost, "/api/send", bytes.NewReader(body), &receipt)
	return receipt, err
}

// Pull reads one page.
func (c *Client) Pull(ctx context.Context, r PullRequest) (Page, error) {
	query := url.Values{
		"chat":    {r.Chat},
		"cursor":  {strconv.FormatInt(r.Cursor, 10)},
		"limit":   {strconv.FormatInt(r.Limit, 10)},
		"reverse": {strconv.FormatBool(r.Reverse)},
	}
	var page Page
	err := c.call(ctx, http.MethodGet, "/api/pull?"+query.Encode(), nil, &page)
	return page, err
}

// All reads from a cursor to the end, page by page of r.Limit messages. It stops after the first error, which comes
// with an empty message.
func (c *Client) All(ctx context.Context, r PullRequest) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			page, err := c.Pull(ctx, r)
			if err != nil {
				yield(Message{}, err)
				return
			}
			for _, m := range page.Messages {
				if !yield(m, nil) {
					return
				}
			}
			if !page.HasMore {
				return
			}
			r.Cursor = page.NextCursor
		}
	}
}

// Ready returns nil when the server could store a message now.
func (c *Client) Ready(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/readyz", nil, &struct{}{})
}

func (c *Client) call(ctx context.Context, method, path string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return answeredError(response, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s does not look like a Pullchat server: %w", c.base, err)
	}
	return nil
}

// answeredError also makes an *Error of what a proxy in between answered.
func answeredError(response *http.Response, answer []byte) error {
	e := &Error{Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id")}
	if err := json.Unmarshal(answer, e); err != nil || e.Code == "" {
		e.Code, e.Message = "unknown", response.Status
	}
	return e
}
