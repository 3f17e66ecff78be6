package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// testGateway is a gateway over a world, and its log.
type testGateway struct {
	running
	world *chattest.World
	log   *lines
}

func openGateway(t *testing.T, config Config, limit func(*limits)) testGateway {
	t.Helper()
	d := testGateway{world: chattest.NewWorld(), log: &lines{}}
	d.running = runLogged(t, d.world, config, limit, newLog(d.log))
	t.Cleanup(func() {
		d.stop()
		d.within(t, patience)
	})
	return d
}

func usual(*limits) {}

func newLog(l *lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// within is running's, and may be called again.
func (g testGateway) within(t *testing.T, limit time.Duration) {
	t.Helper()
	g.running.within(t, limit)
	g.ended <- nil
}

func (g testGateway) send(t *testing.T, name, sender, text string) {
	t.Helper()
	if _, err := g.world.Send(t.Context(), chat.Message{Chat: name, Text: text, Sender: sender}); err != nil {
		t.Fatal(err)
	}
}

// untilWatched returns once a client follows a chat and has read its messages.
func (g testGateway) untilWatched(t *testing.T, name string, pulls int64) {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	until(t, name+" is watched", func() bool { return g.world.Watched(id) && g.world.Pulls() >= pulls })
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// lines is a log.
type lines struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(b)
}

// with returns the lines that have all of some texts.
func (l *lines) with(texts ...string) (found []string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
next:
	for line := range strings.Lines(l.text.String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// untilLogged waits for n such lines, and returns the last one.
func (l *lines) untilLogged(t *testing.T, n int, texts ...string) string {
	t.Helper()
	until(t, fmt.Sprintf("%d lines of the log with %q", n, texts), func() bool { return len(l.with(texts...)) >= n })
	found := l.with(texts...)
	if len(found) > n {
		t.Errorf("the log has %q, want %d of them", found, n)
	}
	return found[len(found)-1]
}

// get writes a GET request; header lines end in "\r\n".
func get(target, header string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + header + "\r\n"
}

// reads exactly this text.
func reads(t *testing.T, in io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(in, got)
	if string(got[:n]) != want {
		t.Fatalf("it reads\n%q, %v; want\n%q", got[:n], err, want)
	}
}

func message(name, text, sender string, at int) string {
	return fmt.Sprintf(`{"chat":%q,"text":%q,"sender":%q,"send_time":%d}`, name, text, sender, at)
}
