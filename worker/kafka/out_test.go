package kafka_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestEveryMessage: every message of every chat comes to the topic with its key and headers, in order. Errors of the brokers,
// cut connections, a restart of the brokers and one of the worker lose none, and repeat some with the same id at most.
func TestEveryMessage(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(4, "chat"))
	if _, err := b.CreateRoom(t.Context(), chat.NewRoom{ID: "room", As: "ann"}); err != nil {
		t.Fatal(err)
	}
	chats, sent := []string{"room"}, 1 // the notice of its beginning
	for i := range 12 {
		chats = append(chats, fmt.Sprintf("ann:ben%d", i), fmt.Sprintf("open.%d", i))
	}
	send := func(n int) {
		for range n {
			for _, name := range chats {
				b.send(name, "ann", fmt.Sprintf(`"%d" <ü>`, sent))
				sent++
			}
		}
	}
	r := c.read(kgo.ConsumeTopics("chat"))
	config := settings(c.addrs...)
	config.KafkaTopic = "chat"
	stop := b.work(config, nil)
	await(t, "the notice is there", func() bool { n, _ := r.count(); return n == 1 })

	h := c.failProduce()
	for h.Hits() < 8 {
		send(1)
	}
	await(t, "all come in spite of errors", func() bool { n, _ := r.count(); return n == sent })

	cut := c.cutProduce()
	send(5)
	cut()
	await(t, "all come in spite of cut connections", func() bool { n, _ := r.count(); return n == sent })

	c.ShufflePartitionLeaders()
	send(5)
	c.Close()
	send(5) // no broker is there
	c.start()
	send(5)
	await(t, "all come after the brokers are back", func() bool { n, _ := r.count(); return n == sent })
	stop()
	send(2)
	b.work(config, nil)
	await(t, "another worker goes on", func() bool { n, _ := r.count(); return n == sent })
	r.compare(b, chats...)
}

// TestBrokersAway: without brokers, sends go on and the state says why nothing is handled. When they come, all messages come.
func TestBrokersAway(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(2, "chat"))
	r := c.read(kgo.ConsumeTopics("chat"))
	c.Close()
	config := settings(c.addrs...)
	config.KafkaTopic = "chat"
	b.work(config, nil)
	sent := 0
	for range 20 {
		for _, name := range []string{"ann:ben", "room", "other"} {
			b.send(name, "ann", fmt.Sprint(sent))
			sent++
		}
	}
	await(t, "the state says so", func() bool {
		s := b.state()
		return s.FailingSince > 0 && strings.Contains(s.Error, "the brokers do not acknowledge; "+c.addrs[0]) && s.Behind == 3
	})
	c.start()
	await(t, "all messages come", func() bool { n, _ := r.count(); return n == sent })
	await(t, "the state says that it works", func() bool { s := b.state(); return s.FailingSince == 0 && s.Lag == 0 && s.Handled == int64(sent) })
	r.compare(b, "ann:ben", "room", "other")
}

// TestTopicPerChat: with a template each room has its topic; with KAFKA_CHATS=rooms, other chats have none.
func TestTopicPerChat(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
	config := settings(c.addrs...)
	config.KafkaTopic, config.KafkaChats = "chat.{room}", "rooms"
	b.work(config, nil)
	want := map[string]string{"team": "chat.team", "a.b": "chat.a_2eb", "über": "chat._c3_bcber"}
	for name := range want {
		b.send(name, "ann", "hello")
	}
	b.send("ann:ben", "ann", "secret")
	r := c.read(kgo.ConsumeRegex(), kgo.ConsumeTopics(`chat\..*`))
	await(t, "each has its own", func() bool { n, _ := r.count(); return n == len(want) })
	await(t, "nothing is left", func() bool { return b.state().Lag == 0 })
	for _, record := range r.all() {
		if record.Topic != want[string(record.Key)] {
			t.Errorf("%s is in the topic %s", record.Key, record.Topic)
		}
	}
}

