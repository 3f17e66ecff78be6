package ratelimit

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

func TestRate(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Rate
		ok   bool
	}{
		{"", Rate{}, true},
		{"100/s", Rate{100, time.Second}, true},
		{"600/m", Rate{600, time.Minute}, true},
		{"1/h", Rate{1, time.Hour}, true},
		{"1000000/s", Rate{1000000, time.Second}, true},
		{"1000001/s", Rate{}, false},
		{"0/s", Rate{}, false},
		{"-1/s", Rate{}, false},
		{"1.5/s", Rate{}, false},
		{"100", Rate{}, false},
		{"100/", Rate{}, false},
		{"100/d", Rate{}, false},
		{"100/s/s", Rate{}, false},
		{"/s", Rate{}, false},
		{" 100/s", Rate{}, false},
	} {
		var got Rate
		err := got.UnmarshalText([]byte(c.in))
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("UnmarshalText(%q) = %v, %v; want %v, accepted: %v", c.in, got, err, c.want, c.ok)
		}
		if err == nil && got.String() != c.in {
			t.Errorf("UnmarshalText(%q).String() = %q", c.in, got)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%q is no rate like 100/s", c.in)) {
			t.Errorf("UnmarshalText(%q) = %v, want it to say what a rate is", c.in, err)
		}
	}
}

// clock is a time that a test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

// allowed counts how many of n requests at once are allowed, and returns the last refusal.
func allowed(l *Limiter, client string, n int) (count int, refusal error) {
	for range n {
		if err := l.Take(client); err != nil {
			refusal = err
		} else {
			count++
		}
	}
	return count, refusal
}

func TestLimiter(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimiter(Rate{6, time.Minute}, 10, c.now)
	for _, step := range []struct {
		what   string
		later  time.Duration
		client string
		asks   int
		want   int
		retry  int // after; 0 for no refusal
	}{
		{"a whole period's at once", 0, "a", 6, 6, 0},
		{"then no more", 0, "a", 3, 0, 10},
		{"others are not meant", 0, "b", 7, 6, 10},
		{"a part of the wait", 3 * time.Second, "a", 1, 0, 7},
		{"rounded up", 6*time.Second + 999*time.Millisecond, "a", 1, 0, 1},
		{"the whole wait", time.Millisecond, "a", 2, 1, 10},
		{"a long silence", time.Hour, "a", 7, 6, 10},
	} {
		c.Time = c.Add(step.later)
		got, refusal := allowed(l, step.client, step.asks)
		if got != step.want {
			t.Errorf("%s: %d of %d requests are allowed, want %d", step.what, got, step.asks, step.want)
		}
		switch {
		case step.retry == 0 && refusal != nil:
			t.Errorf("%s: Take() = %v, want nil", step.what, refusal)
		case step.retry > 0 && (chat.RetryAfter(refusal) != step.retry || chat.CodeOf(refusal) != chat.ResourceExhausted):
			t.Errorf("%s: Take() = %v, want resource_exhausted for %d seconds", step.what, refusal, step.retry)
		}
	}
}

// TestLimiterForgets: the memory is bounded, and no client gets a new limit because others are forgotten or many come.
func TestLimiterForgets(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimiter(Rate{1, time.Hour}, 2, c.now)
	for _, step := range []struct {
		client string
		want   int
	}{{"a", 1}, {"b", 1}, {"a", 0}, {"b", 0}, {"c", 1}, {"c", 0}, {"a", 0}, {"b", 0}} {
		if got, _ := allowed(l, step.client, 1); got != step.want {
			t.Errorf("%s is allowed %d requests, want %d", step.client, got, step.want)
		}
	}
	for i := range 10_000 {
		l.take(fmt.Sprint(i), fmt.Sprint(i))
	}
	for _, client := range []string{"a", "b", "c"} {
		if got, _ := allowed(l, client, 1); got != 0 {
			t.Errorf("after many others %s is allowed a request again", client)
		}
	}
	l.take("x", strings.Repeat("x", 100_000))
	if known, shared := l.clients.Len(), len(l.shared); known != 2 || shared > maxShared {
		t.Errorf("the limiter knows %d clients, and shares %d buckets; want 2, and %d at most", known, shared, maxShared)
	}
	c.Time = c.Add(2 * time.Hour) // all are whole
	for _, client := range []string{"d", "e", strings.Repeat("y", 100_000)} {
		if got, _ := allowed(l, client, 2); got != 1 {
			t.Errorf("later %.10s is allowed %d requests, want one of its own", client, got)
		}
	}
	for _, name := range l.clients.Keys() {
		if len(name) > maxName {
			t.Errorf("the limiter keeps a name of %d bytes, want %d at most", len(name), maxName)
		}
	}
}

