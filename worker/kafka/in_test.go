package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/pullchat/pullchat/internal/chat"
	rpcserver "github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/worker/service"
)

// flaky is rpc-servers that may be away for sends.
type flaky struct {
	service.Source
	mutex sync.Mutex
	away  bool
	lose  int // sends whose answer is lost
	asked int // sends while it is away
}

func (f *flaky) set(away bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.away = away
}

func (f *flaky) sends() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.asked
}

func (f *flaky) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	f.mutex.Lock()
	away, lost := f.away, f.lose > 0
	if away {
		f.asked++
	} else if lost {
		f.lose--
	}
	f.mutex.Unlock()
	if away {
		return chat.Receipt{}, chat.Errorf(chat.Unavailable, "no rpc-server can be reached")
	}
	receipt, err := f.Source.Send(ctx, m)
	if lost {
		return chat.Receipt{}, chat.Errorf(chat.DeadlineExceeded, "the answer is lost")
	}
	return receipt, err
}

// write writes records to a partition.
func write(t *testing.T, client *kgo.Client, topic string, partition int32, values ...string) {
	t.Helper()
	for _, value := range values {
		record := &kgo.Record{Topic: topic, Partition: partition, Key: []byte("key"), Value: []byte(value)}
		if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func wish(room, text string) string {
	return fmt.Sprintf(`{"chat":%q,"text":%q,"sender":"ann"}`, room, text)
}

// texts returns the texts of a chat.
func (b *bed) texts(name string) (texts []string) {
	for _, m := range b.log(name) {
		texts = append(texts, m.Text)
	}
	return texts
}

// TestRecordsIn: records become messages, those of a partition in their order, each once: though commits fail, answers are lost, the
// rpc-servers and the brokers are away for a time, and workers stop.
func TestRecordsIn(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(3, "in"))
	writer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	sent := 0
	rooms := []string{"room0", "room1", "room2"}
	writeAll := func(n int) {
		for range n {
			for partition, room := range rooms {
				write(t, writer, "in", int32(partition), wish(room, fmt.Sprint(sent)))
			}
			sent++
		}
	}
	stored := func() bool {
		return !slices.ContainsFunc(rooms, func(room string) bool { return len(b.texts(room)) < sent })
	}
	config := settings(c.addrs...)
	config.KafkaInTopic = "in"
	servers := &flaky{Source: b.Client, lose: 5}
	writeAll(10)
	stop := b.work(config, servers)
	await(t, "the first are stored, though answers are lost", stored)

	commits := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.UnknownServerError, Count: -1})
	writeAll(10)
	await(t, "the next are stored", stored)
	stop()
	if commits.Hits() == 0 {
		t.Error("no commit failed")
	}
	commits.Remove()
	stop = b.work(config, servers) // gets the same again

	servers.set(true)
	writeAll(10)
	await(t, "sends are tried again", func() bool { return servers.sends() > 10 })
	servers.set(false)
	await(t, "all are stored after the servers are back", stored)

	c.Close()
	c.start()
	writeAll(5)
	await(t, "all are stored after the brokers are back", stored)
	b.work(config, servers) // both share the partitions
	writeAll(5)
	stop()
	writeAll(5)
	await(t, "another worker goes on", stored)

	for partition, room := range rooms {
		for i, m := range b.log(room) {
			if m.Text != fmt.Sprint(i) || m.ID != fmt.Sprintf("in/%d/%d", partition, i) || m.Sender != "ann" {
				t.Fatalf("message %d of %s is %+v; there are %v", i, room, m, b.texts(room))
			}
		}
	}
}

