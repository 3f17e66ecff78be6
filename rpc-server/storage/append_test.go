package storage

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// aMessage is one message of a batch.
func aMessage(t *testing.T, name, sender, text, messageID string) chat.Append {
	t.Helper()
	return chat.Append{Chat: chattest.ID(t, name), Message: chat.Message{Sender: sender, Text: text, ID: messageID}}
}

// eachRedis runs a test on one Redis and on a cluster.
func eachRedis(t *testing.T, options Options, run func(t *testing.T, url string, store *Store)) {
	t.Parallel()
	for name, url := range map[string]string{
		"one": redistest.Start(t, "--appendonly", "no").URL(), "cluster": redistest.StartCluster(t, "--appendonly", "no").URL(),
	} {
		t.Run(name, func(t *testing.T) { run(t, url, openAt(t, url, options)) })
	}
}

// TestABatchKeepsItsOrder: messages of one chat are stored in the order of their batch at rising positions, whichever
// steps each needs. A repeated id within a batch is stored once.
func TestABatchKeepsItsOrder(t *testing.T) {
	eachRedis(t, Options{IdempotencyWindow: time.Hour}, func(t *testing.T, _ string, store *Store) {
		room := chat.RoomEdit{Room: chattest.ID(t, "room"), IfAdmins: -1, Visibility: chat.Public, Created: true}
		if made, _, err := store.EditRoom(t.Context(), room); err != nil || made != chat.Edited {
			t.Fatal(made, err)
		}
		for round := range 2 { // new chats, then known ones
			batch := []chat.Append{
				aMessage(t, "a:b", "a", "0", ""), aMessage(t, "a:b", "b", "1", fmt.Sprint("one", round)), aMessage(t, "room", "a", "2", ""),
				aMessage(t, "a:b", "a", "3", ""), aMessage(t, "a:b", "b", "1", fmt.Sprint("one", round)), aMessage(t, "a:b", "a", "5", fmt.Sprint("five", round)),
			}
			batch[2].Member = "a"
			got := store.Append(t.Context(), batch)
			last := int64(0)
			for i, a := range got {
				switch {
				case a.Err != nil:
					t.Fatalf("message %d: %v", i, a.Err)
				case i == 2:
				case i == 4:
					if !a.Duplicate || a.SendTime != got[1].SendTime {
						t.Errorf("the repeated id = %+v, want the first one's position %d", a, got[1].SendTime)
					}
				case a.SendTime <= last:
					t.Errorf("message %d is at %d, after %d", i, a.SendTime, last)
				default:
					last = a.SendTime
				}
			}
		}
		wantTexts(t, store, chattest.ID(t, "a:b"), []string{"0", "1", "3", "5", "0", "1", "3", "5"})
	})
}