// TestBursts: a burst is one record with its messages.
func TestBursts(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(2, "chat"))
	config := settings(c.addrs...)
	config.KafkaTopic, config.KafkaEvents = "chat", "bursts"
	if _, err := b.CreateRoom(t.Context(), chat.NewRoom{ID: "room", As: "ann"}); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 7 {
		b.send("room", "ann", fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
	}
	b.work(config, nil)
	r := c.read(kgo.ConsumeTopics("chat"))
	var got []string
	await(t, "all have come", func() bool {
		got = nil
		for _, record := range r.all() {
			var burst struct {
				Type, Chat, Sender string
				SendTime           int64 `json:"send_time"`
				Messages           []struct {
					Text     string
					SendTime int64 `json:"send_time"`
				}
			}
			if err := json.Unmarshal(record.Value, &burst); err != nil {
				t.Fatal(err)
			}
			if burst.Type == "notice" {
				continue
			}
			if n := len(burst.Messages); burst.Type != "burst" || burst.Chat != "room" || burst.Sender != "ann" || n == 0 || n > 3 ||
				burst.SendTime != burst.Messages[n-1].SendTime || header(record, "position") != fmt.Sprint(burst.SendTime) {
				t.Fatalf("a burst is %s", record.Value)
			}
			for _, m := range burst.Messages {
				got = append(got, m.Text)
			}
		}
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("the bursts have %v", got)
	}
	if n := len(r.all()); n > 5 { // the notice, 3, 3, 1, and one more where the machine was slow
		t.Errorf("there are %d records", n)
	}
}

// TestTooLarge: a message that the brokers do not take becomes a dead letter, and those behind it come. A batch that is too large
// as a whole comes in parts.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(1, "chat"), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "2000"}))
	random := func(n int) string { // that compression does not shrink
		var text strings.Builder
		for i := 0; text.Len() < n; i++ {
			fmt.Fprintf(&text, "%x", uint64(i)*0x9e3779b97f4a7c15)
		}
		return text.String()
	}
	config := settings(c.addrs...)
	config.KafkaTopic, config.KafkaMaxBytes = "chat", 8000
	for i := range 5 {
		b.send("room", "ann", fmt.Sprint(i)+random(900))
	}
	b.send("room", "ann", random(6000))  // more than the brokers take
	b.send("room", "ann", random(20000)) // more than the producer takes
	b.send("room", "ann", "last")
	r := c.read(kgo.ConsumeTopics("chat"))
	b.work(config, nil)
	await(t, "the others come", func() bool { n, _ := r.count(); return n == 6 })
	await(t, "two are dead letters", func() bool { return b.state().DeadLetters == 2 })
	letters, err := b.DeadLetters(t.Context(), "kafka", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range letters {
		if !strings.Contains(letter.Error, "too many for the topic: MESSAGE_TOO_LARGE") {
			t.Errorf("the dead letter is %+v", letter)
		}
	}
}

// TestMissingTopic: a topic that does not exist holds up its chats only, and the state names it.
func TestMissingTopic(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(1, "chat.there"))
	config := settings(c.addrs...)
	config.KafkaTopic = "chat.{room}"
	b.work(config, nil)
	b.send("missing", "ann", "1")
	b.send("there", "ann", "1")
	r := c.read(kgo.ConsumeTopics("chat.there", "chat.missing"))
	await(t, "the other one goes on", func() bool { n, _ := r.count(); return n == 1 })
	await(t, "the state names the topic", func() bool {
		return strings.Contains(b.state().Error, "topic chat.missing: UNKNOWN_TOPIC_OR_PARTITION")
	})
	if err := c.CreateTopic("chat.missing", 1, nil); err != nil {
		t.Fatal(err)
	}
	await(t, "it comes", func() bool { n, _ := r.count(); return n == 2 })
}
