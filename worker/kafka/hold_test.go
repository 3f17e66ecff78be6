package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
)

// memory is a Sender that is away until it is told otherwise.
type memory struct {
	mutex sync.Mutex
	away  bool
	asked int
	sent  []string
}

func (m *memory) Send(_ context.Context, message chat.Message) (chat.Receipt, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.away && message.Text != "0" {
		m.asked++
		return chat.Receipt{}, chat.Errorf(chat.Unavailable, "away")
	}
	m.sent = append(m.sent, message.Text)
	return chat.Receipt{}, nil
}

// TestHold: records that cannot be sent do not block the group for longer than a moment. They are fetched again from the first
// that was not sent.
func TestHold(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	seeds := kgo.SeedBrokers(cluster.ListenAddrs()...)
	writer, err := kgo.NewClient(seeds)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprint(i))
		value := fmt.Appendf(nil, `{"chat":"room","text":"%d","sender":"ann"}`, i)
		if err := writer.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	client, err := kgo.NewClient(seeds, kgo.ConsumeTopics("in"), kgo.ConsumerGroup("g"), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseAllowingRebalance()
	servers := &memory{away: true}
	c := &in{topic: "in", dead: "in.dead", client: client, sender: servers, log: slog.New(slog.DiscardHandler), hold: 20 * time.Millisecond}
	for range 4 { // each ends, though nothing can be sent
		c.round(t.Context())
	}
	if servers.asked < 3 || len(servers.sent) != 1 {
		t.Fatalf("%d were refused, and %v sent", servers.asked, servers.sent)
	}
	if offset := client.CommittedOffsets()["in"][0].Offset; offset != 1 {
		t.Errorf("the offset %d is committed, want 1", offset)
	}
	servers.away, c.hold = false, time.Minute
	for len(servers.sent) < len(want) {
		c.round(t.Context())
	}
	if !slices.Equal(servers.sent, want) {
		t.Errorf("%v were sent, want %v", servers.sent, want)
	}
}

// TestCoordinates: the id of a record is no longer than an id may be, and names one record only.
func TestCoordinates(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("t", maxTopic)
	seen := map[string]bool{}
	for _, r := range []*kgo.Record{
		{Topic: "in", Partition: 1, Offset: 23},
		{Topic: "in", Partition: 12, Offset: 3},
		{Topic: long, Partition: 1<<31 - 1, Offset: 1<<63 - 1},
		{Topic: long[1:], Partition: 1<<31 - 1, Offset: 1<<63 - 1},
		{Topic: long, Partition: 0, Offset: 0},
	} {
		id := coordinates(r)
		if len(id) > chat.MaxIDBytes || seen[id] {
			t.Errorf("the id of %s/%d/%d is %s", r.Topic, r.Partition, r.Offset, id)
		}
		seen[id] = true
	}
	if got := coordinates(&kgo.Record{Topic: "in", Partition: 1, Offset: 23}); got != "in/1/23" {
		t.Errorf("the id is %s", got)
	}
}
