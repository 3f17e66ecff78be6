package benchmarks

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/pullchat/pullchat/internal/porttest"
	"github.com/pullchat/pullchat/internal/redistest"
)

const (
	tcpIdle     = 10_000
	tcpAtOnce   = 20 // that connect
	tcpTries    = 5  // of each, on a machine with other work
	tcpSettles  = 15 * time.Second
	tcpChats    = 100
	tcpRate     = 1000 // messages a second
	tcpLasts    = 20 * time.Second
	tcpSenders  = 64
	tcpGreeting = "You are in"
)

// TestTCP measures the cost of idle connections of devices and of telnet, and how long a message takes from its send to them. It prints
// the tables of docs/devices.md and docs/telnet.md. The load runs on the same machine.
func TestTCP(t *testing.T) {
	if os.Getenv("BENCHMARK_TCP") == "" {
		t.Skip("BENCHMARK_TCP is not set; make bench-tcp sets it")
	}
	programs := build(t)
	redis := redistest.Start(t, "--appendonly", "no")
	rpc := start(t, "rpc-server", programs+"/rpc-server", "REDIS_URL="+redis.URL())
	http := start(t, "http-server", programs+"/http-server", "RPC_SERVERS="+rpc.addr)
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n| %d idle connections | before | after | each |\n| --- | --- | --- | --- |\n", tcpIdle)
	for _, c := range []struct{ name, endpoint, hello, until string }{
		{"devices", "DEVICE_ADDR", `{"action":"connect","deviceUid":"device%d","uid":"1"}` + "\n", `"status":"ok"`},
		{"telnet, each in a room", "TELNET_ADDR", "user%d\n/join room%[1]d\n", tcpGreeting},
	} {
		pid, addr := startText(t, programs, rpc.addr, c.endpoint)
		before := resident(t, pid)
		conns := idle(t, addr, c.hello, c.until)
		<-time.After(tcpSettles)
		after := resident(t, pid)
		fmt.Fprintf(&b, "| %s | %.1f MB | %.1f MB | %.1f KB |\n", c.name, megabytes(before), megabytes(after), float64(after-before)/float64(len(conns)))
		t.Log(b.String())
		for _, conn := range conns {
			_ = conn.Close()
		}
	}
	fmt.Fprintf(&b, "\n| %d messages a second in %d chats | received | p50 ms | p99 ms | p99.9 ms | answers to the sends: p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- | --- |\n", tcpRate, tcpChats)
	for _, c := range []struct{ name, endpoint, hello, until string }{
		{"devices that watch", "DEVICE_ADDR", `{"action":"watch","uid":"1","data":{"chat":"DEVICE_ADDR.%d","cursor":0}}` + "\n", `"status":"ok"`},
		{"telnet", "TELNET_ADDR", "user%d\n/join TELNET_ADDR.%[1]d\n", tcpGreeting},
	} {
		_, addr := startText(t, programs, rpc.addr, c.endpoint)
		delays, sends := arrivals(t, addr, c.endpoint+".", c.hello, c.until, newStack(http, rpc))
		fmt.Fprintf(&b, "| %s | %d | %.1f | %.1f | %.1f | %.1f | %.1f |\n", c.name, delays.TotalCount(),
			milliseconds(delays, 50), milliseconds(delays, 99), milliseconds(delays, 99.9), milliseconds(sends, 50), milliseconds(sends, 99))
		t.Log(b.String())
	}
}

func milliseconds(of *hdrhistogram.Histogram, percentile float64) float64 {
	return float64(of.ValueAtPercentile(percentile)) / 1000
}

// startText starts a tcp-server with one endpoint.
func startText(t *testing.T, programs, rpc, endpoint string) (pid int, addr string) {
	t.Helper()
	addr = porttest.Hold(t)
	command := exec.Command(programs + "/tcp-server")
	command.Env = append(os.Environ(), "LOG_LEVEL=warn", "RPC_SERVERS="+rpc, endpoint+"="+addr, "TELNET_ROOM=", "TCP_ADDRESS_CONNECTIONS=0", "TCP_MAX_CONNECTIONS=0")
	run(t, command, addr)
	return command.Process.Pid, addr
}

// resident is a process's VmRSS in KB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes
}

func megabytes(kilobytes int) float64 { return float64(kilobytes) / 1024 }

// idle opens connections, of which each says hello and is answered.
func idle(t *testing.T, addr, hello, until string) (conns []net.Conn) {
	t.Helper()
	var mutex sync.Mutex
	next := make(chan int)
	var opening sync.WaitGroup
	for range tcpAtOnce {
		opening.Go(func() {
			for n := range next {
				conn, _, err := greet(addr, fmt.Sprintf(hello, n), until)
				for tries := 1; err != nil && tries < tcpTries; tries++ {
					conn, _, err = greet(addr, fmt.Sprintf(hello, n), until)
				}
				if err != nil {
					t.Errorf("connection %d: %v", n, err)
					continue
				}
				mutex.Lock()
				conns = append(conns, conn)
				mutex.Unlock()
			}
		})
	}
	for n := range tcpIdle {
		next <- n
	}
	close(next)
	if opening.Wait(); t.Failed() {
		t.FailNow()
	}
	return conns
}

// greet says hello, and reads until the answer to it.
func greet(addr, hello, until string) (net.Conn, *bufio.Reader, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte(hello)); err != nil {
		return nil, nil, err
	}
	for lines, before := bufio.NewReaderSize(conn, 1024), ""; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, nil, fmt.Errorf("after %q: %w", before, err)
		}
		before += line
		if strings.Contains(line, until) {
			return conn, lines, conn.SetReadDeadline(time.Time{})
		}
	}
}

// mark is before the time of its send in each text.
const mark = "sent at "

// arrivals sends to chats, of which each has a client, and returns the times from a send to its arrival, and to its answer, in
// microseconds.
func arrivals(t *testing.T, addr, chats, hello, until string, s stack) (all, sends *hdrhistogram.Histogram) {
	t.Helper()
	all = newLatencies()
	var mutex sync.Mutex
	var reading sync.WaitGroup
	for n := range tcpChats {
		conn, lines, err := greet(addr, fmt.Sprintf(hello, n), until)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetReadDeadline(time.Now().Add(tcpLasts + tcpSettles))
		reading.Go(func() {
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				now := time.Now().UnixMicro()
				for range strings.Count(line, mark) { // a push may have many messages
					_, after, _ := strings.Cut(line, mark)
					line = after
					at, _ := strconv.ParseInt(after[:min(16, len(after))], 10, 64)
					mutex.Lock()
					_ = all.RecordValue(max(1, now-at))
					mutex.Unlock()
				}
			}
		})
	}
	sends = paced(t, s, pace{connections: tcpSenders, rate: tcpRate, lasts: tcpLasts, request: func(n int) []byte {
		return sendTo(fmt.Sprint(chats, n%tcpChats), fmt.Sprint(mark, time.Now().UnixMicro()))
	}})
	reading.Wait()
	if want := sends.TotalCount(); all.TotalCount() < want {
		t.Errorf("%d messages have come, want at least %d", all.TotalCount(), want)
	}
	return all, sends
}
