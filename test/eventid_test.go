package test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/redistest"
)

// untilCount waits for n texts, and returns how often each has come.
func (f *feed) untilCount(n int) map[string]int {
	f.t.Helper()
	over := time.After(20 * time.Second)
	for {
		f.mutex.Lock()
		texts := slices.Clone(f.texts)
		f.mutex.Unlock()
		if len(texts) >= n {
			return count(texts)
		}
		select {
		case <-f.change:
		case <-over:
			f.t.Fatalf("%d messages have come in 20 s, want %d", len(texts), n)
		}
	}
}

func count(texts []string) map[string]int {
	times := map[string]int{}
	for _, text := range texts {
		times[text]++
	}
	return times
}

// TestLongestInboxIDs: an inbox has more chats than an event id has room for. A client goes on exactly in those that are
// in it, and the others begin where the reader stands.
func TestLongestInboxIDs(t *testing.T) {
	for name, filler := range map[string]string{"of one byte": "x", "of three bytes": "語"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startInboxStack(t, redistest.Start(t).URL())
			long := func(i int) string {
				user := fmt.Sprintf("%04d", i)
				return user + strings.Repeat(filler, (64-len(user))/len(filler))
			}
			me := long(0)
			const chats = 70
			chat := func(i int) string { return me + ":" + long(i+1) }
			send := func(text string) {
				for i := range chats {
					s.send(chat(i), long(i+1), fmt.Sprint(text, i))
				}
			}
			query := "inbox=true&reader=" + url.QueryEscape(me)

			send("old")
			stream := s.stream(query, "")
			want := map[string]int{}
			for i := range chats {
				want[fmt.Sprint("old", i)] = 1
			}
			if got := stream.untilCount(chats); !maps.Equal(got, want) {
				t.Errorf("at first %v came, want each once", got)
			}
			stream.close()

			id := stream.id
			clear(want)
			beyond := 0
			for i := range chats {
				want[fmt.Sprint("new", i)] = 1
				if !strings.Contains(";"+id, ";"+url.PathEscape(chat(i))+"=") {
					want[fmt.Sprint("old", i)] = 1
					beyond++
				}
			}
			if beyond == 0 || chats-beyond < 9 {
				t.Errorf("the id has %d chats of %d, want as many as fit", chats-beyond, chats)
			}
			stream = s.stream(query, id)
			send("new")
			if got := stream.untilCount(len(want)); !maps.Equal(got, want) {
				t.Errorf("after the id %v came, want %v", got, want)
			}
			stream.close()

			// a browser's EventSource that was opened with last_event_id sends the header too
			query += "&last_event_id=" + url.QueryEscape(id)
			again := s.stream(query, stream.id)
			s.send(chat(0), long(1), "last")
			again.until("last")
		})
	}
}
