// Package client is the Go client of Pullchat's HTTP API.
//
// A chat is a log; a reader is a cursor into it. Send appends, Pull reads a page from a cursor, All follows the pages to
// the end, and Follow also waits for new messages.
//
// A Client retries calls that a restart, an overload or a lost connection interrupts, within the bounds of a Policy. With
// several servers it retries at another one. A retried send cannot store twice: every message has an id, its sender's own
// or a random one, and all attempts carry the same.
//
// For servers with AUTH on, Login begins a Session, which the Client refreshes automatically. WithSession continues one, and
// WithToken is for services.
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
	ID       string `json:"id,omitempty"` // the sender's id; sending it again stores nothing; "" lets Send generate one
	SendTime int64  `json:"send_time"`    // microseconds since 1970, the position in the chat; set by the server

	Erased bool `json:"erased,omitempty"` // the message was deleted, or the sender's account with its texts: Text is empty

	*Notice  // set if the entry describes a change of its room or of an earlier message
	*Content // nil: Text is all
	*State   // nil: the message is as it was sent
}

// Notice marks a message that the server wrote about a change of its room. The Text describes the change, and the Sender
// made it.
type Notice struct {
	// Event is created, joined, left, added, removed, promoted, demoted, handed_over, renamed, opened, closed, retention, banned,
	// unbanned, muted, unmuted, slow_mode, announce, discuss, pinned or unpinned; of a change of an earlier message its Kind.
	Event string   `json:"event,omitempty"`
	Users []string `json:"users,omitempty"` // the users that the change affects
	Name  string   `json:"name,omitempty"`  // the room's new name

	// Of a change of an earlier message: edit, delete, react or unreact. An edit's Text is the message's current text, and its
	// State the current one. Of a pin: pinned or unpinned.
	Kind  string `json:"kind,omitempty"`
	Ref   int64  `json:"ref,omitempty"`   // the message's SendTime
	Emoji string `json:"emoji,omitempty"` // of a reaction
}

// Content has the parts of a message beside its text.
type Content struct {
	ReplyTo     int64           `json:"reply_to,omitempty"` // the SendTime of the message that this one answers
	Mentions    []string        `json:"mentions,omitempty"`
	ContentType string          `json:"content_type,omitempty"` // json, image, video, audio, file, location or form
	Body        json.RawMessage `json:"body,omitempty"`         // an object of that type
	Metadata    json.RawMessage `json:"metadata,omitempty"`     // an object of the application's
}

// State has the changes of a message since it was sent.
type State struct {
	Edited    int64      `json:"edited,omitempty"`  // the SendTime of the last edit
	Deleted   int64      `json:"deleted,omitempty"` // the SendTime of the deletion
	Reactions []Reaction `json:"reactions,omitempty"`
	Replies   int        `json:"replies,omitempty"`    // how many messages answer this one
	LastReply int64      `json:"last_reply,omitempty"` // the SendTime of the last of them
}

// Reaction is one emoji of a message.
type Reaction struct {
	Emoji string   `json:"emoji"`
	Count int      `json:"count"`
	Users []string `json:"users"`         // the first few
	Own   bool     `json:"own,omitempty"` // the reader of the page is one of them
}

// Time is SendTime as a time.
func (m Message) Time() time.Time { return time.UnixMicro(m.SendTime) }

// NextCursor is the cursor after the message: a pull from there begins with the next one.
func (m Message) NextCursor() int64 { return m.SendTime + 1 }

// Receipt says where a message was stored.
type Receipt struct {
	SendTime int64 `json:"send_time"`
	// Duplicate means that the ID was known, and SendTime is that of the first send. That was an earlier Send, or an attempt
	// of this Send whose answer was lost.
	Duplicate bool `json:"duplicate"`
}

// PullRequest asks for one page of a chat.
type PullRequest struct {
	Chat    string
	Cursor  int64 // inclusive; reversed, 0 means from the newest
	Limit   int64 // 0 asks for the server's default
	Reverse bool  // newest first
	// Reader is a user, a device, or "". Messages of users that the reader ignores are left out.
	Reader string
	Unread bool // start at the Reader's cursor instead of Cursor
	// Wait is how long the server waits for a message at or past Cursor if there is none: at most a minute, and not with
	// Reverse. The times of a Policy begin after it.
	Wait time.Duration
}

// Page answers a PullRequest.
type Page struct {
	Messages   []Message `json:"messages"`
	HasMore    bool      `json:"has_more"`
	NextCursor int64     `json:"next_cursor"` // the position to continue from; in reverse 0 at the end
}

// Client talks to one server, or to several that share their storage. It is safe for concurrent use.
type Client struct {
	servers *servers
	http    *http.Client
	lasting *http.Client // without a Timeout, for requests that wait
	silence time.Duration
	policy  Policy
	newID   func() string // nil: messages without an ID stay without one
	notify  func(Repeat)

	identity *identity
}

// New returns a Client of the server at baseURL, such as "http://127.0.0.1:8080", or of several, separated by commas.
// With several, calls are distributed, and a retry goes to another one. A nil httpClient is http.DefaultClient. Its Timeout
// limits each attempt, beside Policy.Attempt, except requests that wait for messages.
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

// Send stores a message, under a random ID if it has none. After a *RetryError with Unknown the message may be stored.
// Sending it again with the error's ID settles that, while the server remembers ids (24 hours by default). After any other
// error nothing was stored.
func (c *Client) Send(ctx context.Context, m Message) (Receipt, error) {
	if m.ID == "" && c.newID != nil {
		m.ID = c.newID()
	}
	body, err := json.Marshal(m.outgoing())
	if err != nil {
		return Receipt{}, err
	}
	var receipt Receipt
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/send", body: body, stores: true, id: m.ID}, &receipt)
	return receipt, err
}

// outgoing is a message as it is sent.
type outgoing struct {
	Chat   string `json:"chat"`
	Text   string `json:"text"`
	Sender string `json:"sender"`
	ID     string `json:"id,omitempty"`
	*Content
}

func (m *Message) outgoing() outgoing { return outgoing{m.Chat, m.Text, m.Sender, m.ID, m.Content} }

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

// All reads from a cursor to the end, in pages of r.Limit messages. The Policy applies to each page. All stops after the
// first error, which comes with an empty message.
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

// Ready returns nil if the server can store a message. It is retried like every call: with a Policy of one attempt it asks
// once, otherwise it waits until the server is ready.
func (c *Client) Ready(ctx context.Context) error {
	return c.call(ctx, request{method: http.MethodGet, path: "/readyz", open: true}, &struct{}{})
}
