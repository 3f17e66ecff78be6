package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/check"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// appendUntilStored repeats a message with its id until it is acknowledged, as a client does.
func appendUntilStored(t *testing.T, store *Store, chatID chat.ID, m chat.Message) chat.Appended {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		a, err := appendOne(store, chatID, m)
		if err == nil {
			return a
		}
		if code := chat.CodeOf(err); code != chat.Unavailable && code != chat.DeadlineExceeded {
			t.Fatalf("Append() = %v, want unavailable or deadline_exceeded until it works", err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("Append() = %v after 20 s", err)
		}
	}
}

// wantTexts compares a whole chat with the texts acknowledged for it.
func wantTexts(t *testing.T, store *Store, chatID chat.ID, want []string) {
	t.Helper()
	messages, err := rangeOne(store, chatID, 0, false, 10_000)
	if err != nil {
		t.Errorf("Range(%s) = %v", chatID, err)
	}
	var got []string
	for _, m := range messages {
		got = append(got, m.Text)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", chatID, got, want)
	}
}

func message(i int) chat.Message {
	return chat.Message{Sender: "a", Text: fmt.Sprint(i), ID: fmt.Sprint(i)}
}

// TestSentinelFailover: the master is killed. With a copy of every message, no acknowledged message is lost, and a
// repeated one is stored once.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	redis := redistest.StartSentinel(t)
	store := openAt(t, redis.URL(), Options{MinReplicas: 1, IdempotencyWindow: time.Hour})
	var want []string
	for i := range 60 {
		if i == 20 {
			redis.Master().Kill()
		}
		if i == 40 {
			redis.Failover()
		}
		appendUntilStored(t, store, chattest.ID(t, "room"), message(i))
		want = append(want, fmt.Sprint(i))
	}
	wantTexts(t, store, chattest.ID(t, "room"), want)
	wantSound(t, redis.URL(), 1)
}

// TestClusterFailover: the master of a chat is killed, and comes back as a replica. Its replica, which takes over, has
// none of its own, so that copies can only be asked for before.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	copying := openAt(t, redis.URL(), Options{MinReplicas: 1, IdempotencyWindow: time.Hour})
	store := openAt(t, redis.URL(), Options{IdempotencyWindow: time.Hour})
	master := redis.MasterOf(store.keys.Log(chattest.ID(t, "room")))
	var want []string
	for i := range 60 {
		switch {
		case i < 20:
			appendUntilStored(t, copying, chattest.ID(t, "room"), message(i))
		case i == 20:
			master.Kill()
		case i == 40:
			master.Restart()
			redis.WaitUntilOK()
			redis.Failover(master)
		}
		appendUntilStored(t, store, chattest.ID(t, "room"), message(i))
		want = append(want, fmt.Sprint(i))
	}
	wantTexts(t, store, chattest.ID(t, "room"), want)
	wantSound(t, redis.URL(), 1)
}

// TestHungMaster: one of three masters hangs. Chats of the others do not wait for it, and its own are refused at once
// after the first calls.
func TestHungMaster(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t, "--cluster-node-timeout", "15000")
	store := openAt(t, redis.URL(), Options{})
	hung := redis.MasterOf(store.keys.Log(chattest.ID(t, "room-0")))
	var on, off []chat.ID
	for i := range 40 {
		room := chattest.ID(t, fmt.Sprintf("room-%d", i))
		if _, err := appendOne(store, room, chat.Message{Sender: "a", Text: "x"}); err != nil {
			t.Fatal(err)
		}
		if redis.MasterOf(store.keys.Log(room)) == hung {
			off = append(off, room)
		} else {
			on = append(on, room)
		}
	}
	hung.Stop()
	defer hung.Continue()
	ctx := context.Background()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for range 2 {
			_, _ = appendOne(store, off[0], chat.Message{Sender: "a", Text: "x"})
		}
	}()
	for _, room := range on {
		start := time.Now()
		_, err := appendOne(store, room, chat.Message{Sender: "a", Text: "x"})
		if took := time.Since(start); err != nil || took >= redisnode.Timeout {
			t.Errorf("Append(%s) with another master hung = %v after %v, want nil and no wait for the hung master", room, err, took)
		}
	}
	<-asked
	for _, room := range off {
		start := time.Now()
		_, err := appendOne(store, room, chat.Message{Sender: "a", Text: "x"})
		if took := time.Since(start); took >= redisnode.Timeout {
			t.Errorf("Append(%s) at the hung master took %v, want it refused at once", room, took)
		}
		if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(chat.AsError(err).Message, "nothing was") {
			t.Errorf("Append(%s) at the hung master = %v, want unavailable and that nothing was stored", room, err)
		}
	}
	hung.Continue()
	appendUntilStored(t, store, off[0], chat.Message{Sender: "a", Text: "x"})
	if err := store.Ready(ctx); err != nil {
		t.Errorf("Ready() = %v", err)
	}
}

