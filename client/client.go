// Package client is the Go client of Pullchat's HTTP API.
//
// A chat is a log; a reader is a cursor into it. Send appends, Pull reads a page from a cursor, All follows the pages to
// the end, and Follow goes on with what comes.
//
// Whatever a restart, an overload or a lost connection interrupts is repeated, within the bounds of a Policy, and at
// another server where several are given. A repeated send cannot store twice: every message goes out under an id,
// its sender's own or a random one, and all attempts carry the same.
//
// Where a server asks who somebody is, Login begins a Session that the Client keeps fresh by itself, WithSession goes on
// with one, and WithToken is for back ends.
package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Message is one message of a chat.
type Message struct {
	Chat     string `json:"chat"`
	Text     string `json:"text"`
	Sender   string `json:"sender"`
	ID       string `json:"id,omitempty"` // the sender's own id; sending it again stores nothing; "" lets Send make one
	SendTime int64  `json:"send_time"`    // microseconds since 1970, the position in the chat; set by the server

	Erased bool `json:"erased,omitempty"` // the sender has deleted herself and her texts: Text is empty

	*Notice // nil but where the message tells of a change of its room
}

// Notice is what has changed in a room. Nobody wrote such a message: its Text says the change in words, and its Sender
// made it.
type Notice struct {
	Event string   `json:"event,omitempty"` // created, joined, left, added, removed, promoted, demoted, handed_over, renamed, opened or closed
	Users []string `json:"users,omitempty"` // whom it is about
	Name  string   `json:"name,omitempty"`  // the room's new one
}

// Time is SendTime as a time.
func (m Message) Time() time.Time { return time.UnixMicro(m.SendTime) }

// NextCursor is the cursor after the message: whoever goes on from there gets the next one.
func (m Message) NextCursor() int64 { return m.SendTime + 1 }

// Receipt says where a message was stored.
type Receipt struct {
	SendTime int64 `json:"send_time"`
	// Duplicate means that the ID was known, and that SendTime is that of the first time. It is so for what an earlier
	// Send has stored, and also where an attempt of this same Send had arrived and only its answer was lost.
	Duplicate bool `json:"duplicate"`
}

// PullRequest asks for one page of a chat.
type PullRequest struct {
	Chat    string
	Cursor  int64 // inclusive; reversed, 0 means from the newest
	Limit   int64 // 0 asks for the server's default
	Reverse bool  // newest first
	// Reader is who reads, a user or one of her devices, or "": the messages of those whom she ignores are left out.
	Reader string
	Unread bool // from where the Reader stands, instead of from Cursor
	// Wait is how long the server waits for a message at or past Cursor where there is none yet; a minute at most, and
	// not with Reverse. The times of a Policy begin after it. Follow is made of this.
	Wait time.Duration
}

// Page is an answer to a PullRequest.
type Page struct {
	Messages   []Message `json:"messages"`
	HasMore    bool      `json:"has_more"`
	NextCursor int64     `json:"next_cursor"` // where to continue from; in reverse 0 at the end
}

// Client talks to one server, or to several that share their storage. It is safe for concurrent use.
type Client struct {
	servers *servers
	http    *http.Client
	lasting *http.Client // without a Timeout, for what waits
	silence time.Duration
	policy  Policy
	newID   func() string // nil: messages without an ID stay without
	notify  func(Repeat)

	identity *identity
}

// New returns a Client of the server at baseURL, such as "http://127.0.0.1:8080", or of several, separated by commas.
// With several, calls go round them, and a repeat goes to another one. A nil httpClient is http.DefaultClient; a
// Timeout that it has limits each attempt, beside Policy.Attempt, but not what waits for messages.
func New(baseURL string, httpClient *http.Client, options ...Option) (*Client, error) {
	servers, err := parseServers(baseURL)
	if err != nil {
		return nil, err
	}
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	lasting := *httpClient
	lasting.Timeout = 0
	c := &Client{
		servers: servers, http: httpClient, lasting: &lasting, silence: longestSilence,
		newID: rand.Text, notify: func(Repeat) {}, identity: newIdentity(),
	}
	for _, option := range options {
		option(c)
	}
	if c.policy, err = c.policy.complete(); err != nil {
		return nil, err
	}
	return c, nil
}

// Send stores a message, under a random ID where it has none. After a *RetryError that says Unknown the message may or
// may not be there; sending it again with the ID that the error carries settles that, for as long as the server
// recognises ids (24 hours unless it is configured otherwise). After any other error nothing was stored.
func (c *Client) Send(ctx context.Context, m Message) (Receipt, error) {
	if m.ID == "" && c.newID != nil {
		m.ID = c.newID()
	}
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
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/send", body: body, stores: true, id: m.ID}, &receipt)
	return receipt, err
}

// Pull reads one page.
func (c *Client) Pull(ctx context.Context, r PullRequest) (Page, error) {
	var page Page
	err := c.call(ctx, r.request(), &page)
	return page, err
}

func (r PullRequest) request() request {
	query := url.Values{
		"chat":    {r.Chat},
		"cursor":  {strconv.FormatInt(r.Cursor, 10)},
		"limit":   {strconv.FormatInt(r.Limit, 10)},
		"reverse": {strconv.FormatBool(r.Reverse)},
	}
	if r.Reader != "" {
		query.Set("reader", r.Reader)
	}
	if r.Unread {
		query.Set("unread", "true")
	}
	return request{method: http.MethodGet, path: "/api/pull?" + query.Encode(), wait: r.Wait}
}

// All reads from a cursor to the end, page by page of r.Limit messages. The Policy holds for each page. All stops after
// the first error, which comes with an empty message.
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
			r.Cursor, r.Unread = page.NextCursor, false
		}
	}
}

// Ready returns nil when the server could store a message now. It is repeated like everything else: with a Policy of one
// attempt it asks, otherwise it waits until the server is ready.
func (c *Client) Ready(ctx context.Context) error {
	return c.call(ctx, request{method: http.MethodGet, path: "/readyz", open: true}, &struct{}{})
}
