package projections

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topic is where the workers write messages.
const topic = "chat"

// broker is a Kafka of one broker in this process. It may go away, and comes back with its data. Its ledger has the records of
// the topic.
type broker struct {
	*ledger
	t       *testing.T
	cluster *kfake.Cluster
	options []kfake.Opt
	addr    string
	taken   map[coordinates]bool
}

// coordinates are where a record is. A client may fetch the topic again after a restart of the broker: that is no repeat.
type coordinates struct {
	partition int32
	offset    int64
}

func startBroker(t *testing.T) *broker {
	b := &broker{ledger: newLedger(), t: t, taken: map[coordinates]bool{}, options: []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.SeedTopics(3, topic)}}
	b.comeBack()
	b.addr = b.cluster.ListenAddrs()[0]
	resolved, err := net.ResolveTCPAddr("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	b.options = append(b.options, kfake.Ports(resolved.Port))
	t.Cleanup(func() { b.cluster.Close() })
	return b
}

// goAway closes the broker's connections and its port.
func (b *broker) goAway() { b.cluster.Close() }

// comeBack starts the broker with its data, again at the same address.
func (b *broker) comeBack() {
	b.t.Helper()
	cluster, err := kfake.NewCluster(b.options...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.cluster = cluster
}

// fail has the next requests to produce answered with errors, and connections cut. It returns a function that waits until all
// of this has happened.
func (b *broker) fail() (wait func()) {
	produce := []kmsg.Key{kmsg.Produce}
	const each = 2
	failing := b.cluster.Fault(
		kfake.Fault{Keys: produce, Topic: topic, Err: kerr.NotEnoughReplicas, Count: each},
		kfake.Fault{Keys: produce, Topic: topic, Err: kerr.NotEnoughReplicasAfterAppend, Count: each},
		kfake.Fault{Keys: produce, Topic: topic, Err: kerr.NotLeaderForPartition, Count: each},
	)
	var cut atomic.Int64
	b.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		if cut.Add(1) > each {
			b.cluster.DropControl()
			return nil, nil, false
		}
		b.cluster.KeepControl()
		return nil, errors.New("cut"), true
	})
	return func() {
		b.t.Helper()
		await(b.t, "the broker fails", func() bool { return failing.Hits() == 3*each && cut.Load() > each })
	}
}

// read notes the records of the topic until the test ends.
func (b *broker) read() {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.ConsumeTopics(topic), kgo.MetadataMinAge(50*time.Millisecond), kgo.MetadataMaxAge(200*time.Millisecond))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(b.take)
		}
	}()
	b.t.Cleanup(func() {
		cancel()
		<-ended
		client.Close()
	})
}

// take notes a record.
func (b *broker) take(record *kgo.Record) {
	at := coordinates{record.Partition, record.Offset}
	if b.taken[at] {
		return
	}
	b.taken[at] = true
	var value struct {
		message

		Chat string
	}
	_ = json.Unmarshal(record.Value, &value) // a malformed value has no chat
	var id string
	for _, h := range record.Headers {
		if h.Key == "id" {
			id = string(h.Value)
		}
	}
	if value.Chat != string(record.Key) {
		value.Chat = "" // a fault
	}
	b.note(id, value.Chat, []message{value.message}, record.Value)
}
