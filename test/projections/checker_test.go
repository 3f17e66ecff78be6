package projections

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// ledger has the events that a sink has received, without repeats.
type ledger struct {
	mutex   sync.Mutex
	texts   map[string][]string // by chat
	ids     map[string]string   // the text of each id
	repeats int
	faults  []string
}

func newLedger() *ledger { return &ledger{texts: map[string][]string{}, ids: map[string]string{}} }

// message is a ledger's record of an event.
type message struct{ Text string }

// note takes an event. One whose id is known must be the same as before.
func (l *ledger) note(id, room string, messages []message, body []byte) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if id == "" || room == "" || len(messages) == 0 {
		l.faults = append(l.faults, fmt.Sprintf("the event %q is %s", id, body))
		return
	}
	var text string
	for _, m := range messages {
		text += m.Text + " "
	}
	if before, known := l.ids[id]; known {
		l.repeats++
		if before != text {
			l.faults = append(l.faults, fmt.Sprintf("event %s has the texts %q and %q", id, before, text))
		}
		return
	}
	l.ids[id] = text
	for _, m := range messages {
		l.texts[room] = append(l.texts[room], m.Text)
	}
}

// got is how many messages came.
func (l *ledger) got() (n int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, texts := range l.texts {
		n += len(texts)
	}
	return n
}

// judge compares the received events with the logs.
func (l *ledger) judge(t *testing.T, name string, logs map[string][]string) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for room, want := range logs {
		if got := l.texts[room]; !slices.Equal(got, want) {
			t.Errorf("%s: of %s came\n%v\nwant\n%v", name, room, got, want)
		}
	}
	for _, fault := range l.faults {
		t.Errorf("%s: %s", name, fault)
	}
	t.Logf("%s: %d events came, and %d repeats", name, len(l.ids), l.repeats)
}

// receiver is the server of a webhook. Its ledger has the events that it has acknowledged.
type receiver struct {
	*httptest.Server
	*ledger
	away atomic.Bool
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{ledger: newLedger()}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP takes one event.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	if r.away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var event struct {
		Data struct {
			message // of an event that is no burst

			Chat     string
			Messages []message
		}
	}
	_ = json.Unmarshal(body, &event) // a malformed event has no chat
	if event.Data.Text != "" {
		event.Data.Messages = []message{event.Data.message}
	}
	r.note(request.Header.Get("webhook-id"), event.Data.Chat, event.Data.Messages, body)
}
