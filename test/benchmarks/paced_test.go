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
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// pace is a load of one request at a time on each connection. Pullchat and Centrifugo get it from the same code.
type pace struct {
	connections int
	rate        float64 // requests per second in all, on a fixed schedule; 0 means without one
	lasts       time.Duration
	request     func(n int) []byte // the nth one, in HTTP
}

// paced makes the load on a server and returns the latencies in microseconds. A late request counts from its due time.
// An answer other than 200 fails the test.
func paced(t *testing.T, s stack, p pace) *hdrhistogram.Histogram {
	t.Helper()
	all, start := newLatencies(), time.Now()
	var mutex sync.Mutex
	var running sync.WaitGroup
	for worker := range p.connections {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			defer func() { _ = conn.Close() }()
			latencies, err := p.work(conn, start, worker)
			if err != nil {
				t.Error(err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			all.Merge(latencies)
		})
	}
	running.Wait()
	return all
}

func (p pace) work(conn net.Conn, start time.Time, worker int) (*hdrhistogram.Histogram, error) {
	latencies, reader := newLatencies(), bufio.NewReaderSize(conn, 64<<10)
	for n := worker; ; n += p.connections {
		begin := time.Now()
		if p.rate > 0 {
			due := start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
			if wait := due.Sub(begin); wait > 0 {
				<-time.After(wait)
			}
			begin = due
		}
		if begin.Sub(start) >= p.lasts {
			return latencies, nil
		}
		if _, err := conn.Write(p.request(n)); err != nil {
			return latencies, err
		}
		if err := readAnswer(reader); err != nil {
			return latencies, err
		}
		_ = latencies.RecordValue(max(1, time.Since(begin).Microseconds()))
	}
}

func newLatencies() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// readAnswer reads one answer. It must be a 200 with a Content-Length.
func readAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("the answer is %s", status)
	}
	for length := -1; ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			if length < 0 {
				return errors.New("the answer has no Content-Length")
			}
			_, err = r.Discard(length)
			return err
		}
	}
}

// sendTo is a send to Pullchat; publishTo is a publication to Centrifugo.
func sendTo(chat, text string) []byte {
	body := fmt.Sprintf(`{"chat":"%s","sender":"alice","text":"%s"}`, chat, text)
	return fmt.Appendf(nil, "POST /api/send HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func publishTo(chat, text string) []byte {
	body := fmt.Sprintf(`{"channel":"%s","data":{"sender":"alice","text":"%s"}}`, chat, text)
	return fmt.Appendf(nil, "POST /api/publish HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
		centrifugoKey, len(body), body)
}

// halfLoad measures Pullchat's latencies at half of its full load, and Centrifugo's at the same rate.
func (r *results) halfLoad(t *testing.T, p *peers) {
	t.Helper()
	full := r.rate[fmt.Sprint("wrk send ", wrkConnections[0])]
	rate, text := full[len(full)-1]/2, strings.Repeat("x", textBytes)
	for name, load := range map[string]struct {
		on      stack
		request func(chat, text string) []byte
	}{"half send": {p.pullchat, sendTo}, "half publish": {p.centrifugo, publishTo}} {
		latencies := paced(t, load.on, pace{64, rate, r.lasts(2 * time.Second), func(n int) []byte {
			return load.request(fmt.Sprint("wrk.", n*7%wrkChats), text)
		}})
		r.noteLatencies(name, latencies)
	}
	r.rate["half"] = append(r.rate["half"], rate)
}

// lone: one request after the other over one connection, through both hops without storage, and to Pullchat.
func (r *results) lone(t *testing.T, hops, pullchat stack) {
	t.Helper()
	text := strings.Repeat("x", textBytes)
	for name, load := range map[string]struct {
		on      stack
		request func(n int) []byte
	}{
		"lone hops": {hops, func(int) []byte { return sendTo("lone", text) }},
		"lone send": {pullchat, func(n int) []byte { return sendTo(fmt.Sprint("wrk.", n%wrkChats), text) }},
		"lone pull": {pullchat, func(n int) []byte {
			return fmt.Appendf(nil, "GET /api/pull?chat=history.%d&cursor=0&limit=20 HTTP/1.1\r\nHost: bench\r\n\r\n", n%wrkChats)
		}},
	} {
		r.noteLatencies(name, paced(t, load.on, pace{1, 0, r.lasts(time.Second), load.request}))
	}
}

func (r *results) noteLatencies(name string, latencies *hdrhistogram.Histogram) {
	r.micros[name+" p50"] = append(r.micros[name+" p50"], float64(latencies.ValueAtQuantile(50)))
	r.micros[name+" p99"] = append(r.micros[name+" p99"], float64(latencies.ValueAtQuantile(99)))
}

// lasts is the duration of a measurement. It is short in a trial run.
func (r *results) lasts(usually time.Duration) time.Duration {
	if r.brief {
		return 200 * time.Millisecond
	}
	return usually
}

// sleepOr waits for some time, or until the context ends.
func sleepOr(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
