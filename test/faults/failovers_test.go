package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/test/faults/history"
)

// failovers is how many masters are killed in each test.
const failovers = 10

// TestFailovers kills the master of a chat under load, ten times, and counts lost acknowledged messages. With a replica
// of every message there are none. Without, the messages that the new master had not received are lost.
func TestFailovers(t *testing.T) {
	if !long() {
		t.Skip("make faults runs it")
	}
	eachMode(t, "off", countFailovers)
}

func countFailovers(t *testing.T, auth *programtest.Auth) {
	t.Run("Sentinel without copies", func(t *testing.T) {
		redis := redistest.StartSentinel(t, "--appendfsync", "always")
		countLost(t, startStack(t, auth, watched{redis}), masters{
			of:   func(string) *redistest.Server { return redis.Master() },
			back: func(old *redistest.Server) { redis.WaitForMaster(old); old.Restart(); redis.WaitUntilInSync() },
		})
	})
	t.Run("Sentinel with one copy", func(t *testing.T) {
		redis := redistest.StartSentinel(t, "--appendfsync", "always")
		lost := countLost(t, startStack(t, auth, watched{redis}, "REDIS_MIN_REPLICAS=1"), masters{
			of:   func(string) *redistest.Server { return redis.Master() },
			back: func(old *redistest.Server) { redis.WaitForMaster(old); old.Restart(); redis.WaitUntilInSync() },
		})
		if lost > 0 {
			t.Errorf("%d acknowledged messages are lost, want none", lost)
		}
	})
	t.Run("Cluster without copies", func(t *testing.T) {
		redis := redistest.StartCluster(t, "--appendfsync", "always")
		countLost(t, startStack(t, auth, sharded{redis}), masters{
			of:   redis.MasterOf,
			back: func(old *redistest.Server) { old.Restart(); redis.WaitUntilOK() },
		})
	})
}

// masters are those of one form of Redis: the holder of a key, and how a killed master returns.
type masters struct {
	of   func(key string) *redistest.Server
	back func(*redistest.Server)
}

// countLost kills masters of one chat while writers send without retries. It returns how many acknowledged messages are
// missing in the end.
func countLost(t *testing.T, s *stack, m masters) int {
	t.Helper()
	const room, writers = "failovers", 8
	key := fmt.Sprintf("im:{%d}:log:%s", xxhash.Sum64String(room)%256, room)
	if s.auth.On() {
		s.closeRoom(t, history.NewRecorder(), room, []string{"a"})
	}
	var (
		mutex        sync.Mutex
		acknowledged = map[string]int64{}
		last         time.Time // of an acknowledgement
		group        sync.WaitGroup
	)
	stop := make(chan struct{})
	for writer := range writers {
		group.Go(func() {
			service := s.services[writer%len(s.services)]
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				text := fmt.Sprintf("%d/%d", writer, i)
				call, cancel := context.WithTimeout(programtest.As(context.Background(), "a"), callTimeout)
				receipt, err := service.Send(call, chat.Message{Chat: room, Sender: "a", Text: text})
				cancel()
				if history.Denied(err) {
					t.Errorf("a member's send = %v", err)
				}
				if err == nil {
					mutex.Lock()
					acknowledged[text], last = receipt.SendTime, time.Now()
					mutex.Unlock()
				}
			}
		})
	}
	since := func(moment time.Time) func() bool {
		return func() bool {
			mutex.Lock()
			defer mutex.Unlock()
			return last.After(moment)
		}
	}
	var outages []time.Duration
	var kills []time.Time
	for range failovers {
		await(t, "sends succeed", since(time.Now()))
		<-time.After(200 * time.Millisecond) // of work
		old := m.of(key)
		old.Kill()
		killed := time.Now()
		kills = append(kills, killed)
		await(t, "sends succeed at another master", since(killed.Add(50*time.Millisecond))) // later than calls that were under way
		outages = append(outages, time.Since(killed))
		m.back(old)
	}
	close(stop)
	group.Wait()
	there := map[int64]string{}
	for cursor, more := int64(0), true; more; {
		page, err := s.services[0].Pull(programtest.As(t.Context(), "a"), chat.PullRequest{Chat: room, Cursor: cursor, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range page.Messages {
			there[message.SendTime] = message.Text
		}
		cursor, more = page.NextCursor, page.HasMore
	}
	lost, before := 0, map[string]int{}
	for text, position := range acknowledged {
		if there[position] == text {
			continue
		}
		lost++
		stored := time.UnixMicro(position)
		for n, killed := range kills {
			if stored.Before(killed) {
				before[fmt.Sprintf("kill %d, up to %v before", n+1, killed.Sub(stored).Round(100*time.Millisecond))]++
				break
			}
		}
	}
	for when, n := range before {
		t.Logf("%s: %d lost", when, n)
	}
	t.Logf("AUTH=%v, %d masters killed: %d sends acknowledged, %d of them lost; killed → success, median and max: %s",
		s.auth, failovers, len(acknowledged), lost, medianAndMax(outages))
	return lost
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}
