package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

func openAt(t testing.TB, url string, options Options) *Store {
	t.Helper()
	store, err := Open(url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func appendOne(s *Store, chatID chat.ID, m chat.Message) (chat.Appended, error) {
	a := s.Append(context.Background(), []chat.Append{{Chat: chatID, Message: m}})[0]
	return a, a.Err
}

func rangeOne(s *Store, chatID chat.ID, from int64, reverse bool, limit int) ([]chat.Message, error) {
	r := s.Range(context.Background(), []chat.Range{{Chat: chatID, From: from, Reverse: reverse, Limit: limit}})[0]
	return r.Messages, r.Err
}

// TestStoredForm pins the data in Redis after an append.
func TestStoredForm(t *testing.T) {
	redis := miniredis.RunT(t)
	clock := time.UnixMicro(1_780_000_000_000_000)
	store := openAt(t, "redis://"+redis.Addr(), Options{
		Clock: func() time.Time { return clock }, IdempotencyWindow: time.Hour, Retention: time.Minute,
	})
	message := chat.Message{Text: "hi", Sender: "bob", ID: "7"}
	if _, err := appendOne(store, chattest.ID(t, "bob:alice"), message); err != nil {
		t.Fatal(err)
	}
	log, _ := redis.SortedSet("im:{45}:log:alice:bob")
	member := "1780000000000000" + "\x0b\x00\x02\x00\x00\x00\x03bob" + "\x03\x00\x06\x01" + "\x0b\x00\x03\x00\x00\x00\x017" + "\x0b\x00\x01\x00\x00\x00\x02hi" + "\x00"
	if len(log) != 1 || log[member] != 1_780_000_000_000_000 {
		t.Errorf("log = %v, want %q at its position", log, member)
	}
	ids, _ := redis.SortedSet("im:{45}:ids:alice:bob")
	if len(ids) != 2 || ids["bob/7"] != 1_780_000_000_000_000 || ids["#"+strconv.FormatUint(xxhash.Sum64String("hi"), 36)+":bob/7"] == 0 {
		t.Errorf("ids = %v, want bob/7 and its digest at its position", ids)
	}
	activity, _ := redis.SortedSet("im:{45}:activity")
	if len(activity) != 1 || activity["alice:bob"] != 1_780_000_000_000_000 {
		t.Errorf("activity = %v, want alice:bob at its position", activity)
	}
	if count, _ := redis.Get("im:partitions"); count != "256" {
		t.Errorf("partitions = %q, want 256", count)
	}
	for key, want := range map[string]time.Duration{
		"im:{45}:log:alice:bob": time.Minute, "im:{45}:ids:alice:bob": time.Hour, "im:{45}:activity": 0,
	} {
		if got := redis.TTL(key); got != want {
			t.Errorf("%s expires in %v, want %v", key, got, want)
		}
	}
}

func TestPartitionsArePinned(t *testing.T) {
	url := "redis://" + miniredis.RunT(t).Addr()
	ctx := context.Background()
	if err := openAt(t, url, Options{Partitions: 16}).CheckPartitions(ctx); err != nil {
		t.Fatalf("CheckPartitions of a new Redis = %v, want nil", err)
	}
	if err := openAt(t, url, Options{Partitions: 16}).CheckPartitions(ctx); err != nil {
		t.Errorf("CheckPartitions with the same number = %v, want nil", err)
	}
	other := openAt(t, url, Options{})
	if err := other.CheckPartitions(ctx); !errors.Is(err, ErrPartitions) {
		t.Errorf("CheckPartitions with another number = %v, want ErrPartitions", err)
	}
	if _, err := appendOne(other, chattest.ID(t, "room"), chat.Message{}); !errors.Is(err, ErrPartitions) {
		t.Errorf("Append with another number = %v, want ErrPartitions", err)
	}
	if _, err := rangeOne(other, chattest.ID(t, "room"), 0, false, 1); !errors.Is(err, ErrPartitions) {
		t.Errorf("Range with another number = %v, want ErrPartitions", err)
	}
}

// TestRetentionSwitchedOff: a message kept for ever must not expire at a time that was set before.
func TestRetentionSwitchedOff(t *testing.T) {
	redis := miniredis.RunT(t)
	url := "redis://" + redis.Addr()
	for _, options := range []Options{{Retention: time.Minute}, {}} {
		if _, err := appendOne(openAt(t, url, options), chattest.ID(t, "room"), chat.Message{Text: "x", Sender: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	redis.FastForward(time.Hour)
	if messages, err := rangeOne(openAt(t, url, Options{}), chattest.ID(t, "room"), 0, false, 10); err != nil || len(messages) != 2 {
		t.Errorf("Range() an hour after retention was switched off = %v, %v; want both messages", messages, err)
	}
}

// TestRetentionFreesMemory: a message past retention is not only hidden but removed by the next append.
func TestRetentionFreesMemory(t *testing.T) {
	redis := miniredis.RunT(t)
	now := time.UnixMicro(1_780_000_000_000_000)
	store := openAt(t, "redis://"+redis.Addr(), Options{Retention: time.Minute, Clock: func() time.Time { return now }})
	for range 3 {
		if _, err := appendOne(store, chattest.ID(t, "room"), chat.Message{Text: "x", Sender: "a"}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(40 * time.Second)
	}
	if log, _ := redis.SortedSet(store.keys.Log(chattest.ID(t, "room"))); len(log) != 2 {
		t.Errorf("the log holds %d entries, want the two of the last minute", len(log))
	}
}

// TestPartitionsArePinnedAnew: Redis was emptied under a running server.
func TestPartitionsArePinnedAnew(t *testing.T) {
	redis := miniredis.RunT(t)
	store := openAt(t, "redis://"+redis.Addr(), Options{})
	message := chat.Message{Text: "x", Sender: "a"}
	for range 2 {
		if _, err := appendOne(store, chattest.ID(t, "room"), message); err != nil {
			t.Fatal(err)
		}
		redis.FlushAll()
		store.redis.ScriptFlush(context.Background())
	}
	if _, err := appendOne(store, chattest.ID(t, "room"), message); err != nil {
		t.Fatal(err)
	}
	if _, err := appendOne(store, chattest.ID(t, "room"), message); err != nil {
		t.Errorf("append = %v", err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !redis.Exists("im:partitions"); <-tick.C { // beside the appends
		if time.Now().After(deadline) {
			t.Fatal("the number of partitions is not pinned again")
		}
	}
}

// TestPageCostsTheSame counts Redis's work for a page of 20 in a short and in a long chat: one command, and the same
// number of bytes in its answer.
func TestPageCostsTheSame(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--appendonly", "no")
	store := openAt(t, redis.URL(), Options{})
	for name, n := range map[string]int{"short": 100, "long1": 20_000} {
		fillFast(t, store, chattest.ID(t, name), n)
	}
	type cost struct{ commands, bytes int }
	measure := func(name string, reverse bool) cost {
		from := int64(0)
		if reverse {
			from = chat.MaxCursor
		}
		commands, bytes := count(t, redis, "total_commands_processed"), count(t, redis, "total_net_output_bytes")
		page, err := rangeOne(store, chattest.ID(t, name), from, reverse, 21)
		if err != nil || len(page) != 21 {
			t.Fatalf("Range(%s) = %d messages, %v; want 21", name, len(page), err)
		}
		return cost{count(t, redis, "total_commands_processed") - commands, count(t, redis, "total_net_output_bytes") - bytes}
	}
	measure("short", false) // the connection is made
	for _, reverse := range []bool{false, true} {
		short, long := measure("short", reverse), measure("long1", reverse)
		// INFO's own answers are in the count; their length varies by a few digits.
		if short.commands != long.commands || max(short.bytes, long.bytes)-min(short.bytes, long.bytes) > 100 {
			t.Errorf("a page (reverse %v) of 100 messages cost %+v, of 20,000 %+v; want the same", reverse, short, long)
		}
	}
}

func count(t *testing.T, redis *redistest.Server, field string) int {
	t.Helper()
	n, err := strconv.Atoi(redis.Info(field))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fillFast appends n messages through the script, in pipelines.
func fillFast(t testing.TB, store *Store, chatID chat.ID, n int) {
	t.Helper()
	ctx := context.Background()
	if _, err := appendOne(store, chatID, chat.Message{Text: "000000", Sender: "a"}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < n; {
		pipeline := store.redis.Pipeline()
		for ; i < n && pipeline.Len() < 1000; i++ {
			message := chat.Message{Text: fmt.Sprintf("%06d", i), Sender: "a"}
			a := listedAppend{Append: &chat.Append{Chat: chatID, Message: message}, partition: store.subscriptions.Of(chatID)}
			pipeline.Do(ctx, appendArgs(store.sharedArgs(), []listedAppend{a}, []int{0})...)
		}
		if _, err := pipeline.Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAppendWhereTheScriptIsUnknown: Redis has lost its scripts, as after a restart.
func TestAppendWhereTheScriptIsUnknown(t *testing.T) {
	redis := miniredis.RunT(t)
	store := openAt(t, "redis://"+redis.Addr(), Options{})
	ctx := context.Background()
	for range 2 {
		if _, err := appendOne(store, chattest.ID(t, "room"), chat.Message{Text: "x", Sender: "a"}); err != nil {
			t.Fatal(err)
		}
		if err := store.redis.ScriptFlush(ctx).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if messages, err := rangeOne(store, chattest.ID(t, "room"), 0, false, 10); err != nil || len(messages) != 2 {
		t.Errorf("Range() = %v, %v; want both messages", messages, err)
	}
}

func TestDamagedEntry(t *testing.T) {
	redis := miniredis.RunT(t)
	store := openAt(t, "redis://"+redis.Addr(), Options{})
	if _, err := redis.ZAdd(store.keys.Log(chattest.ID(t, "room")), 1, "0000000000000001 not a message"); err != nil {
		t.Fatal(err)
	}
	if _, err := rangeOne(store, chattest.ID(t, "room"), 0, false, 10); chat.CodeOf(err) != chat.Internal {
		t.Errorf("Range() over a damaged entry = %v, want an internal error", err)
	}
}

func TestAppendScriptAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply int64
		want  chat.Appended
		code  chat.Code
	}{
		{"stored", 7, chat.Appended{SendTime: 7}, ""},
		{"the last position", chat.MaxSendTime, chat.Appended{SendTime: chat.MaxSendTime}, ""},
		{"duplicate", -7, chat.Appended{SendTime: 7, Duplicate: true}, ""},
		{"duplicate of the last position", -chat.MaxSendTime, chat.Appended{SendTime: chat.MaxSendTime, Duplicate: true}, ""},
		{"another text", outcomeConflict, chat.Appended{}, chat.Conflict},
		{"full", outcomeFull, chat.Appended{}, chat.ResourceExhausted},
	} {
		got, err := appended(&chat.Append{}, c.reply)
		if chat.CodeOf(err) != c.code || got.SendTime != c.want.SendTime || got.Duplicate != c.want.Duplicate {
			t.Errorf("%s: appended(%v) = %+v, %v; want %+v, code %q", c.name, c.reply, got, err, c.want, c.code)
		}
	}
}
