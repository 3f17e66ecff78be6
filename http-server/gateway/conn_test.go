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

// TestDeadlinesAfterWake: whoever sets one a moment too late does not hold up the end of the connection.
func TestDeadlinesAfterWake(t *testing.T) {
	accepted, _ := pair(t, listen(t))
	taken := accepted.Take()
	accepted.Wake()
	later := time.Now().Add(patience)
	_, _ = taken.SetWriteDeadline(later), taken.SetReadDeadline(later)
	if took := fill(t, taken); took > 5*lastWrite {
		t.Errorf("what is written takes %v, want %v", took, lastWrite)
	}
	began := time.Now()
	if _, err := taken.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > lastWrite {
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
