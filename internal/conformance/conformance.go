// Package conformance tests the contract of chat.Service. Every implementation must pass it: storage on embedded and on
// real Redis, the RPC client, the HTTP client.
package conformance

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// Options configure a Service for one test. The limits are always Limits.
type Options struct {
	Clock             *Clock
	Retention         time.Duration
	MaxChatMessages   int
	IdempotencyWindow time.Duration
	MaxDevices        int // of a user in a chat; 0 is 100
	Files             *chattest.Files
}

// Limits apply to every subject: a page of 10, at most 100, texts of 4096 bytes.
var Limits = chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}

// Factory returns a Service over an empty store. Its resources end with the test.
type Factory func(t *testing.T, options Options) chat.Service

// Clock stands still until a test moves it. It is safe for concurrent use.
type Clock struct{ micros atomic.Int64 }

// NewClock returns a Clock at a moment of the year 2026.
func NewClock() *Clock {
	c := new(Clock)
	c.micros.Store(1_780_000_000_000_000)
	return c
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()) }

// Set moves the clock to microseconds since 1970.
func (c *Clock) Set(micros int64) { c.micros.Store(micros) }

// Add moves the clock, forward or back.
func (c *Clock) Add(d time.Duration) { c.micros.Add(d.Microseconds()) }

// Run runs the whole contract on one subject.
func Run(t *testing.T, factory Factory) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *subject)
	}{
		{"a message comes back as it was sent", testRoundTrip},
		{"an answer names the chat as the request did", testCanonicalChat},
		{"pages in the stored form", testStoredForm},
		{"cursors", testCursors},
		{"limits", testLimits},
		{"refused requests", testRefused},
		{"identical texts in one instant stay two", testIdenticalTexts},
		{"positions increase when the clock goes back", testClockGoesBack},
		{"the last position", testLastPosition},
		{"a repeated id", testRepeatedID},
		{"a repeated id at the same time", testConcurrentID},
		{"an id after its window", testIDWindow},
		{"an id whose message is gone", testIDOfTrimmedMessage},
		{"retention by age", testRetention},
		{"retention by number", testMaxChatMessages},
		{"every message exactly once", testExactlyOnce},
		{"ready", testReady},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, &subject{factory: factory})
		})
	}
}

// subject wraps a Service with helpers.
type subject struct {
	chat.Service
	factory Factory
	clock   *Clock
}

// open returns the Service. In most tests time stands still, so that equal times must be resolved.
func (s *subject) open(t *testing.T, options Options) {
	t.Helper()
	s.clock = NewClock()
	options.Clock = s.clock
	if options.IdempotencyWindow == 0 {
		options.IdempotencyWindow = 24 * time.Hour
	}
	s.Service = s.factory(t, options)
}

func (s *subject) send(t *testing.T, m chat.Message) chat.Receipt {
	t.Helper()
	receipt, err := s.Send(context.Background(), m)
	if err != nil {
		t.Fatalf("Send(%+v): %v", m, err)
	}
	return receipt
}

func (s *subject) pull(t *testing.T, r chat.PullRequest) chat.Page {
	t.Helper()
	page, err := s.Pull(context.Background(), r)
	if err != nil {
		t.Fatalf("Pull(%+v): %v", r, err)
	}
	return page
}

// fill sends n messages "1", "2", … and returns their positions.
func (s *subject) fill(t *testing.T, name string, n int) []int64 {
	t.Helper()
	positions := make([]int64, n)
	for i := range positions {
		positions[i] = s.send(t, chat.Message{Chat: name, Sender: "alice", Text: fmt.Sprint(i + 1)}).SendTime
	}
	return positions
}

// walk follows next_cursor and returns the messages, up to and with the position last (forward) or to the end. A
// non-nil atPage is called before each page.
func (s *subject) walk(t *testing.T, r chat.PullRequest, last int64, atPage func(page int)) []chat.Message {
	t.Helper()
	var seen []chat.Message
	for number := 0; ; number++ {
		if atPage != nil {
			atPage(number)
		}
		page := s.pull(t, r)
		for _, m := range page.Messages {
			if !r.Reverse && m.SendTime > last {
				return seen
			}
			seen = append(seen, m)
		}
		if !page.HasMore {
			return seen
		}
		r.Cursor = page.NextCursor
	}
}

func texts(page chat.Page) []string {
	list := []string{}
	for _, m := range page.Messages {
		list = append(list, m.Text)
	}
	return list
}
