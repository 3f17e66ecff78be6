package gateway

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

// TestAStopWithManyClients: all are told, also those that do not read are let go, and nothing is left running.
func TestAStopWithManyClients(t *testing.T) {
	first := openGateway(t, Config{}, usual)
	client := dial(t, first.addr)
	client.ask(t, sendRequest) // Hertz has a goroutine for the date, which stays
	client.answer(t, http.StatusOK)
	first.stop()
	first.within(t, atOnce)
	before := goleak.IgnoreCurrent()
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", encrypted), func(t *testing.T) {
			aStopWithManyClients(t, encrypted)
			goleak.VerifyNone(t, before)
		})
	}
}

func aStopWithManyClients(t *testing.T, encrypted bool) {
	config := Config{}
	if encrypted {
		f := newFiles(t, 1)
		config = Config{TLSCert: f.cert, TLSKey: f.key}
	}
	const lastWrite = 3 * time.Second
	d := openGateway(t, config, func(l *limits) { l.tick, l.last = time.Hour, lastWrite }) // no heartbeats between
	connect := func() wire {
		if encrypted {
			w, _ := dialTLS(t, d.addr, &tls.Config{})
			return w
		}
		return dial(t, d.addr)
	}
	for range 2000 { // more than sockets hold
		d.send(t, "large", "alice", strings.Repeat("x", 4096))
	}
	const each, deaf = 70, 5
	var polls, streams, sockets, deafSockets []wire
	for i := range each {
		poll, stream, ws := connect(), connect(), connect()
		poll.ask(t, get("/api/pull?chat=quiet&wait=60s&cursor=3", ""))
		reads(t, stream.events(t, "/api/stream?chat=quiet", ""), streamBegins)
		ws.upgraded(t)
		ws.ask(t, frame(last|text, `{"type":"watch","chat":"quiet"}`))
		ws.next(t)
		polls, streams, sockets = append(polls, poll), append(streams, stream), append(sockets, ws)
		if i >= deaf {
			continue
		}
		stream, ws = connect(), connect()
		stream.ask(t, get("/api/stream?chat=large", ""))
		ws.upgraded(t)
		ws.ask(t, frame(last|text, `{"type":"watch","chat":"large"}`))
		deafSockets = append(deafSockets, stream, ws)
	}
	d.untilConnections(t, 3*each+2*deaf)
	d.untilStalled(t)
	began := time.Now()
	d.stop()
	for _, w := range sockets {
		if code, reason := w.goodbye(t); code != websocket.StatusServiceRestart || reason != "the server stops; connect again" {
			t.Fatalf("a WebSocket ends with %d %q, want 1012", code, reason)
		}
	}
	if took := time.Since(began); took > lastWrite {
		t.Errorf("they were told after %v, want it before those that do not read are let go, after %v", took, lastWrite)
	}
	for _, w := range polls {
		if _, body := w.answer(t, http.StatusOK); body != fmt.Sprintf(emptyPage, 3) {
			t.Fatalf("a long-poll is answered with %s, want an empty page", body)
		}
	}
	for _, w := range streams {
		if rest, err := io.ReadAll(w.in); len(rest) > 0 || err != nil {
			t.Fatalf("a stream ends with %q, %v; want its end", rest, err)
		}
	}
	d.within(t, atOnce)
	t.Logf("the stop took %v", time.Since(began))
	for _, w := range deafSockets {
		_ = w.Close()
	}
}

// untilStalled returns once no messages are read, because the client takes none.
func (g testGateway) untilStalled(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(impatience)
	defer tick.Stop()
	for before := int64(-1); before != g.world.Pulls(); <-tick.C {
		before = g.world.Pulls()
	}
}

// TestAStreamWhoseClientDoesNotRead ends when it has taken nothing for as long as a part may take.
func TestAStreamWhoseClientDoesNotRead(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, func(l *limits) { l.part = 4 * moment })
	for range 2000 {
		d.send(t, "large", "alice", strings.Repeat("x", 4096))
	}
	stream := dial(t, d.addr)
	_ = stream.Conn.(*net.TCPConn).SetReadBuffer(4096)
	stream.ask(t, get("/api/stream?chat=large", ""))
	d.log.untilLogged(t, 1, "route=/api/stream")
	d.untilConnections(t, 0)
}

// TestAClientThatComesDuringAStop is sent elsewhere.
func TestAClientThatComesDuringAStop(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{DrainDelay: impatience}, usual)
	late := dial(t, d.addr)
	late.ask(t, "GET /api/str") // a request under way, so the connection outlives the delay
	d.untilReading(t)
	d.stop()
	d.untilRefused(t)
	late.ask(t, "eam?chat=room HTTP/1.1\r\nHost: a\r\n\r\n")
	response, err := http.ReadResponse(late.in, nil)
	if err != nil || !response.Close {
		t.Fatalf("the answer = %+v, %v; want one that ends the connection", response, err)
	}
	rest, err := io.ReadAll(response.Body)
	if said := string(rest); err != nil || response.StatusCode == http.StatusOK && said != streamBegins && said != "" ||
		response.StatusCode != http.StatusOK && said != `{"code":"unavailable","message":"the connection is about to close"}` {
		t.Errorf("the answer = %d %q, %v; want 503, or a stream that ends at once", response.StatusCode, rest, err)
	}
	d.within(t, atOnce)
}
