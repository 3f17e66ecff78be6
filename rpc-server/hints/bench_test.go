package hints_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/hints"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// BenchmarkSweep reads 256 followed partitions in which 10,000 chats are active.
func BenchmarkSweep(b *testing.B) {
	store := openAt(b, redistest.Start(b, "--appendonly", "no").URL(), storage.Options{Sweep: hintstest.NoSweep})
	w := store.Watch()
	defer w.Close()
	const chats = 10_000
	for i := range chats {
		room := chattest.ID(b, fmt.Sprintf("room-%d", i))
		if _, err := appendOne(store, room, chat.Message{Text: "x", Sender: "a"}); err != nil {
			b.Fatal(err)
		}
		w.Add(room)
	}
	for told := 0; told < chats; {
		events, err := w.Next(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		told += len(events)
	}
	began := cpu(b)
	for b.Loop() {
		hints.SweepAll(w)
	}
	b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpu is the CPU time of this process.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
