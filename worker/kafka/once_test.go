package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/worker/kafka"
)

// failProduce has the next eight requests to produce fail, each with an error that the producer may retry.
func (c *cluster) failProduce() *kfake.FaultHandle {
	produce := []kmsg.Key{kmsg.Produce}
	return c.Fault(
		kfake.Fault{Keys: produce, Topic: "chat", Err: kerr.NotEnoughReplicas, Count: 3},
		kfake.Fault{Keys: produce, Topic: "chat", Err: kerr.NotEnoughReplicasAfterAppend, Count: 3},
		kfake.Fault{Keys: produce, Topic: "chat", Err: kerr.NotLeaderForPartition, Count: 2},
	)
}

// cutProduce has the connections of the next three requests to produce end without an answer. wait waits until they have.
func (c *cluster) cutProduce() (wait func()) {
	var cut sync.WaitGroup
	cut.Add(3)
	cuts := 0
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		if cuts++; cuts > 3 {
			c.DropControl()
			return nil, nil, false
		}
		c.KeepControl()
		cut.Done()
		return nil, errors.New("cut"), true
	})
	return cut.Wait
}

// TestHandlerRepeatsNothing: the retries of the producer, and calls of the handler for events that are on their way,
// put each record into the topic once. Without a worker there are no other causes of repeats: crashes and changes of
// leases.
func TestHandlerRepeatsNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(4, "chat"))
	config := settings(c.addrs...)
	config.KafkaTopic = "chat"
	handler := kafka.New(config, nil, nil, quiet()).Projections()[0].Handler
	r := c.read(kgo.ConsumeTopics("chat"))
	const chats, each = 12, 4
	sent := 0
	send := func() {
		var sending sync.WaitGroup
		for i := range chats {
			var events []projection.Event
			for k := range each {
				m := chat.Message{Chat: fmt.Sprint("room", i), Sender: "ann", Text: "hello", SendTime: int64(1_000_000 + sent + k)}
				events = append(events, projection.Event{ID: chat.EventID(m.Chat, m.SendTime), Chat: m.Chat, Messages: []chat.Message{m}})
			}
			sending.Go(func() {
				err := handler.Handle(t.Context(), events)
				for err != nil && strings.Contains(err.Error(), "do not acknowledge") && t.Context().Err() == nil {
					err = handler.Handle(t.Context(), events)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		sending.Wait()
		sent += each
	}
	h := c.failProduce()
	for h.Hits() < 8 {
		send()
	}
	wait := c.cutProduce()
	send()
	wait()
	send()
	c.Close()
	var sending sync.WaitGroup
	sending.Go(send)
	c.start()
	sending.Wait()
	await(t, "all come", func() bool { n, _ := r.count(); return n == chats*sent })
	if records := len(r.all()); records != chats*sent {
		t.Errorf("%d records are in the topic, want %d", records, chats*sent)
	}
}