// TestDeadRecords: records that are refused go to the topic of dead letters with the error; those behind them are stored.
func TestDeadRecords(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(1, "in", "in.dead"))
	writer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	bad := []struct{ value, fault string }{
		{`not JSON`, "invalid_argument: the record is not a JSON object"},
		{``, "invalid_argument: the record is not a JSON object"},
		{`{"chat":"room","text":"x","sender":"ann","send_time":1}`, `invalid_argument: unknown field "send_time"`},
		{`{"chat":"room","text":"","sender":"ann"}`, "invalid_argument: text is empty"},
		{`{"chat":"room","text":"x"}`, "invalid_argument: sender is empty"},
		{`{"chat":"a:b:c","text":"x","sender":"ann"}`, "invalid_argument: chat has more than one"},
		{`{"chat":"room","text":7,"sender":"ann"}`, "invalid_argument: text is not a string"},
		{fmt.Sprintf(`{"chat":"room","text":"x","sender":"ann","id":"%065d"}`, 1), "invalid_argument: id is 65 bytes"},
		{`{"chat":"room","text":"another text","sender":"ann","id":"1"}`, "conflict: "},
	}
	write(t, writer, "in", 0, `{"chat":"room","text":"first","sender":"ann","id":"1"}`)
	for _, record := range bad {
		write(t, writer, "in", 0, record.value)
	}
	write(t, writer, "in", 0, wish("room", "last"))
	config := settings(c.addrs...)
	config.KafkaInTopic = "in"
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "in.dead", Err: kerr.NotEnoughReplicas, Count: 2})
	b.work(config, nil)
	await(t, "the good ones are stored", func() bool { return strings.Join(b.texts("room"), " ") == "first last" })
	letters := c.client(kgo.ConsumeTopics("in.dead"))
	for i, record := range bad {
		fetches := letters.PollRecords(t.Context(), 1)
		if fetches.NumRecords() != 1 || fetches.Err() != nil {
			t.Fatalf("there are %d letters: %v", fetches.NumRecords(), fetches.Err())
		}
		letter := fetches.Records()[0]
		if string(letter.Value) != record.value || string(letter.Key) != "key" || !strings.HasPrefix(header(letter, "error"), record.fault) ||
			header(letter, "source") != fmt.Sprintf("in/0/%d", i+1) {
			t.Errorf("the letter of %s is %s, %s, %s", record.value, letter.Value, header(letter, "error"), header(letter, "source"))
		}
	}
}

// TestRecordsInWithAuth: with AUTH=on the worker is a service: it sends to private rooms, and a room that does not exist is refused.
func TestRecordsInWithAuth(t *testing.T) {
	t.Parallel()
	b, c := newBedWith(t, rpcserver.Trust{Auth: "on", RPCSecret: "what gateways know"}), newCluster(t, kfake.SeedTopics(1, "in", "in.dead"))
	ctx := chat.WithCaller(t.Context(), chat.Caller{User: "tests", Service: true})
	if _, err := b.Register(ctx, chat.Registration{User: "ann", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateRoom(ctx, chat.NewRoom{ID: "room", As: "ann"}); err != nil {
		t.Fatal(err)
	}
	write(t, c.client(kgo.RecordPartitioner(kgo.ManualPartitioner())), "in", 0, wish("missing", "1"), wish("room", "2"))
	config := settings(c.addrs...)
	config.KafkaInTopic = "in"
	b.work(config, nil)
	await(t, "one is stored", func() bool {
		page, err := b.Pull(ctx, chat.PullRequest{Chat: "room", Limit: 10})
		return err == nil && len(page.Messages) == 2 && page.Messages[1].Text == "2"
	})
	letter := c.client(kgo.ConsumeTopics("in.dead")).PollRecords(t.Context(), 1).Records()[0]
	if got := header(letter, "error"); !strings.HasPrefix(got, "not_found: there is no room missing") {
		t.Errorf("the letter's error is %s", got)
	}
}

// TestEveryCode: each error is either the record's fault, or is waited for.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(1, "in", "in.dead"))
	writer := c.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for _, code := range chat.Codes() {
		write(t, writer, "in", 0, wish("room", string(code)))
	}
	config := settings(c.addrs...)
	config.KafkaInTopic = "in"
	b.work(config, &coded{Source: b.Client, failed: map[string]int{}})
	waits := []string{"unauthenticated", "token_invalid", "token_expired", "resource_exhausted", "internal", "unavailable", "deadline_exceeded"}
	await(t, "those that wait are stored", func() bool { return len(b.texts("room")) >= len(waits) })
	if got := b.texts("room"); !slices.Equal(got, waits) {
		t.Errorf("%v are stored, want %v", got, waits)
	}
	letters := c.client(kgo.ConsumeTopics("in.dead"))
	var dead []string
	for len(dead) < len(chat.Codes())-len(waits) {
		letters.PollRecords(t.Context(), 1).EachRecord(func(r *kgo.Record) {
			var w struct{ Text string }
			_ = json.Unmarshal(r.Value, &w)
			dead = append(dead, w.Text)
		})
	}
	if want := []string{"invalid_argument", "permission_denied", "not_found", "conflict", "too_large", "unsupported_media_type"}; !slices.Equal(dead, want) {
		t.Errorf("%v are dead letters, want %v", dead, want)
	}
}

// coded fails the first send of each text with the code that it is, and all that are not found.
type coded struct {
	service.Source
	mutex  sync.Mutex
	failed map[string]int
}

func (c *coded) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	c.mutex.Lock()
	c.failed[m.Text]++
	n := c.failed[m.Text]
	c.mutex.Unlock()
	if n == 1 || m.Text == string(chat.NotFound) {
		return chat.Receipt{}, chat.Wrap(errors.New("a test"), chat.Code(m.Text), "not now")
	}
	return c.Source.Send(ctx, m)
}
