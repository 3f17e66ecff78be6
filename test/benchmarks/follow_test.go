package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/coder/websocket"
)

// A transport connects a follower to a chat, and returns a function that reads until the context ends. That function
// calls note with each frame.
type transport struct {
	name, what string
	connect    func(ctx context.Context, addr, chat string) (read func(note func([]byte)) error, err error)
	publish    func(chat, text string) []byte
	on         func(p *peers) stack
}

var transports = []transport{
	{"sse", "Pullchat `/api/stream`", connectEvents, sendTo, func(p *peers) stack { return p.pullchat }},
	{"ws", "Pullchat `/api/ws`", connectPullchat, sendTo, func(p *peers) stack { return p.pullchat }},
	{"centrifugo", "Centrifugo WebSocket", connectCentrifugo, publishTo, func(p *peers) stack { return p.centrifugo }},
}

// audience is one setup of the live comparison: this many followers, assigned in turn to this many chats.
type audience struct {
	name, what string
	chats      int
	followers  int
	rate       float64
}

var audiences = []audience{
	{"one follower", "one follower in each of 100 chats, 500 sends a second", 100, 100, 500},
	{"thousand followers", "one chat with 1,000 followers, 30 sends a second", 1, 1000, 30},
}

// follow is one round of live delivery, over all transports in turn.
func (r *results) follow(t *testing.T, p *peers) {
	t.Helper()
	for _, a := range audiences {
		for _, each := range transports {
			p.runs++
			r.deliver(t, each, a, each.on(p), fmt.Sprint("live.", p.runs))
		}
	}
}

// heard is the messages received by all followers.
type heard struct {
	since     atomic.Int64 // nanoseconds since 1970; earlier messages do not count
	count     atomic.Int64
	mutex     sync.Mutex
	latencies *hdrhistogram.Histogram // µs, from before the send
}

// note reads the send times, "@nanoseconds@", from received bytes.
func (h *heard) note(frame []byte) {
	now := time.Now().UnixNano()
	for {
		_, rest, found := bytes.Cut(frame, []byte("@"))
		if !found {
			return
		}
		digits, rest, found := bytes.Cut(rest, []byte("@"))
		if !found {
			return
		}
		frame = rest
		sent, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil || sent < h.since.Load() {
			continue
		}
		h.mutex.Lock()
		_ = h.latencies.RecordValue(max(1, (now-sent)/1000))
		h.mutex.Unlock()
		h.count.Add(1)
	}
}

// deliver measures one audience over one transport: the CPU of all servers for each send, and the delay of messages. A
// missing or repeated message fails the test.
func (r *results) deliver(t *testing.T, by transport, a audience, on stack, prefix string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	h := &heard{latencies: newLatencies()}
	h.since.Store(1 << 62)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	chat := func(n int) string { return fmt.Sprint(prefix, ".", n%a.chats) }
	followers := a.followers
	if r.brief {
		followers = max(a.chats, followers/20)
	}
	each(followers, func(n int) {
		read, err := by.connect(ctx, strings.TrimPrefix(on.url, "http://"), chat(n))
		if err != nil {
			t.Errorf("%s: %v", by.what, err)
			return
		}
		following.Go(func() {
			if err := read(h.note); err != nil && ctx.Err() == nil {
				t.Errorf("%s: a follower ended: %v", by.what, err)
			}
		})
	})
	var sent atomic.Int64
	load := pace{16, a.rate, r.lasts(500 * time.Millisecond), func(n int) []byte {
		sent.Add(1)
		return by.publish(chat(n), fmt.Sprintf("@%d@%s", time.Now().UnixNano(), strings.Repeat("x", textBytes-21)))
	}}
	paced(t, on, load) // to warm up
	sleepOr(ctx, 200*time.Millisecond)

	load.lasts = r.lasts(3 * time.Second)
	sent.Store(0)
	h.since.Store(time.Now().UnixNano())
	before := on.cpuTimes(t)
	paced(t, on, load)
	expected := sent.Load() * int64(followers/a.chats)
	for end := time.Now().Add(10 * time.Second); h.count.Load() < expected && time.Now().Before(end); {
		sleepOr(ctx, 5*time.Millisecond)
	}
	after := on.cpuTimes(t)
	if got := h.count.Load(); got != expected {
		t.Errorf("%s, %s: %d of %d messages came", by.what, a.what, got, expected)
	}
	var used time.Duration
	for i := range after {
		used += after[i] - before[i]
	}
	name := a.name + " " + by.name
	r.micros[name+" cpu"] = append(r.micros[name+" cpu"], float64(used.Microseconds())/float64(max(1, sent.Load())))
	h.mutex.Lock()
	defer h.mutex.Unlock()
	r.noteLatencies(name, h.latencies)
}

