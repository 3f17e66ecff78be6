package client_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/livetest"
)

func TestLiveAnswers(t *testing.T) {
	s := serve(t, answer{status: http.StatusOK, body: `{"chat":"room","readers":["alice","bob/phone"],"count":1002,"cursor":1795248043296448}`})
	c := connect(t, s.URL)
	present, err := c.Present(t.Context(), "room")
	if err != nil || present.Chat != "room" || !slices.Equal(present.Readers, []string{"alice", "bob/phone"}) || present.Count != 1002 {
		t.Errorf("Present() = %+v, %v; want what was answered", present, err)
	}
	if stands, err := c.Read(t.Context(), client.Reading{}); err != nil || stands != 1795248043296448 {
		t.Errorf("Read() = %v, %v; want what was answered", stands, err)
	}
}

// TestPullWaits longer than an attempt may take, and no longer than it was asked to, also where it is repeated.
func TestPullWaits(t *testing.T) {
	t.Parallel()
	log := livetest.NewLog()
	s := livetest.Serve(t, &livetest.Server{Log: log})
	c := follower(t, s.URL, client.WithPolicy(client.Policy{Total: time.Second, Attempt: time.Second}),
		client.WithNotify(func(r client.Repeat) { t.Errorf("Pull() asks again after %v", r.Err) }))
	began := time.Now()
	page, err := c.Pull(t.Context(), client.PullRequest{Chat: "room", Cursor: 7, Wait: 1500 * time.Millisecond})
	if took := time.Since(began); err != nil || len(page.Messages) != 0 || page.NextCursor != 7 || took < 1500*time.Millisecond {
		t.Errorf("Pull() = %+v, %v after %v; want an empty page after the wait", page, err, took)
	}
	time.AfterFunc(100*time.Millisecond, func() { fill(log, "room", 1) })
	page, err = c.Pull(t.Context(), client.PullRequest{Chat: "room", Wait: time.Minute})
	if err != nil || !slices.Equal(page.Messages, log.Messages("room")) {
		t.Errorf("Pull() = %+v, %v; want the message", page, err)
	}

	var waits []string
	moody := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if waits = append(waits, r.URL.Query().Get("wait")); len(waits) < 3 {
			pause := time.NewTimer([]time.Duration{100 * time.Millisecond, 2 * time.Second}[len(waits)-1])
			<-pause.C
			answers(503, "")(w, r)
			return
		}
		_, _ = w.Write([]byte(`{"messages":[],"next_cursor":7}`))
	}))
	t.Cleanup(moody.Close)
	_, err = follower(t, moody.URL, brisk(3)).Pull(t.Context(), client.PullRequest{Chat: "room", Wait: 2 * time.Second})
	if len(waits) != 3 || waits[0] != "2s" || waits[1] == "2s" || waits[1] == "" || waits[2] != "" || err != nil {
		t.Errorf("Pull() = %v, and waits %q; want what is left each time", err, waits)
	}
}
