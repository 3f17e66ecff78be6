package benchmarks

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/redistest"
)

// entrySize returns the stored size of a message of 40 bytes that fill has stored.
func entrySize(t *testing.T, server *redistest.Server) int {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	entries, err := client.ZRange(context.Background(), keysLike(t, client, "im:*:log:history.0")[0], 0, 0).Result()
	if err != nil || len(entries) != 1 {
		t.Fatalf("an entry of a log = %q, %v", entries, err)
	}
	return len(entries[0])
}

// The parameters of the cheapest append to a sorted set.
const (
	plainDepth    = 24 // commands in a pipeline
	plainCommands = 100_000
)

// plainZADD measures Redis's CPU for a plain pipelined ZADD of the size of a stored message: the minimum for a send.
func (r *results) plainZADD(t *testing.T, server *redistest.Server, entrySize int) {
	t.Helper()
	round := len(r.rate["plain zadd"])
	commands := make([][]string, plainCommands)
	for n := range commands {
		score := fmt.Sprint(1_780_000_000_000_000 + int64(round*plainCommands+n))
		commands[n] = []string{"ZADD", fmt.Sprint("plain.", (n*7)%wrkChats), score, score + strings.Repeat("x", entrySize-len(score))}
	}
	before := cpuTime(t, server.PID())
	took := pipelined(t, server.Addr(), plainDepth, commands)
	used := cpuTime(t, server.PID()) - before
	r.rate["plain zadd"] = append(r.rate["plain zadd"], plainCommands/took.Seconds())
	r.micros["plain zadd cpu redis"] = append(r.micros["plain zadd cpu redis"], float64(used.Microseconds())/plainCommands)
}

// pipelined sends commands over one connection, depth at a time. Each answer must be an integer.
func pipelined(t *testing.T, addr string, depth int, commands [][]string) time.Duration {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var batches [][]byte // prepared, so that their preparation takes no time from Redis
	for from := 0; from < len(commands); from += depth {
		var b []byte
		for _, command := range commands[from:min(from+depth, len(commands))] {
			b = fmt.Appendf(b, "*%d\r\n", len(command))
			for _, word := range command {
				b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(word), word)
			}
		}
		batches = append(batches, b)
	}
	answers := bufio.NewReader(conn)
	began, left := time.Now(), len(commands)
	for _, b := range batches {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		for range min(depth, left) {
			line, err := answers.ReadSlice('\n')
			if err != nil || line[0] != ':' {
				t.Fatalf("redis answers %q, %v", line, err)
			}
		}
		left -= depth
	}
	return time.Since(began)
}

// cpuTime is the user and system time of a process (proc(5), fields 14 and 15 of stat), in steps of 10 ms.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, errUser := strconv.Atoi(string(fields[11]))
	system, errSystem := strconv.Atoi(string(fields[12]))
	if errUser != nil || errSystem != nil {
		t.Fatalf("/proc/%d/stat is %s", pid, stat)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// cpuTimes is cpuTime of each server of a stack.
func (s stack) cpuTimes(t *testing.T) []time.Duration {
	t.Helper()
	var times []time.Duration
	for _, each := range s.servers {
		times = append(times, cpuTime(t, each.pid))
	}
	return times
}