// TestSetRate: a client keeps its remaining tokens; no rate is no limit.
func TestSetRate(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimiter(Rate{}, 10, c.now)
	for _, step := range []struct {
		what  string
		rate  Rate
		later time.Duration
		want  int // of 10 requests
	}{
		{"no limit", Rate{}, 0, 10},
		{"a limit", Rate{6, time.Minute}, 0, 6},
		{"a larger one gives nothing at once", Rate{60, time.Minute}, 0, 0},
		{"and refills faster", Rate{60, time.Minute}, 3 * time.Second, 3},
		{"a smaller one keeps less", Rate{2, time.Hour}, 2 * time.Hour, 2},
		{"none again", Rate{}, 0, 10},
	} {
		l.SetRate(step.rate)
		c.Time = c.Add(step.later)
		if got, _ := allowed(l, "a", 10); got != step.want {
			t.Errorf("%s: %d of 10 requests are allowed, want %d", step.what, got, step.want)
		}
	}
}

// TestGroups: where there is no room, those of one group share, and others are not meant.
func TestGroups(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimiter(Rate{5, time.Hour}, 1, c.now)
	l.take("first", "first")
	for i := range 10 {
		if got := l.take("stranger", fmt.Sprint("name", i)) == 0; got != (i < 5) {
			t.Errorf("request %d of the stranger is allowed: %v", i, got)
		}
	}
	if l.take("other", "other") != 0 {
		t.Error("another is refused for the stranger's")
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{
		"1.2.3.4": "1.2.3.4", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "2001:db8:1:2:ffff::": "2001:db8:1:2::/64",
	} {
		if got := Key(netip.MustParseAddr(in)); got != want {
			t.Errorf("Key(%s) = %s, want %s", in, got, want)
		}
	}
}

// stored is a chat.Service that counts sends.
type stored struct {
	chat.Service
	sends int
}

func (s *stored) Send(context.Context, chat.Message) (chat.Receipt, error) {
	s.sends++
	return chat.Receipt{SendTime: 1}, nil
}

func TestSenders(t *testing.T) {
	service := &stored{}
	s := Senders{service, New(Rate{2, time.Hour})}
	for _, step := range []struct {
		sender string
		want   chat.Code
	}{{"a", ""}, {"a", ""}, {"a", chat.ResourceExhausted}, {"b", ""}} {
		if _, err := s.Send(t.Context(), chat.Message{Sender: step.sender}); chat.CodeOf(err) != step.want {
			t.Errorf("Send by %s = %v, want code %q", step.sender, err, step.want)
		}
	}
	if service.sends != 3 {
		t.Errorf("%d messages are stored, want 3", service.sends)
	}
}

// TestWhoIsCounted: a request that names another sender does not use that sender's rate.
func TestWhoIsCounted(t *testing.T) {
	as := func(c chat.Caller) context.Context { return chat.WithCaller(t.Context(), c) }
	mallory, alice, worker := as(chat.Caller{User: "mallory"}), as(chat.Caller{User: "alice"}), as(chat.Caller{User: "worker", Service: true})
	here, there := WithClient(t.Context(), "1.1.1.1"), WithClient(t.Context(), "2.2.2.2")
	l := New(Rate{2, time.Hour})
	for i, step := range []struct {
		ctx   context.Context
		named string
		want  chat.Code
	}{
		{mallory, "alice", chat.PermissionDenied},
		{mallory, "alice", chat.PermissionDenied},
		{mallory, "alice", chat.PermissionDenied},
		{alice, "alice", ""},
		{alice, "", ""},
		{alice, "alice", chat.ResourceExhausted},
		{alice, "", chat.ResourceExhausted},
		{mallory, "", ""}, // being refused has used up nothing
		{mallory, "mallory", ""},
		{mallory, "", chat.ResourceExhausted},
		{worker, "bob", ""},
		{worker, "bob", ""},
		{worker, "bob", chat.ResourceExhausted},
		{worker, "erin", ""},
		{here, "carol", ""},
		{here, "carol", ""},
		{here, "carol", chat.ResourceExhausted},
		{there, "carol", ""},
		{here, "dave", ""},
	} {
		for name, say := range map[string]func() error{
			"signal": func() error {
				return Signals{chattest.Silent{}, l}.Signal(step.ctx, chat.Signal{Sender: step.named})
			},
		} {
			if err := say(); chat.CodeOf(err) != step.want {
				t.Errorf("%s %d by %q = %v, want code %q", name, i, step.named, err, step.want)
			}
		}
	}
}

func BenchmarkTake(b *testing.B) {
	l := New(Rate{1_000_000, time.Second})
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			l.take("", names[i%len(names)])
		}
	})
}

var names = strings.Fields("alice bob carol dave erin frank grace heidi")
