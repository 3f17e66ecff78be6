package conformance

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/longtest"
)

func testIdenticalTexts(t *testing.T, s *subject) {
	s.open(t, Options{})
	m := chat.Message{Chat: "room", Sender: "alice", Text: "same"}
	first, second := s.send(t, m), s.send(t, m)
	if now := s.clock.Now().UnixMicro(); first.SendTime != now || second.SendTime != now+1 {
		t.Errorf("two sends at %d got %d and %d, want the clock's and the next", now, first.SendTime, second.SendTime)
	}
	if got := texts(s.pull(t, chat.PullRequest{Chat: "room"})); !slices.Equal(got, []string{"same", "same"}) {
		t.Errorf("Pull() = %v, want both", got)
	}
}

func testClockGoesBack(t *testing.T, s *subject) {
	s.open(t, Options{})
	last := s.fill(t, "room", 1)[0]
	for _, step := range []time.Duration{-time.Hour, -24 * time.Hour, time.Hour, 48 * time.Hour} {
		s.clock.Add(step)
		next := s.fill(t, "room", 1)[0]
		if want := max(last+1, s.clock.Now().UnixMicro()); next != want {
			t.Errorf("position after %v is %d, want %d", step, next, want)
		}
		last = next
	}
}

// testLastPosition: positions end below 2^53. After the last one the log returns an error instead of rounding.
func testLastPosition(t *testing.T, s *subject) {
	s.open(t, Options{})
	s.clock.Set(chat.MaxSendTime - 1)
	m := chat.Message{Chat: "room", Sender: "alice", Text: "x"}
	for want := int64(chat.MaxSendTime - 1); want <= chat.MaxSendTime; want++ {
		if got := s.send(t, m).SendTime; got != want {
			t.Errorf("position = %d, want %d", got, want)
		}
	}
	if _, err := s.Send(context.Background(), m); chat.CodeOf(err) != chat.ResourceExhausted {
		t.Errorf("Send() into a full chat = %v, want resource_exhausted", err)
	}
	page := s.pull(t, chat.PullRequest{Chat: "room"})
	if len(page.Messages) != 2 || page.NextCursor != chat.MaxCursor {
		t.Fatalf("Pull() = %+v, want two messages and the largest cursor", page)
	}
	if page := s.pull(t, chat.PullRequest{Chat: "room", Cursor: page.NextCursor}); len(page.Messages) != 0 {
		t.Errorf("Pull() from the end = %+v, want nothing", page)
	}
}

const (
	writers   = 16
	latePages = 50 // of each walk, during which writers write; embedded Redis sorts a whole chat for every page
)

// testExactlyOnce: 16 writers send hundreds of messages at one frozen instant. Every walk sees each message once, while the
// writers go on.
func testExactlyOnce(t *testing.T, s *subject) {
	s.open(t, Options{})
	want := s.write(t, "busy", longtest.Pick(200, 1000))
	last := slices.Max(want)

	slices.Sort(want)
	for _, limit := range []int64{1, 7, 100} {
		for _, reverse := range []bool{false, true} {
			late := &lateWriters{subject: s}
			seen := s.walk(t, chat.PullRequest{Chat: "busy", Limit: limit, Reverse: reverse}, last, late.atPage)
			checkOnce(t, seen, want, reverse, last)
			late.check(t)
		}
	}
}

// lateWriters write during a walk: at each of the first pages one more message is under way.
type lateWriters struct {
	subject *subject
	group   sync.WaitGroup
	stored  atomic.Int32
}

func (l *lateWriters) atPage(page int) {
	if page >= latePages {
		return
	}
	l.group.Go(func() {
		m := chat.Message{Chat: "busy", Sender: fmt.Sprintf("late%p", l), Text: fmt.Sprint(page)}
		if _, err := l.subject.Send(context.Background(), m); err == nil {
			l.stored.Add(1)
		}
	})
}

func (l *lateWriters) check(t *testing.T) {
	t.Helper()
	l.group.Wait()
	if l.stored.Load() == 0 {
		t.Error("no message was written during the walk")
	}
}

// write lets 16 writers send n messages and returns the acknowledged positions. Each writer's own positions increase.
func (s *subject) write(t *testing.T, name string, n int) []int64 {
	t.Helper()
	var mutex sync.Mutex
	var positions []int64
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			previous := int64(0)
			for i := writer; i < n; i += writers {
				receipt, err := s.Send(context.Background(), chat.Message{Chat: name, Sender: fmt.Sprint("w", writer), Text: strconv.Itoa(i)})
				if err != nil {
					t.Errorf("Send(%d): %v", i, err)
					return
				}
				if receipt.SendTime <= previous {
					t.Errorf("writer %d got position %d after %d", writer, receipt.SendTime, previous)
				}
				previous = receipt.SendTime
				mutex.Lock()
				positions = append(positions, receipt.SendTime)
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return positions
}

// checkOnce: a walk saw strictly monotonic positions. Up to last they are exactly the wanted ones, each text once.
func checkOnce(t *testing.T, seen []chat.Message, want []int64, reverse bool, last int64) {
	t.Helper()
	if reverse {
		slices.Reverse(seen)
	}
	var got []int64
	once := map[string]bool{}
	for i, m := range seen {
		if i > 0 && m.SendTime <= seen[i-1].SendTime {
			t.Errorf("position %d comes after %d", m.SendTime, seen[i-1].SendTime)
		}
		if key := m.Sender + " " + m.Text; once[key] {
			t.Errorf("message %s came twice", key)
		} else {
			once[key] = true
		}
		if m.SendTime <= last {
			got = append(got, m.SendTime)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("a walk (reverse %v) saw %d of the %d messages", reverse, len(got), len(want))
	}
}