// connectEvents follows over Pullchat's /api/stream. Each event is one line of data.
func connectEvents(ctx context.Context, addr, chat string) (func(func([]byte)) error, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	lines := bufio.NewReaderSize(conn, 4<<10)
	if _, err = fmt.Fprintf(conn, "GET /api/stream?chat=%s HTTP/1.1\r\nHost: bench\r\n\r\n", chat); err == nil {
		var status string
		if status, err = lines.ReadString('\n'); err == nil && !strings.HasPrefix(status, "HTTP/1.1 200") {
			err = errors.New(status)
		}
	}
	if err != nil {
		stop()
		return nil, errors.Join(err, conn.Close())
	}
	return func(note func([]byte)) error {
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return err
			}
			note(line)
		}
	}, nil
}

// connectPullchat follows over Pullchat's /api/ws.
func connectPullchat(ctx context.Context, addr, chat string) (func(func([]byte)) error, error) {
	return connectSocket(ctx, "ws://"+addr+"/api/ws", fmt.Sprintf(`{"type":"watch","chat":"%s"}`, chat))
}

// connectCentrifugo follows over Centrifugo's WebSocket, in its JSON protocol.
func connectCentrifugo(ctx context.Context, addr, chat string) (func(func([]byte)) error, error) {
	return connectSocket(ctx, "ws://"+addr+"/connection/websocket", `{"id":1,"connect":{}}`, fmt.Sprintf(`{"id":2,"subscribe":{"channel":"%s"}}`, chat))
}

// connectSocket opens a WebSocket and sends the greetings; each is answered once. An empty object is Centrifugo's ping,
// and its answer.
func connectSocket(ctx context.Context, url string, hello ...string) (func(func([]byte)) error, error) {
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	for _, say := range hello {
		err := conn.Write(ctx, websocket.MessageText, []byte(say))
		var answer []byte
		if err == nil {
			_, answer, err = conn.Read(ctx)
		}
		if err == nil && bytes.Contains(answer, []byte(`"error"`)) {
			err = fmt.Errorf("%s is answered with %s", say, answer)
		}
		if err != nil {
			return nil, errors.Join(err, conn.CloseNow())
		}
	}
	return func(note func([]byte)) error {
		defer func() { _ = conn.CloseNow() }()
		for {
			_, frame, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			if string(bytes.TrimSpace(frame)) == "{}" {
				if err := conn.Write(ctx, websocket.MessageText, []byte("{}")); err != nil {
					return err
				}
				continue
			}
			note(frame)
		}
	}, nil
}

// writeFollow writes the comparison of live delivery, of half of full load, and the lone requests.
func (r *results) writeFollow(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n### Latency beside Centrifugo\n\nAt half of Pullchat's full load, %s requests a second, on a fixed schedule.\n\n"+
		"| | p50 ms | p99 ms |\n| --- | --- | --- |\n", thousands(r.rate["half"].median()))
	for _, row := range [][2]string{{"Pullchat: send", "half send"}, {"Centrifugo: publish, with history", "half publish"}} {
		fmt.Fprintf(b, "| %s | %.2f | %.2f |\n", row[0], r.micros[row[1]+" p50"].median()/1000, r.micros[row[1]+" p99"].median()/1000)
	}
	fmt.Fprintf(b, "\nThe ratio of the p99 is %.2f; the goal is ≤ 1.0.\n", ratio(r.micros["half send p99"], r.micros["half publish p99"]))
	fmt.Fprint(b, "\n### Live delivery beside Centrifugo\n\nFrom before the send to the follower; CPU of all server processes for each send. "+
		"The ratios are to Centrifugo's.\n\n"+
		"| | | CPU µs per send | p50 ms | p99 ms | CPU ratio | p50 ratio | p99 ratio |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, a := range audiences {
		peer := a.name + " centrifugo"
		for _, each := range transports {
			name := a.name + " " + each.name
			if len(r.micros[name+" cpu"]) == 0 {
				continue
			}
			fmt.Fprintf(b, "| %s | %s | %.0f | %.2f | %.2f |", a.what, each.what, r.micros[name+" cpu"].median(),
				r.micros[name+" p50"].median()/1000, r.micros[name+" p99"].median()/1000)
			for _, what := range []string{" cpu", " p50", " p99"} {
				if name == peer || len(r.micros[peer+what]) == 0 {
					fmt.Fprint(b, " |")
				} else {
					fmt.Fprintf(b, " %.2f |", ratio(r.micros[name+what], r.micros[peer+what]))
				}
			}
			fmt.Fprintln(b)
		}
	}
	fmt.Fprint(b, "\nThe goals: one follower, CPU ≤ 1.2 and p50 ≤ 1.5; 1,000 followers, CPU and p99 ≤ 1.0.\n"+
		"\n### A lone request\n\nOne after the other over one connection.\n\n| | p50 µs | p99 µs |\n| --- | --- | --- |\n")
	for _, row := range [][2]string{{"send, both hops without storage", "lone hops"}, {"send", "lone send"}, {"pull of 20", "lone pull"}} {
		fmt.Fprintf(b, "| %s | %.0f | %.0f |\n", row[0], r.micros[row[1]+" p50"].median(), r.micros[row[1]+" p99"].median())
	}
}
