package check

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// checked is a test's chats under its own prefix.
type checked struct {
	t      *testing.T
	url    string
	store  *storage.Store
	redis  goredis.UniversalClient
	layout layout.Keys
	sent   []chat.Message // to alice:bob; every second one has an id
}

const checkWindow = time.Hour

// fillChecked appends ten messages to alice:bob and three to a room.
func fillChecked(t *testing.T, url string, options storage.Options) *checked {
	t.Helper()
	options.Prefix, options.IdempotencyWindow = "test:"+t.Name(), checkWindow
	store, err := storage.Open(url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	client, err := redisnode.Connect(url, options.TLS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	c := &checked{t: t, url: url, store: store, redis: client, layout: layout.NewKeys(options.Prefix, layout.DefaultPartitions, 0)}
	for i := range 10 {
		m := chat.Message{Text: "text " + strconv.Itoa(i), Sender: []string{"alice", "bob"}[i%2]}
		if i%2 == 0 {
			m.ID = "id/" + strconv.Itoa(i)
		}
		c.send(m)
	}
	for range 3 {
		if _, err := appendTo(store, chattest.ID(t, "room"), chat.Message{Text: "hi", Sender: "carol", ID: fmt.Sprint(time.Now().UnixNano())}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func appendTo(s *storage.Store, chatID chat.ID, m chat.Message) (chat.Appended, error) {
	a := s.Append(context.Background(), []chat.Append{{Chat: chatID, Message: m}})[0]
	return a, a.Err
}

func (c *checked) send(m chat.Message) {
	c.t.Helper()
	appended, err := appendTo(c.store, chattest.ID(c.t, "alice:bob"), m)
	if err != nil {
		c.t.Fatal(err)
	}
	m.SendTime = appended.SendTime
	c.sent = append(c.sent, m)
}

func (c *checked) log() string      { log, _, _ := c.keys(); return log }
func (c *checked) ids() string      { _, ids, _ := c.keys(); return ids }
func (c *checked) activity() string { _, _, activity := c.keys(); return activity }

func (c *checked) keys() (log, ids, activity string) {
	return c.layout.Append(chattest.ID(c.t, "alice:bob"))
}

func (c *checked) edits() string { return c.layout.Edits(chattest.ID(c.t, "alice:bob")) }

// earlier adds an earlier text of the message at a position.
func (c *checked) earlier(ref, at int64, text string) {
	c.t.Helper()
	c.do("zadd", c.edits(), 0, layout.VersionEntry(ref, chat.Version{SendTime: at, Text: text}))
}

// do runs one command, which must succeed.
func (c *checked) do(args ...any) {
	c.t.Helper()
	if err := c.redis.Do(context.Background(), args...).Err(); err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
}

func (c *checked) checker(options Options) *Checker {
	c.t.Helper()
	options.Prefix, options.IdempotencyWindow, options.MoveBack = c.layout.Prefix, checkWindow, storage.MoveBack
	if options.PageSize == 0 {
		options.PageSize = 4
	}
	checker, err := Open(c.url, options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = checker.Close() })
	return checker
}

// check runs a check to its end.
func (c *checked) check(options Options) Report {
	c.t.Helper()
	checker := c.checker(options)
	if err := checker.Run(context.Background()); err != nil {
		c.t.Fatalf("Run() = %v, want nil", err)
	}
	return checker.Report()
}

// kinds returns the number of faults of each kind in a report.
func kinds(r Report) map[FaultKind]int64 {
	n := map[FaultKind]int64{}
	for _, f := range r.Faults {
		n[f.Kind] = f.Count
	}
	return n
}

// member is a log's entry with this position in its digits.
func member(position int64, m chat.Message) string {
	return fmt.Sprintf("%016d", position) + string(layout.Encode(m))
}

// dump is the whole content of the test's keys, without expiry times.
func (c *checked) dump() map[string]string {
	c.t.Helper()
	ctx := context.Background()
	all := map[string]string{}
	for keys := c.redis.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); {
		if _, ours := c.layout.Parse(keys.Val()); ours {
			all[keys.Val()] = c.redis.Dump(ctx, keys.Val()).Val()
		}
	}
	return all
}

// sendAgain verifies a repair: repeated sends store nothing, and ids expire as before.
func (c *checked) sendAgain() {
	c.t.Helper()
	for _, m := range c.sent {
		if m.ID == "" {
			continue
		}
		again, err := appendTo(c.store, chattest.ID(c.t, "alice:bob"), chat.Message{Text: m.Text, Sender: m.Sender, ID: m.ID})
		if err != nil || !again.Duplicate || again.SendTime != m.SendTime {
			c.t.Errorf("send %s again = %+v, %v; want the duplicate of %d", m.ID, again, err, m.SendTime)
		}
	}
	last := c.sent[len(c.sent)-1].SendTime
	if a, err := appendTo(c.store, chattest.ID(c.t, "alice:bob"), chat.Message{Text: "new", Sender: "bob"}); err != nil || a.SendTime <= last {
		c.t.Errorf("send after the repair = %+v, %v; want a position after %d", a, err, last)
	}
	if left := c.redis.PTTL(context.Background(), c.ids()).Val(); left <= checkWindow-time.Minute || left > checkWindow {
		c.t.Errorf("ids expire in %v, want just below %v", left, checkWindow)
	}
}
