package storage

import (
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
)

// BenchmarkAppend is one append at a time, through the script, to a Redis that keeps an append-only file.
func BenchmarkAppend(b *testing.B) {
	store := openAt(b, redistest.Start(b).URL(), Options{IdempotencyWindow: time.Hour})
	message := chat.Message{Text: strings.Repeat("x", 40), Sender: "alice"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := appendOne(store, id(b, "alice:bob"), message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRange is one page of 20 at a time, from the middle of chats of three lengths.
func BenchmarkRange(b *testing.B) {
	store := openAt(b, redistest.Start(b, "--appendonly", "no").URL(), Options{})
	for name, n := range map[string]int{"100": 100, "10000": 10_000, "1000000": 1_000_000} {
		fillFast(b, store, id(b, name), n)
	}
	for _, name := range []string{"100", "10000", "1000000"} {
		b.Run("messages="+name, func(b *testing.B) {
			first, err := rangeOne(store, id(b, name), 0, false, 50)
			if err != nil {
				b.Fatal(err)
			}
			from := first[49].SendTime
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rangeOne(store, id(b, name), from, false, 21); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
