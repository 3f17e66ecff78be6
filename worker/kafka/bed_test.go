package kafka_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	rpcserver "github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/worker/kafka"
	"github.com/pullchat/pullchat/worker/service"
)

// bed is an rpc-server over a Redis of its own.
type bed struct {
	*rpcclient.Client
	t *testing.T
}

func newBed(t *testing.T) *bed {
	t.Helper()
	return newBedWith(t, rpcserver.Trust{Auth: "off"})
}

func newBedWith(t *testing.T, trust rpcserver.Trust) *bed {
	t.Helper()
	rpc, err := rpcserver.Listen(t.Context(), rpcserver.Config{
		RPCAddr: "127.0.0.1:0", RedisURL: redistest.Start(t).URL(), DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 64 << 10, IdempotencyWindow: time.Hour,
		RefreshTokenTTL: time.Hour, MaxRoomMembers: 100, HintSweep: time.Second, Trust: trust,
	}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, rpc)
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{rpc.Addr().String()}, RPCSecret: trust.RPCSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	return &bed{calls, t}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (b *bed) send(name, sender, text string) chat.Message {
	b.t.Helper()
	m := chat.Message{Chat: name, Sender: sender, Text: text}
	receipt, err := b.Send(b.t.Context(), m)
	if err != nil {
		b.t.Fatal(err)
	}
	m.SendTime = receipt.SendTime
	return m
}

// log returns all messages of a chat.
func (b *bed) log(name string) (all []chat.Message) {
	b.t.Helper()
	for cursor, more := int64(0), true; more; {
		page, err := b.Pull(b.t.Context(), chat.PullRequest{Chat: name, Cursor: cursor, Limit: 100})
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, page.Messages...)
		cursor, more = page.NextCursor, page.HasMore
	}
	return all
}

func (b *bed) state() chat.ProjectionState {
	b.t.Helper()
	states, err := b.Projections(b.t.Context(), "kafka")
	if chat.CodeOf(err) == chat.NotFound { // no worker has begun
		return chat.ProjectionState{}
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return states[0]
}

// settings are those of brokers, with the defaults of the flags.
func settings(brokers ...string) kafka.Config {
	return kafka.Config{
		KafkaBrokers: brokers, KafkaEvents: "messages", KafkaChats: "all", KafkaStart: "oldest", KafkaMaxBytes: 1000012, KafkaInGroup: "pullchat",
		KafkaTLS: "off", KafkaSASLMechanism: "off",
	}
}

// work runs a worker until the test or stop ends it. A nil source is the rpc-server.
func (b *bed) work(config kafka.Config, source service.Source) (stop func()) {
	b.t.Helper()
	if err := config.Validate(); err != nil {
		b.t.Fatal(err)
	}
	if source == nil {
		source = b.Client
	}
	bursts := service.Bursts{BurstMessages: 3, BurstQuiet: 300 * time.Millisecond, BurstLongest: time.Second}
	worker, err := service.New(service.Config{Kafka: config, Bursts: bursts}, source, quiet())
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("the worker ended: %v", err)
		}
	})
	b.t.Cleanup(stop)
	return stop
}

// cluster is a Kafka of one broker or more, which may go away and come back with its data.
type cluster struct {
	*kfake.Cluster
	t       *testing.T
	options []kfake.Opt
	addrs   []string
}

func newCluster(t *testing.T, options ...kfake.Opt) *cluster {
	t.Helper()
	c := &cluster{t: t, options: append([]kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(t.TempDir())}, options...)}
	c.start()
	c.addrs = c.ListenAddrs()
	var ports []int
	for _, addr := range c.addrs {
		resolved, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, resolved.Port)
	}
	c.options = append(c.options, kfake.Ports(ports...))
	t.Cleanup(func() { c.Close() })
	return c
}

// start starts the brokers, again at the same addresses.
func (c *cluster) start() {
	c.t.Helper()
	started, err := kfake.NewCluster(c.options...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Cluster = started
}

// client returns a client of another program.
func (c *cluster) client(options ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.addrs...), kgo.MetadataMinAge(50 * time.Millisecond), kgo.MetadataMaxAge(200 * time.Millisecond)}, options...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	return client
}

// coordinates are where a record is.
type coordinates struct {
	topic     string
	partition int32
	offset    int64
}

// reader records the records in topics. Its client may fetch a topic from the beginning again after a restart of the
// brokers: a record from the same offset is no repeat.
type reader struct {
	t        *testing.T
	seen     map[coordinates]bool
	mutex    sync.Mutex
	records  []*kgo.Record
	ids      map[string]string // the value by id
	repeats  int
	position map[string]string // the last one of each key, of records that are no repeats
}

// read reads topics until the test ends.
func (c *cluster) read(options ...kgo.Opt) *reader {
	c.t.Helper()
	r := &reader{t: c.t, seen: map[coordinates]bool{}, ids: map[string]string{}, position: map[string]string{}}
	client := c.client(options...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(r.note)
		}
	}()
	c.t.Cleanup(func() {
		cancel()
		<-ended
	})
	return r
}

// note checks a record beside those before it.
func (r *reader) note(record *kgo.Record) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	at := coordinates{record.Topic, record.Partition, record.Offset}
	if r.seen[at] {
		return
	}
	r.seen[at] = true
	r.records = append(r.records, record)
	id, position, key := header(record, "id"), header(record, "position"), string(record.Key)
	if id != key+"@"+position {
		r.t.Errorf("a record of %s has the id %q and the position %q", key, id, position)
	}
	if value, known := r.ids[id]; known {
		r.repeats++
		if value != string(record.Value) {
			r.t.Errorf("%s is repeated as %s, was %s", id, record.Value, value)
		}
		return
	}
	r.ids[id] = string(record.Value)
	if position <= r.position[key] {
		r.t.Errorf("%s comes after position %s", id, r.position[key])
	}
	r.position[key] = position
}

func (r *reader) count() (unique, repeats int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.ids), r.repeats
}

// all returns the records that have come.
func (r *reader) all() []*kgo.Record {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]*kgo.Record(nil), r.records...)
}

func header(record *kgo.Record, key string) string {
	for _, h := range record.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// compare checks that the log of chats is in the topics.
func (r *reader) compare(b *bed, chats ...string) {
	r.t.Helper()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, name := range chats {
		for _, m := range b.log(name) {
			value, known := r.ids[chat.EventID(name, m.SendTime)]
			if !known {
				r.t.Errorf("message %d of %s is not in the topic", m.SendTime, name)
				continue
			}
			var got struct {
				Chat, Text, Sender, ID, Type string
				SendTime                     int64 `json:"send_time"`
			}
			if err := json.Unmarshal([]byte(value), &got); err != nil {
				r.t.Fatal(err)
			}
			if got.Chat != name || got.Text != m.Text || got.Sender != m.Sender || got.SendTime != m.SendTime || got.ID != m.ID || (got.Type == "notice") != (m.Notice != nil) {
				r.t.Errorf("the record of %+v is %s", m, value)
			}
		}
	}
}

// await waits until something holds, and fails the test after a time that no working machine needs.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}