// TestSlotMoves while messages are appended: redirections are followed, and nothing is stored twice.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	store := openAt(t, redis.URL(), Options{IdempotencyWindow: time.Hour})
	rooms := []chat.ID{chattest.ID(t, "room")}
	for i := 0; len(rooms) < 3; i++ { // of the same partition
		if room := chattest.ID(t, fmt.Sprintf("room-%d", i)); store.keys.Partition(room) == store.keys.Partition(rooms[0]) {
			rooms = append(rooms, room)
		}
	}
	key := store.keys.Log(rooms[0])
	from := redis.MasterOf(key)
	var to *redistest.Server
	for _, master := range redis.Masters() {
		if master != from {
			to = master
		}
	}
	want := map[chat.ID][]string{}
	next := 0
	send := func(room chat.ID) {
		appendUntilStored(t, store, room, message(next))
		want[room] = append(want[room], fmt.Sprint(next))
		next++
	}
	send(rooms[0])
	send(rooms[1])
	migration := redis.Migrate(redis.Slot(key), to)
	log, ids, activity := store.keys.Append(rooms[0])
	send(rooms[0])
	migration.MoveKey(log, ids, activity, store.keys.Read(rooms[0]))
	send(rooms[0]) // ASK
	for migration.MoveKeys(100) > 0 {
	}
	send(rooms[1])
	// Redis does not know whether keys that are in neither place are new: a chat waits for the end of the move.
	if _, err := appendOne(store, rooms[2], message(0)); chat.CodeOf(err) != chat.Unavailable || !strings.Contains(chat.AsError(err).Message, "nothing was stored") {
		t.Errorf("Append() to a new chat in a slot that moves = %v, want unavailable and that nothing was stored", err)
	}
	migration.Finish()
	for _, room := range rooms { // MOVED
		send(room)
		wantTexts(t, store, room, want[room])
	}
}

// TestMinReplicas: a message is acknowledged once it is copied. Where it is not, its outcome is unknown, and the same id
// settles it.
func TestMinReplicas(t *testing.T) {
	t.Parallel()
	redis := redistest.StartSentinel(t)
	store := openAt(t, redis.URL(), Options{MinReplicas: 2, IdempotencyWindow: time.Hour})
	room := chattest.ID(t, "room")
	if a, err := appendOne(store, room, message(1)); err != nil || a.Duplicate {
		t.Fatalf("Append() with two replicas = %+v, %v", a, err)
	}
	listed(store, room)
	stopped := redis.Replicas()[0]
	stopped.Stop()
	_, err := appendOne(store, room, message(2))
	if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(chat.AsError(err).Message, "it is unknown") {
		t.Errorf("Append() with one replica of two = %v, want unavailable and an unknown outcome", err)
	}
	// Also on another connection a repeated id waits for the copy of its message.
	other := openAt(t, redis.URL(), Options{MinReplicas: 2, IdempotencyWindow: time.Hour})
	listed(other, room)
	if _, err := appendOne(other, room, message(2)); chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("Append() of the id again with one replica of two = %v, want unavailable", err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C { // until its silence is noticed
		if _, err = appendOne(store, room, message(3)); errors.Is(err, redisnode.ErrFewReplicas) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("Append() = %v, want it refused at once", err)
		}
	}
	stopped.Continue()
	if a := appendUntilStored(t, store, room, message(2)); !a.Duplicate {
		t.Errorf("Append() of the id again = %+v, want a duplicate", a)
	}
	appendUntilStored(t, store, room, message(3))
	wantTexts(t, store, room, []string{"1", "2", "3"})
}

