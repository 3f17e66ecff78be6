package storage

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// BenchmarkAppend is one append at a time, through the script, to a Redis that keeps an append-only file.
func BenchmarkAppend(b *testing.B) {
	store := openAt(b, redistest.Start(b).URL(), Options{IdempotencyWindow: time.Hour})
	message := chat.Message{Text: strings.Repeat("x", 40), Sender: "alice"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := appendOne(store, chattest.ID(b, "alice:bob"), message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRange is one page of 20 at a time, from the middle of chats of three lengths.
func BenchmarkRange(b *testing.B) {
	store := openAt(b, redistest.Start(b, "--appendonly", "no").URL(), Options{})
	for name, n := range map[string]int{"100": 100, "10000": 10_000, "1000000": 1_000_000} {
		fillFast(b, store, chattest.ID(b, name), n)
	}
	for _, name := range []string{"100", "10000", "1000000"} {
		b.Run("messages="+name, func(b *testing.B) {
			first, err := rangeOne(store, chattest.ID(b, name), 0, false, 50)
			if err != nil {
				b.Fatal(err)
			}
			from := first[49].SendTime
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rangeOne(store, chattest.ID(b, name), from, false, 21); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppendPipelined is 64 appends in a pipeline, without a listener and with one.
func BenchmarkAppendPipelined(b *testing.B) {
	store := openAt(b, redistest.Start(b, "--appendonly", "no").URL(), Options{IdempotencyWindow: time.Hour})
	appends := make([]chat.Append, 64)
	for i := range appends {
		appends[i] = chat.Append{
			Chat:    chattest.ID(b, fmt.Sprintf("room-%d", i)),
			Message: chat.Message{Text: strings.Repeat("x", 40), Sender: "alice"},
		}
	}
	run := func(b *testing.B) {
		for b.Loop() {
			for _, a := range store.Append(context.Background(), appends) {
				if a.Err != nil {
					b.Fatal(a.Err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(appends)), "ns/append")
	}
	b.Run("unheard", run)
	w := store.Watch()
	defer w.Close()
	for _, a := range appends {
		w.Add(a.Chat)
	}
	b.Run("heard", run)
}

// BenchmarkAppendOnRedis measures Redis's own CPU for a message, in batches of 24 over 1,000 chats, beside a plain ZADD
// of the same bytes.
func BenchmarkAppendOnRedis(b *testing.B) {
	server := redistest.Start(b, "--appendonly", "no")
	store := openAt(b, server.URL(), Options{IdempotencyWindow: time.Hour})
	const chats, batch = 1000, 24
	text := strings.Repeat("x", 40)
	var ids []chat.ID
	for i := range chats {
		ids = append(ids, chattest.ID(b, fmt.Sprintf("wrk.%d", i)))
	}
	measure := func(name string, one func(int) chat.Append) {
		b.Run(name, func(b *testing.B) {
			var next int
			appends := make([]chat.Append, batch)
			round := func() {
				for i := range appends {
					next += 7
					appends[i] = one(next)
				}
				for _, a := range store.Append(context.Background(), appends) {
					if a.Err != nil {
						b.Fatal(a.Err)
					}
				}
			}
			for range 2 * chats / batch {
				round()
			}
			began := redisCPU(b, server)
			b.ReportAllocs()
			for b.Loop() {
				round()
			}
			b.ReportMetric(float64((redisCPU(b, server)-began).Nanoseconds())/float64(b.N*batch), "redis-ns/message")
		})
	}
	measure("plain", func(n int) chat.Append {
		return chat.Append{Chat: ids[n%chats], Message: chat.Message{Sender: "alice", Text: text}}
	})
	measure("id", func(n int) chat.Append {
		return chat.Append{Chat: ids[n%chats], Message: chat.Message{Sender: "alice", Text: text, ID: fmt.Sprint("id", n)}}
	})
	measure("member", func(n int) chat.Append {
		return chat.Append{Chat: ids[n%chats], Message: chat.Message{Sender: "alice", Text: text}, Member: "alice"}
	})
	b.Run("ZADD", func(b *testing.B) {
		next := 0
		began := redisCPU(b, server)
		for b.Loop() {
			pipeline := store.redis.Pipeline()
			for range batch {
				next += 7
				pipeline.Do(context.Background(), "ZADD", fmt.Sprint("zadd:", next%chats), next, fmt.Sprintf("%016d%s", next, strings.Repeat("y", 56)))
			}
			if _, err := pipeline.Exec(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64((redisCPU(b, server)-began).Nanoseconds())/float64(b.N*batch), "redis-ns/message")
	})
}

// redisCPU is the CPU time of a Redis.
func redisCPU(b *testing.B, server *redistest.Server) time.Duration {
	b.Helper()
	var total time.Duration
	for _, field := range []string{"used_cpu_sys_main_thread", "used_cpu_user_main_thread"} {
		seconds, err := time.ParseDuration(server.Info(field) + "s")
		if err != nil {
			b.Fatal(err)
		}
		total += seconds
	}
	return total
}

// BenchmarkWorkerOnRedis measures Redis's own CPU for a partition in a heartbeat, and in a commit of the cursors of
// four chats, where a worker has all 256 partitions.
func BenchmarkWorkerOnRedis(b *testing.B) {
	server := redistest.Start(b, "--appendonly", "no")
	store := openAt(b, server.URL(), Options{})
	all := store.Partitions()
	beat := chat.ClaimRequest{Projection: "p", Worker: "w", Claims: make([]chat.Claim, all)}
	for i := range beat.Claims {
		beat.Claims[i].Partition = i
	}
	claimed, err := store.Claim(b.Context(), beat)
	if err != nil {
		b.Fatal(err)
	}
	commits := make([]chat.Commit, all)
	for i, lease := range claimed.Leases {
		beat.Claims[i].Token = lease.Token
		commits[i] = chat.Commit{Partition: i, Token: lease.Token, Handled: 4, Cursors: make([]chat.CommittedCursor, 4)}
	}
	measure := func(name string, round func(n int) error) {
		b.Run(name, func(b *testing.B) {
			n := 0
			began := redisCPU(b, server)
			b.ReportAllocs()
			for b.Loop() {
				n++
				if err := round(n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((redisCPU(b, server)-began).Nanoseconds())/float64(b.N*all), "redis-ns/partition")
		})
	}
	measure("heartbeat", func(n int) error {
		for i := range beat.Claims {
			beat.Claims[i].Floor = int64(n)
		}
		_, err := store.Claim(context.Background(), beat)
		return err
	})
	measure("commit", func(n int) error {
		for i := range commits {
			commits[i].Floor = int64(n)
			for k := range commits[i].Cursors {
				commits[i].Cursors[k] = chat.CommittedCursor{Chat: fmt.Sprintf("wrk.%d.%d", i, k), Cursor: chat.Cursor{Position: int64(n)}}
			}
		}
		_, err := store.Commit(context.Background(), "p", commits)
		return err
	})
}