// TestAWrongTypeFailsItsOwnMessage: a key of the wrong type fails only the messages of its chat or user.
func TestAWrongTypeFailsItsOwnMessage(t *testing.T) {
	eachRedis(t, Options{IdempotencyWindow: time.Hour}, func(t *testing.T, _ string, store *Store) {
		for _, key := range []string{
			store.keys.Log(chattest.ID(t, "bad-log")), store.keys.Chats("bad-list"), store.keys.Room(chattest.ID(t, "bad-room")),
		} {
			if err := store.redis.Set(t.Context(), key, "a string", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		_, ids, _ := store.keys.Append(chattest.ID(t, "bad-ids"))
		if err := store.redis.Set(t.Context(), ids, "a string", 0).Err(); err != nil {
			t.Fatal(err)
		}
		batch := []chat.Append{
			aMessage(t, "good", "a", "x", ""), aMessage(t, "bad-log", "a", "x", ""), aMessage(t, "bad-ids", "a", "x", "1"),
			aMessage(t, "bad-list:a", "a", "x", ""), aMessage(t, "bad-room", "a", "x", ""), aMessage(t, "a:b", "b", "x", "2"),
		}
		batch[4].Member = "a"
		for i, a := range store.Append(t.Context(), batch) {
			if good := i == 0 || i == 5; (a.Err == nil) != good {
				t.Errorf("Append() to %s = %v; want an error: %v", batch[i].Chat, a.Err, !good)
			}
			if a.Err != nil && (chat.CodeOf(a.Err) != chat.Internal || !strings.Contains(a.Err.Error(), "WRONGTYPE")) {
				t.Errorf("Append() to %s = %v, want an internal error with Redis's own", batch[i].Chat, a.Err)
			}
		}
		for _, name := range []string{"good", "a:b"} {
			wantTexts(t, store, chattest.ID(t, name), []string{"x"})
		}
		if _, err := store.redis.ZScore(t.Context(), store.keys.Of(chattest.ID(t, "bad-log")).Activity, "bad-log").Result(); err != redis.Nil { //nolint:errorlint // as go-redis returns it
			t.Errorf("activity has the chat whose log cannot be written: %v", err)
		}
	})
}

// TestARedisThatRefuses: an error that concerns no single message fails all, and says that nothing was stored.
func TestARedisThatRefuses(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--maxmemory", "1mb", "--maxmemory-policy", "noeviction") // it is full from the start
	store := openAt(t, redis.URL(), Options{})
	store.checked.Store(true)
	for i, a := range store.Append(t.Context(), []chat.Append{aMessage(t, "a:b", "a", "x", ""), aMessage(t, "room", "a", "x", "")}) {
		if chat.CodeOf(a.Err) != chat.Unavailable || !strings.Contains(chat.AsError(a.Err).Message, "nothing was stored") {
			t.Errorf("message %d = %v, want unavailable and that nothing was stored", i, a.Err)
		}
	}
}

// TestRedisThatLostItsData: chats that Redis has lost are listed again, whatever a Store remembers. Open inboxes are
// notified, and the number of partitions is pinned again.
func TestRedisThatLostItsData(t *testing.T) {
	eachRedis(t, Options{}, func(t *testing.T, _ string, store *Store) {
		batch := []chat.Append{aMessage(t, "bob:carol", "carol", "x", ""), aMessage(t, "room", "carol", "x", "")}
		send := func() {
			t.Helper()
			for i, a := range store.Append(t.Context(), batch) {
				if a.Err != nil {
					t.Fatalf("message %d: %v", i, a.Err)
				}
			}
		}
		send()
		send()
		awaitTelling(store)
		watch := store.Watch()
		defer watch.Close()
		watch.Add(chat.SelfChat("bob"))
		wantListed := func(what chat.EventKind) {
			t.Helper()
			for {
				events, err := watch.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(events, func(e chat.Event) bool { return e.Kind == what }) {
					return
				}
			}
		}
		wantListed(chat.Hint) // it is confirmed
		flushAll(t, store)
		send()
		wantListed(chat.Listed)
		for user, want := range map[string][]string{"bob": {"bob:carol"}, "carol": {"room", "bob:carol"}} {
			chats, err := store.redis.ZRange(t.Context(), store.keys.Chats(user), 0, -1).Result()
			if err != nil || !slices.Equal(chats, want) {
				t.Errorf("the list of %s = %q, %v; want %q", user, chats, err, want)
			}
		}
		for store.looking.Load() > 0 {
			runtime.Gosched()
		}
		if pinned, err := store.redis.Get(t.Context(), store.keys.PartitionCount()).Result(); err != nil || pinned != "256" {
			t.Errorf("the number of partitions = %q, %v; want it pinned again", pinned, err)
		}
	})
}

func flushAll(t *testing.T, store *Store) {
	t.Helper()
	flush := func(ctx context.Context, client *redis.Client) error { return client.FlushAll(ctx).Err() }
	var err error
	if store.nodes.Only != nil {
		err = flush(t.Context(), store.nodes.Only.Client)
	} else {
		err = store.nodes.Cluster.ForEachMaster(t.Context(), flush)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestKnownChatsDoNotWaitForNewOnes: in a cluster a new chat is listed before its message is stored. Messages of known
// chats in the same batch do not wait for that.
func TestKnownChatsDoNotWaitForNewOnes(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.StartCluster(t, "--appendonly", "no").URL(), Options{})
	known := aMessage(t, "a:b", "a", "x", "")
	for range 2 { // the first round loads the script; after it nothing is known
		if a := store.Append(t.Context(), []chat.Append{known})[0]; a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	stored := make(chan struct{})
	hookAll(t, store, &trips{crash: func(commands string, done bool) bool {
		switch {
		case done && strings.Contains(commands, "evalsha"):
			select {
			case <-stored:
			default:
				close(stored)
			}
		case !done && strings.Contains(commands, "zadd"):
			select {
			case <-stored:
			case <-time.After(10 * time.Second):
				t.Error("the known chat waits until the new one is listed")
			}
		}
		return false
	}})
	for i, a := range store.Append(t.Context(), []chat.Append{known, aMessage(t, "c:d", "c", "x", "")}) {
		if a.Err != nil {
			t.Errorf("message %d: %v", i, a.Err)
		}
	}
}

// TestNoAppendWaitsForEvents: a message is acknowledged before the event of its new chat is published.
func TestNoAppendWaitsForEvents(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t, "--appendonly", "no").URL(), Options{})
	release := make(chan struct{})
	hookAll(t, store, &trips{crash: func(commands string, done bool) bool {
		if !done && strings.HasPrefix(commands, "publish") {
			<-release
		}
		return false
	}})
	if _, err := appendOne(store, chattest.ID(t, "a:b"), chat.Message{Sender: "a", Text: "x"}); err != nil {
		t.Error(err)
	}
	close(release)
}

// TestRetentionTurnedOff: logs with an expiry from an earlier setting lose it, even if no message is added.
func TestRetentionTurnedOff(t *testing.T) {
	eachRedis(t, Options{}, func(t *testing.T, url string, store *Store) {
		keeping, err := Open(url, Options{Retention: time.Hour, Prefix: store.options.Prefix})
		if err != nil {
			t.Fatal(err)
		}
		rooms := []string{"idle", "busy"}
		for _, name := range rooms {
			if _, err := appendOne(keeping, chattest.ID(t, name), chat.Message{Sender: "a", Text: "x"}); err != nil {
				t.Fatal(err)
			}
			for _, beside := range []string{keeping.keys.Reactions(chattest.ID(t, name)), keeping.keys.Threads(chattest.ID(t, name)), keeping.keys.Edits(chattest.ID(t, name))} {
				keeping.redis.ZAdd(t.Context(), beside, redis.Z{Score: 1, Member: "x"})
				keeping.redis.Expire(t.Context(), beside, time.Hour)
			}
		}
		if err := keeping.settleRetention(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := keeping.Close(); err != nil {
			t.Fatal(err)
		}
		if err := store.settleRetention(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range rooms {
			for _, key := range []string{store.keys.Log(chattest.ID(t, name)), store.keys.Reactions(chattest.ID(t, name)), store.keys.Threads(chattest.ID(t, name)), store.keys.Edits(chattest.ID(t, name))} {
				if left, err := store.redis.TTL(t.Context(), key).Result(); err != nil || left != -1 {
					t.Errorf("%s expires after %v, %v; want never", key, left, err)
				}
			}
		}
		if !store.persists.Load() {
			t.Error("appends do not remove what a server with retention may set at this moment")
		}
		long := time.Now().Add(-time.Hour).UnixMicro() // no server has renewed the mark since
		if err := store.redis.Set(t.Context(), store.keys.Retention(), long, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if err := store.settleRetention(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := store.redis.Exists(t.Context(), store.keys.Retention()).Result(); err != nil || n > 0 || store.persists.Load() {
			t.Errorf("the mark is there: %d, %v; appends pay for it: %v", n, err, store.persists.Load())
		}
	})
}
