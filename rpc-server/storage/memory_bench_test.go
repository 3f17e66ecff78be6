package storage

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// BenchmarkMemory measures the memory of a message of 40 bytes in Redis, and the cost of its ZADD, by the length of the
// chat and by zset-max-listpack-value. The table in docs/redis.md is from it.
func BenchmarkMemory(b *testing.B) {
	const messages = 100_000
	for _, entries := range []string{"128", "1024"} {
		for _, value := range []string{"64", "512"} {
			for _, length := range []int{20, 100, 1000} {
				b.Run(fmt.Sprintf("entries=%s/value=%s/messages=%d", entries, value, length), func(b *testing.B) {
					server := redistest.Start(b, "--appendonly", "no", compactFlag, value, "--zset-max-listpack-entries", entries)
					client := redis.NewClient(&redis.Options{Addr: server.Addr()})
					b.Cleanup(func() { _ = client.Close() })
					for b.Loop() {
						if err := client.FlushAll(b.Context()).Err(); err != nil {
							b.Fatal(err)
						}
						before := redisCPU(b, server)
						fillLogs(b, client, messages/length, length)
						used := redisCPU(b, server) - before
						b.ReportMetric(float64(used.Nanoseconds())/1e3/messages, "redis-µs/ZADD")
					}
					memory, err := client.MemoryUsage(b.Context(), logOf(0), 0).Result()
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(memory)/float64(length), "B/message")
				})
			}
		}
	}
}

const compactFlag = "--" + compactSetting

func logOf(n int) string { return fmt.Sprintf("im:{97}:log:room-%06d", n) }

// fillLogs adds a message to each chat in turn, in pipelines of 500.
func fillLogs(b *testing.B, client *redis.Client, chats, length int) {
	b.Helper()
	stored := string(layout.Encode(chat.Message{Text: strings.Repeat("x", 40), Sender: "alice"}))
	p := client.Pipeline()
	for i := range length {
		for c := range chats {
			position := 1_780_000_000_000_000 + int64(i*chats+c)
			p.ZAdd(b.Context(), logOf(c), redis.Z{Score: float64(position), Member: strconv.FormatInt(position, 10) + stored})
			if p.Len() < 500 {
				continue
			}
			if _, err := p.Exec(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if _, err := p.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
}
