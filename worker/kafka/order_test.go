package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// TestOrderInRooms: bans, mutes, slow mode, announcements and pins become records, each once and in order, with the documented
// fields; also where bursts are gathered.
func TestOrderInRooms(t *testing.T) {
	t.Parallel()
	for _, events := range []string{"messages", "bursts"} {
		t.Run(events, func(t *testing.T) {
			t.Parallel()
			b, c := newBed(t), newCluster(t, kfake.SeedTopics(2, "chat"))
			if _, err := b.CreateRoom(t.Context(), chat.NewRoom{ID: "club", As: "ann", Users: []string{"bob"}}); err != nil {
				t.Fatal(err)
			}
			said := b.send("club", "ann", "said").SendTime
			orderings := chattest.Orderings("club", "ann", "bob", said)
			for _, o := range orderings {
				if _, err := b.ChangeRoom(t.Context(), o.Change); err != nil {
					t.Fatalf("%s: %v", o.Change.Kind, err)
				}
			}
			config := settings(c.addrs...)
			config.KafkaTopic, config.KafkaEvents = "chat", events
			b.work(config, nil)
			r := c.read(kgo.ConsumeTopics("chat"))
			const before = 2 // the notice of the room's beginning, and its messages
			await(t, "each has its record", func() bool { n, _ := r.count(); return n >= before+len(orderings) })
			records, after := r.all(), said
			if len(records) != before+len(orderings) {
				t.Fatalf("%d records came, want %d", len(records), before+len(orderings))
			}
			for i, o := range orderings {
				record := records[before+i]
				after = o.Told(t, record.Value, after)
				if id := header(record, "id"); string(record.Key) != "club" || id != chat.EventID("club", after) {
					t.Errorf("the record of %s has the key %s and the id %s", o.Change.Kind, record.Key, id)
				}
			}
		})
	}
}
