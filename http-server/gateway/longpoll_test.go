package gateway

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const emptyPage = `{"messages":[],"has_more":false,"next_cursor":%d}`

func onePage(name, text string) string {
	return `{"messages":[` + message(name, text, "alice", 1000) + `],"has_more":false,"next_cursor":1001}`
}

// clients connect with and without TLS.
func clients(t *testing.T, test func(*testing.T, testGateway, func() wire)) {
	t.Run("plain", func(t *testing.T) {
		d := openGateway(t, Config{}, quiet)
		test(t, d, func() wire { return dial(t, d.addr) })
	})
	t.Run("TLS", func(t *testing.T) {
		f := newFiles(t, 1)
		d := openGateway(t, Config{TLSCert: f.cert, TLSKey: f.key}, quiet)
		test(t, d, func() wire {
			w, _ := dialTLS(t, d.addr, &tls.Config{InsecureSkipVerify: true})
			return w
		})
	})
}

// quiet streams have no heartbeats, whose time a busy machine moves among the events.
func quiet(l *limits) { l.tick = time.Hour }

func TestLongPoll(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		client := connect() // one for all: it stays usable
		client.ask(t, get("/api/pull?chat=room&wait=20ms&cursor=7", ""))
		if closes, body := client.answer(t, http.StatusOK); closes || body != fmt.Sprintf(emptyPage, 7) {
			t.Errorf("nothing came: %s, close %v; want an empty page at 7", body, closes)
		}
		client.ask(t, get("/api/pull?chat=room&wait=60s", ""))
		d.untilWatched(t, "room", 2)
		d.send(t, "room", "alice", "hello")
		if closes, body := client.answer(t, http.StatusOK); closes || body != onePage("room", "hello") {
			t.Errorf("a message came: %s, close %v; want it", body, closes)
		}
		client.ask(t, get("/api/pull?chat=room&wait=60s", ""))
		if _, body := client.answer(t, http.StatusOK); body != onePage("room", "hello") {
			t.Errorf("a message was there: %s, want it", body)
		}
		const inBody = `{"Chat":"room","cursor":2000,"Wait":"20ms"}`
		client.ask(t, fmt.Sprintf("POST /api/pull HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(inBody), inBody))
		if _, body := client.answer(t, http.StatusOK); body != fmt.Sprintf(emptyPage, 2000) {
			t.Errorf("wait in a body: %s, want an empty page at 2000", body)
		}
		client.ask(t, get("/ping", ""))
		client.answer(t, http.StatusOK)
	})
}

func TestWrongWaits(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	client := dial(t, d.addr)
	for _, c := range []struct{ arguments, want string }{
		{"wait=-1s", "wait is -1s; it must be between 0s and 60s"},
		{"wait=61s", "wait is 1m1s; it must be between 0s and 60s"},
		{"wait=25", "wait is not a time with its unit, like 25s or 500ms"},
		{"wait=soon", "wait is not a time with its unit, like 25s or 500ms"},
		{"wait=25s&reverse=true", "wait is for forward pulls; leave it out with reverse"},
		{"wait=25s&cursor=-1", "cursor is -1"},
		{"wait=25s&limit=-1", "limit is -1"},
		{"wait=25s&chat=a:b:c", `chat`},
	} {
		client.ask(t, get("/api/pull?chat=room&"+c.arguments, ""))
		if _, body := client.answer(t, http.StatusBadRequest); !strings.Contains(body, `"code":"invalid_argument"`) || !strings.Contains(body, c.want) {
			t.Errorf("%s = %s, want %s", c.arguments, body, c.want)
		}
	}
}

// TestALongPollWhoseClientGoes: its wait ends.
func TestALongPollWhoseClientGoes(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		client := connect()
		client.ask(t, get("/api/pull?chat=room&wait=60s", ""))
		d.untilWatched(t, "room", 1)
		_ = client.Close()
		d.log.untilLogged(t, 1, "route=/api/pull")
		d.untilConnections(t, 0)
	})
}

// TestARequestDuringALongPoll is answered after it.
func TestARequestDuringALongPoll(t *testing.T) {
	t.Parallel()
	for name, split := range map[string]int{"whole": 0, "in two parts": 30} {
		t.Run(name, func(t *testing.T) {
			clients(t, func(t *testing.T, d testGateway, connect func() wire) {
				client := connect()
				client.ask(t, get("/api/pull?chat=room&wait=60s", ""))
				d.untilWatched(t, "room", 1)
				next := sendRequest + get("/api/pull?chat=other&wait=60s&cursor=1", "")
				client.ask(t, next[:len(next)-split])
				d.send(t, "room", "alice", "hello")
				if _, body := client.answer(t, http.StatusOK); body != onePage("room", "hello") {
					t.Errorf("the first answer is %s, want the page", body)
				}
				if _, body := client.answer(t, http.StatusOK); !strings.Contains(body, `"send_time":1000`) {
					t.Errorf("the second answer is %s, want a receipt", body)
				}
				client.ask(t, next[len(next)-split:])
				d.untilWatched(t, "other", 1)
				d.send(t, "other", "alice", "1")
				d.send(t, "other", "alice", "2")
				if _, body := client.answer(t, http.StatusOK); !strings.Contains(body, `"next_cursor":100`) {
					t.Errorf("the third answer is %s, want a page of the other chat", body)
				}
			})
		})
	}
}

func TestAStopReleasesLongPolls(t *testing.T) {
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		client := connect()
		client.ask(t, get("/api/pull?chat=room&wait=60s&cursor=5", ""))
		d.untilWatched(t, "room", 1)
		began := time.Now()
		d.stop()
		if closes, body := client.answer(t, http.StatusOK); !closes || body != fmt.Sprintf(emptyPage, 5) {
			t.Errorf("the answer is %s, close %v; want an empty page at 5, and the end", body, closes)
		}
		client.ended(t)
		d.within(t, atOnce)
		if took := time.Since(began); took > atOnce {
			t.Errorf("the stop took %v", took)
		}
	})
}