// TestMayNotWait: the result of WAIT does not replace that of the append, which was made.
func TestMayNotWait(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--user", "nowait", "on", ">secret", "~*", "&*", "+@all", "-wait")
	url := "redis://nowait:secret@" + redis.Addr()
	store := openAt(t, url, Options{MinReplicas: 1, IdempotencyWindow: time.Hour})
	listed(store, chattest.ID(t, "room"))
	_, err := appendOne(store, chattest.ID(t, "room"), message(1))
	if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(chat.AsError(err).Message, "it is unknown") {
		t.Errorf("Append() without the right to WAIT = %v, want unavailable and an unknown outcome", err)
	}
}

// listed has a Store know that a room is in the list of who sends message.
func listed(store *Store, room chat.ID) {
	store.known.add([]layout.Listing{layout.ListingOf(room, message(0).Sender)}, nil)
}

// wantSound checks everything that lies in a Redis.
func wantSound(t *testing.T, url string, chats int64) {
	t.Helper()
	checker, err := check.Open(url, check.Options{IdempotencyWindow: time.Hour, PageSize: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checker.Close() }()
	if err := checker.Run(context.Background()); err != nil {
		t.Fatalf("check: %v", err)
	}
	if r := checker.Report(); len(r.Faults) > 0 || r.Chats != chats {
		t.Errorf("check of %d chats found %d and %+v, want no fault", chats, r.Chats, r.Faults)
	}
}

// TestCheckOnACluster walks every master.
func TestCheckOnACluster(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	store := openAt(t, redis.URL(), Options{IdempotencyWindow: time.Hour})
	const chats = 60
	for i := range 3 * chats {
		appendUntilStored(t, store, chattest.ID(t, fmt.Sprintf("room-%d", i%chats)), message(i))
	}
	wantSound(t, redis.URL(), chats)
	log, _, activity := store.keys.Append(chattest.ID(t, "room-7"))
	if err := store.redis.ZRem(context.Background(), activity, "room-7").Err(); err != nil {
		t.Fatal(err)
	}
	checker, err := check.Open(redis.URL(), check.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checker.Close() }()
	if err := checker.Run(context.Background()); err != nil {
		t.Fatalf("check: %v", err)
	}
	if r := checker.Report(); len(r.Faults) != 1 {
		t.Errorf("check without the activity of %s found %+v, want one fault", log, r.Faults)
	}
}

// TestAKnownIDWrites: since Redis 7.2 WAIT covers only the writes of its own connection, and a known id must wait for
// the copies of its first append.
func TestAKnownIDWrites(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), Options{IdempotencyWindow: time.Hour})
	appendUntilStored(t, store, chattest.ID(t, "room"), message(1))
	before := redis.Info("rdb_changes_since_last_save")
	if a := appendUntilStored(t, store, chattest.ID(t, "room"), message(1)); !a.Duplicate {
		t.Errorf("Append() of the id again = %+v, want a duplicate", a)
	}
	if after := redis.Info("rdb_changes_since_last_save"); after == before {
		t.Errorf("Redis counts %s changes before and after a known id, want one more", after)
	}
}

// TestARedisThatLostEverything is pinned again, and a store for another layout finds that out, without a restart.
func TestARedisThatLostEverything(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), Options{})
	room := chattest.ID(t, "room")
	lose := func(then string) {
		t.Helper()
		for _, command := range []string{"FLUSHALL", "SCRIPT FLUSH", then} {
			if answer, err := redis.Do(command); err != nil || strings.HasPrefix(answer, "-") {
				t.Fatalf("%s: %s, %v", command, answer, err)
			}
		}
	}
	until := func(what string, condition func() bool) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within 10 s", what)
			}
		}
	}
	appendUntilStored(t, store, room, message(1))
	lose("PING")
	appendUntilStored(t, store, room, message(2))
	until("the number of partitions is pinned", func() bool {
		pinned, err := redis.Do("GET im:partitions")
		return err == nil && pinned == fmt.Sprint(layout.DefaultPartitions)
	})
	lose("SET im:partitions 7")
	until("an append is refused", func() bool {
		_, err := appendOne(store, room, message(3))
		return errors.Is(err, ErrPartitions)
	})
}
