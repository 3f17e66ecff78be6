package gateway

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// fill writes until nothing more is taken, and returns how long that took.
func fill(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	for part := make([]byte, 1<<20); ; {
		if _, err := c.Write(part); err != nil {
			if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
				t.Errorf("Write() = %v, want that its time is over", err)
			}
			return time.Since(began)
		}
	}
}

// TestDeadlinesAfterWake: a deadline that is set a moment too late does not delay the end of the connection.
func TestDeadlinesAfterWake(t *testing.T) {
	accepted, _ := pair(t, listen(t))
	taken := accepted.Take()
	accepted.Wake()
	later := time.Now().Add(patience)
	_, _ = taken.SetWriteDeadline(later), taken.SetReadDeadline(later)
	if took := fill(t, taken); took > patience/2 {
		t.Errorf("what is written takes %v, want %v", took, accepted.listener.limits.last)
	}
	began := time.Now()
	if _, err := taken.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > patience/2 {
		t.Errorf("Read() = %v after %v, want at once that its time is over", err, time.Since(began))
	}
}

// TestAWriteThatFailed is not tried again for as long.
func TestAWriteThatFailed(t *testing.T) {
	accepted, _ := pair(t, listen(t))
	accepted.listener.limits.part = moment // which every part that was taken gives the next one
	taken := accepted.Take()
	_ = taken.SetWriteDeadline(time.Now().Add(moment))
	fill(t, taken)
	_ = taken.SetWriteDeadline(time.Now().Add(patience))
	if took := fill(t, taken); took > patience/2 {
		t.Errorf("the second write fails after %v, want it at once", took)
	}
}

// recorded is a connection that keeps the deadlines that were set.
type recorded struct {
	net.Conn
	reads, writes []time.Time
}

func (r *recorded) SetReadDeadline(t time.Time) error {
	r.reads = append(r.reads, t)
	return r.Conn.SetReadDeadline(t)
}

func (r *recorded) SetWriteDeadline(t time.Time) error {
	r.writes = append(r.writes, t)
	return r.Conn.SetWriteDeadline(t)
}

// TestDeadlinesAreSetOnce for requests that follow each other closely, and anew after one that had its own.
func TestDeadlinesAreSetOnce(t *testing.T) {
	accepted, client := pair(t, listen(t))
	accepted.listener.limits = limits{idle: time.Hour, request: time.Minute, write: time.Hour, bytes: 1000}
	r := &recorded{Conn: accepted.Conn}
	accepted.Conn = r
	read := func() {
		t.Helper()
		if _, err := client.Write([]byte("a")); err != nil {
			t.Fatal(err)
		}
		if n, err := accepted.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Fatalf("Read() = %d, %v; want a byte", n, err)
		}
	}
	answer := func() {
		t.Helper()
		accepted.reached = true
		if _, err := accepted.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		read()
		answer()
	}
	if len(r.reads) != 1 || len(r.writes) != 1 {
		t.Errorf("three requests set %d deadlines to read and %d to write, want one of each", len(r.reads), len(r.writes))
	}
	read()
	read() // the rest of a request
	answer()
	read()
	last := r.reads[len(r.reads)-1]
	if left := time.Until(last); len(r.reads) != 3 || left < 59*time.Minute {
		t.Errorf("after a request in two parts, deadline %d is in %v; want the third, in an hour", len(r.reads), left)
	}
}
