package test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

var rangeCalls = regexp.MustCompile(`cmdstat_zrange:calls=(\d+)`)

// rangeReads is how many range reads a Redis has served.
func rangeReads(t *testing.T, redis *redistest.Server) int {
	t.Helper()
	stats, err := redis.Do("INFO commandstats")
	if err != nil {
		t.Fatal(err)
	}
	match := rangeCalls.FindStringSubmatch(stats)
	if match == nil {
		return 0
	}
	calls, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// TestLiveDeliveryReadsNothing: followers at the end of a chat take new messages from their hints.
func TestLiveDeliveryReadsNothing(t *testing.T) {
	const sends = 20
	for name, c := range map[string]struct {
		chats, each int
		follow      func(s inboxStack, chat string) *feed
	}{
		"streams of a chat each": {20, 1, func(s inboxStack, chat string) *feed { return s.stream("chat="+chat, "") }},
		"sockets of a chat each": {20, 1, func(s inboxStack, chat string) *feed {
			return s.socket(`{"type":"watch","chat":"` + chat + `"}`)
		}},
		"many streams of a chat": {1, longtest.Pick(200, 1000), func(s inboxStack, chat string) *feed { return s.stream("chat="+chat, "") }},
	} {
		t.Run(name, func(t *testing.T) {
			redis := redistest.Start(t)
			s := startStack(t, redis.URL(), storage.Options{Sweep: time.Hour}) // a sweep is a range read too
			feeds := map[string][]*feed{}
			for i := range c.chats {
				chat := fmt.Sprint("alice:bob", i)
				for range c.each {
					feeds[chat] = append(feeds[chat], c.follow(s, chat))
				}
			}
			n := 0
			cost := func() int {
				before := rangeReads(t, redis)
				n++
				for chat, all := range feeds {
					s.send(chat, "alice", fmt.Sprint(n))
					for _, f := range all {
						f.until(fmt.Sprint(n))
					}
				}
				return rangeReads(t, redis) - before
			}
			for cost() > 0 { // until they have read all messages, and their chats are confirmed
				if n == 100 {
					t.Fatal("every message is still read from the log")
				}
			}
			reads := 0
			for range sends {
				reads += cost()
			}
			if reads != 0 {
				t.Errorf("%d messages to %d followers each took %d range reads, want none", sends*c.chats, c.each, reads)
			}
			for chat, all := range feeds {
				for _, f := range all {
					if texts := f.until(fmt.Sprint(n)); len(texts) != n {
						t.Errorf("%d messages of %s came, want %d: %q", len(texts), chat, n, texts)
					}
				}
			}
		})
	}
}

// TestFollowersOfAChatThatWasLost get later messages, once: the hint says that nothing was before it, so the log is
// read.
func TestFollowersOfAChatThatWasLost(t *testing.T) {
	redis := redistest.Start(t)
	s := startStack(t, redis.URL(), storage.Options{Sweep: time.Hour})
	feeds := []*feed{s.stream("chat=alice:bob", ""), s.socket(`{"type":"watch","chat":"bob:alice"}`)}
	for n := range 12 {
		if n%4 == 3 {
			if _, err := redis.Do("FLUSHALL"); err != nil {
				t.Fatal(err)
			}
		}
		s.send("alice:bob", "alice", fmt.Sprint(n))
		for _, f := range feeds {
			if texts := f.until(fmt.Sprint(n)); len(texts) != n+1 {
				t.Fatalf("after %d messages %q came", n+1, texts)
			}
		}
	}
}
