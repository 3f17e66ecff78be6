package delivery

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
)

// writers is the number of concurrent writers.
const writers = 8

// writing sends messages and records which were acknowledged. It retries each until it is stored.
type writing struct {
	t       *testing.T
	stack   *stack
	client  *client.Client
	padding string // of every text

	mutex  sync.Mutex
	number int
	last   map[string]int64 // acknowledged positions
}

func newWriting(t *testing.T, s *stack) *writing {
	t.Helper()
	patient := client.Policy{Attempts: 1000, Total: 60 * time.Second, MaxWait: 100 * time.Millisecond}
	transport := &http.Transport{MaxIdleConnsPerHost: writers}
	c := s.client(t, watching, strings.Join(s.bases, ","), transport, client.WithPolicy(patient))
	return &writing{t: t, stack: s, client: c, last: map[string]int64{}}
}

// send sends one message to a chat.
func (w *writing) send(name string) {
	w.mutex.Lock()
	w.number++
	text, sender := fmt.Sprint(w.number, w.padding), w.stack.sender(name, w.number)
	w.mutex.Unlock()
	receipt, err := w.client.Send(programtest.As(context.Background(), sender), client.Message{Chat: name, Sender: sender, Text: text})
	if err != nil {
		w.t.Errorf("send to %s: %v", name, err)
		return
	}
	w.stack.places.put(name, text, receipt.SendTime)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.last[name] = max(w.last[name], receipt.SendTime)
}

// burst sends a number of messages to each chat, as fast as possible.
func (w *writing) burst(chats []string, each int) {
	next := make(chan string)
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for name := range next {
				w.send(name)
			}
		})
	}
	for range each {
		for _, name := range chats {
			next <- name
		}
	}
	close(next)
	group.Wait()
}

// trickle sends one message after the other to chats until stop is closed.
func (w *writing) trickle(chats []string, pause time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for number := 0; ; number++ {
		select {
		case <-stop:
			return
		case <-tick.C:
			w.send(chats[number%len(chats)])
		}
	}
}

// acknowledged returns the last positions of some chats.
func (w *writing) acknowledged(chats ...[]string) map[string]int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	all := maps.Clone(w.last)
	some := map[string]int64{}
	for _, names := range chats {
		for _, name := range names {
			some[name] = all[name]
		}
	}
	return some
}

// logs reads chats to the end.
func (w *writing) logs(chats []string) map[string][]chat.Message {
	w.t.Helper()
	logs := map[string][]chat.Message{}
	for _, name := range chats {
		for m, err := range w.client.All(context.Background(), client.PullRequest{Chat: name, Limit: 100}) {
			if err != nil {
				w.t.Fatalf("pull %s: %v", name, err)
			}
			logs[name] = append(logs[name], stored(m))
		}
	}
	return logs
}
