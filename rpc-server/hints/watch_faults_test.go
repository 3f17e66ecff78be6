package hints_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/hints"
	"github.com/pullchat/pullchat/rpc-server/hints/hintstest"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// holding is a proxy to a Redis that holds subscriptions until they are released.
type holding struct {
	listener net.Listener
	once     sync.Once
	held     chan struct{} // closed when there is one
	release  chan struct{}
}

func holdSubscriptions(t *testing.T, to string) *holding {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &holding{listener: listener, held: make(chan struct{}), release: make(chan struct{})}
	var passing sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		passing.Wait()
	})
	passing.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			redis, err := net.Dial("tcp", to)
			if err != nil {
				_ = from.Close()
				return
			}
			passing.Go(func() {
				_, _ = io.Copy(from, redis)
				_ = from.Close()
			})
			passing.Go(func() {
				_, _ = io.Copy(redis, io.TeeReader(from, &holder{h}))
				_ = redis.Close()
			})
		}
	})
	return h
}

// holder stands where bytes pass.
type holder struct{ *holding }

func (o *holder) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("\r\nsubscribe\r\n")) {
		o.once.Do(func() { close(o.held) })
		<-o.release
	}
	return len(p), nil
}

// TestConfirmationComesAfterTheSubscription: a message stored between Add and the start of Redis's subscription is in
// no hint, so it must be in the confirmation.
func TestConfirmationComesAfterTheSubscription(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	other := openAt(t, redis.URL(), storage.Options{})
	held := holdSubscriptions(t, redis.Addr())
	store := openAt(t, "redis://"+held.listener.Addr().String(), storage.Options{Sweep: hintstest.NoSweep})
	room := chattest.ID(t, "room")
	w := hintstest.WatchOf(t, store, room)
	<-held.held
	w.Add(room) // once more: it still waits
	between := sendTo(t, other, room)
	close(held.release)
	if first := w.Until("the confirmation", func(chat.Event) bool { return true }); first.Position != between {
		t.Errorf("confirmed at %d, want %d, which was stored before Redis had subscribed", first.Position, between)
	}
	w.Hinted(room, sendTo(t, other, room))
}

// interrupt breaks subscriptions, or lets Redis lose them, and says when that is done.
type interrupt func(t *testing.T, store *storage.Store, redis *redistest.Server)

func killSubscriptions(t *testing.T, _ *storage.Store, redis *redistest.Server) {
	t.Helper()
	if answer, err := redis.Do("CLIENT KILL TYPE pubsub"); err != nil || answer == "0" {
		t.Fatalf("CLIENT KILL: %s, %v; want some killed", answer, err)
	}
}

func restart(_ *testing.T, _ *storage.Store, redis *redistest.Server) {
	redis.Kill()
	redis.Restart()
}

func livePartitions(store *storage.Store) (n int) {
	live, _ := partitions(store)
	return live
}

func allLive(store *storage.Store) bool {
	live, all := partitions(store)
	return live == all
}

func partitions(store *storage.Store) (live, all int) {
	w := store.Watch()
	defer w.Close()
	return hints.FollowedPartitions(w)
}

func hang(t *testing.T, store *storage.Store, redis *redistest.Server) {
	t.Helper()
	redis.Stop()
	defer redis.Continue()
	began := time.Now()
	hintstest.Eventually(t, "the silence is noticed", func() bool { return livePartitions(store) == 0 })
	if took := time.Since(began); took > 8*hints.Silence {
		t.Errorf("the silence was noticed after %v", took)
	}
	began = time.Now()
	hintstest.WatchOf(t, store, hintstest.RoomsOf(t, 300)...)
	if took := time.Since(began); took > hints.Silence {
		t.Errorf("Add() while Redis hangs took %v, want it not to wait", took)
	}
}

// TestInterruption: messages stored meanwhile are in the next confirmation, and later ones are hinted at.
func TestInterruption(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]interrupt{
		"killed": killSubscriptions, "restarted": restart, "hung": hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			store := openAt(t, redis.URL(), storage.Options{Sweep: hintstest.NoSweep})
			rooms := hintstest.RoomsOf(t, 30)
			w := hintstest.WatchOf(t, store, rooms...)
			w.Confirmed(rooms...)
			for range 2 {
				interrupt(t, store, redis)
				w.Confirmed(rooms...)
				for _, room := range rooms {
					w.Hinted(room, appendUntilStored(t, store, room, message(0)).SendTime)
				}
			}
		})
	}
}

// TestMessagesStoredWithoutListeners is in the confirmation after that.
func TestMessagesStoredWithoutListeners(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), storage.Options{Sweep: hintstest.NoSweep})
	rooms := hintstest.RoomsOf(t, 5)
	w := hintstest.WatchOf(t, store, rooms...)
	w.Confirmed(rooms...)
	for i := range 40 {
		killSubscriptions(t, store, redis)
		last := sendTo(t, store, rooms[i%len(rooms)])
		w.Hinted(rooms[i%len(rooms)], last)
		hintstest.Eventually(t, "all are listened to again", func() bool { return allLive(store) })
	}
}

// TestWatchThroughASentinelFailover: the master is killed, and another takes its place.
func TestWatchThroughASentinelFailover(t *testing.T) {
	t.Parallel()
	redis := redistest.StartSentinel(t)
	store := openAt(t, redis.URL(), storage.Options{Sweep: hintstest.NoSweep})
	room := chattest.ID(t, "room")
	w := hintstest.WatchOf(t, store, room)
	w.Hinted(room, sendTo(t, store, room))
	redis.Master().Kill()
	w.Hinted(room, appendUntilStored(t, store, room, message(1)).SendTime)
	redis.Failover()
	w.Hinted(room, appendUntilStored(t, store, room, message(2)).SendTime)
}

// TestWatchThroughAClusterFailover: the master of some chats is killed, and then its successor hands over to it again.
func TestWatchThroughAClusterFailover(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	store := openAt(t, redis.URL(), storage.Options{Sweep: hintstest.NoSweep})
	rooms := hintstest.RoomsOf(t, 30)
	w := hintstest.WatchOf(t, store, rooms...)
	everyRoomIsHinted := func(i int) {
		t.Helper()
		for _, room := range rooms {
			w.Hinted(room, appendUntilStored(t, store, room, message(i)).SendTime)
		}
	}
	everyRoomIsHinted(0)
	master := redis.MasterOf(keys.Log(rooms[0]))
	master.Kill()
	everyRoomIsHinted(1)
	master.Restart()
	redis.WaitUntilOK()
	redis.Failover(master)
	everyRoomIsHinted(2)
}

// TestWatchThroughASlotMigration: Redis ends the subscription when a slot has moved; it is made at the new node.
func TestWatchThroughASlotMigration(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	store := openAt(t, redis.URL(), storage.Options{Sweep: hintstest.NoSweep})
	rooms := hintstest.RoomsOf(t, 30)
	w := hintstest.WatchOf(t, store, rooms...)
	w.Confirmed(rooms...)
	slot := redis.Slot(keys.Log(rooms[0]))
	for i := range 4 { // there and back
		from := redis.MasterOf(keys.Log(rooms[0]))
		to := redis.Masters()[0]
		if to == from {
			to = redis.Masters()[1]
		}
		before := appendUntilStored(t, store, rooms[0], message(i)).SendTime
		w.Hinted(rooms[0], before)
		migration := redis.Migrate(slot, to)
		for migration.MoveKeys(100) > 0 {
		}
		migration.Finish()
		for _, room := range rooms {
			w.Hinted(room, appendUntilStored(t, store, room, message(100+i)).SendTime)
		}
	}
}

// muted is the URL of a user who may neither publish nor subscribe.
func muted(t *testing.T, address string) string {
	t.Helper()
	u := url.URL{Scheme: "redis", Host: address, User: url.UserPassword("mute", "secret")}
	return u.String()
}

func startWithMute(t *testing.T) *redistest.Server {
	t.Helper()
	return redistest.Start(t, "--user", "mute", "on", ">secret", "~*", "resetchannels", "+@all")
}

// TestSweepFindsUnpublishedMessages: a writer who may not publish stores all the same, and the sweep hints at it, once.
func TestSweepFindsUnpublishedMessages(t *testing.T) {
	t.Parallel()
	redis := startWithMute(t)
	const every = 200 * time.Millisecond
	store, mute := openAt(t, redis.URL(), storage.Options{Sweep: every}), openAt(t, muted(t, redis.Addr()), storage.Options{})
	rooms := hintstest.RoomsOf(t, 30)
	w := hintstest.WatchOf(t, store, rooms...)
	w.Confirmed(rooms...)
	for range 3 {
		w.AllHinted(sendToAll(t, mute, rooms))
	}
	ranged := store.Range(t.Context(), []chat.Range{{Chat: rooms[0], Limit: 10}})[0]
	if ranged.Err != nil || len(ranged.Messages) != 3 {
		t.Errorf("Range() = %v, %v; want three messages", ranged.Messages, ranged.Err)
	}
	w.Seen = nil
	ctx, cancel := contextFor(4 * every)
	defer cancel()
	if more, err := w.Next(ctx); err == nil {
		t.Errorf("Next() with nothing new = %v, want no hint again", more)
	}
}

// TestWatchWithoutTheRightToSubscribe works through the sweep alone.
func TestWatchWithoutTheRightToSubscribe(t *testing.T) {
	t.Parallel()
	redis := startWithMute(t)
	store := openAt(t, muted(t, redis.Addr()), storage.Options{Sweep: 200 * time.Millisecond})
	rooms := hintstest.RoomsOf(t, 30)
	before := sendTo(t, store, rooms[0])
	w := hintstest.WatchOf(t, store, rooms...)
	w.Hinted(rooms[0], before)
	late := chattest.ID(t, "late")
	w.Add(late)
	w.Confirmed(late)
	for range 2 {
		w.AllHinted(sendToAll(t, store, append(rooms, late)))
	}
	// The right comes back, as after an upgrade of the rules.
	if answer, err := redis.Do("ACL SETUSER mute &*"); err != nil || strings.HasPrefix(answer, "-") {
		t.Fatalf("ACL SETUSER: %s, %v", answer, err)
	}
	hintstest.Eventually(t, "all are listened to", func() bool { return allLive(store) })
}

// TestConfirmationWithoutTheRightToSubscribe waits for no sweep.
func TestConfirmationWithoutTheRightToSubscribe(t *testing.T) {
	t.Parallel()
	store := openAt(t, muted(t, startWithMute(t).Addr()), storage.Options{Sweep: hintstest.NoSweep})
	room := chattest.ID(t, "room")
	before := sendTo(t, store, room)
	hintstest.WatchOf(t, store, room).Hinted(room, before)
}

// TestConfirmationWithoutASubscription comes after an interval of the sweep, whatever holds the subscription up.
func TestConfirmationWithoutASubscription(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	held := holdSubscriptions(t, redis.Addr())
	defer close(held.release)
	store := openAt(t, "redis://"+held.listener.Addr().String(), storage.Options{Sweep: 200 * time.Millisecond})
	room := chattest.ID(t, "room")
	before := sendTo(t, store, room)
	w := hintstest.WatchOf(t, store, room)
	w.Hinted(room, before)
	w.Hinted(room, sendTo(t, store, room))
}

// TestUnfollowedPartitionsAreLeft, but not at once, and also where the connection has others to listen to.
func TestUnfollowedPartitionsAreLeft(t *testing.T) {
	t.Parallel()
	hintstest.OnEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, storage.Options{Sweep: hintstest.NoSweep})
		hints.SetIdle(store.Watch(), 300*time.Millisecond)
		client, err := redisnode.Connect(url, redisnode.TLS{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		rooms := hintstest.RoomsOf(t, 30)
		w := hintstest.WatchOf(t, store, rooms...)
		for again := range 3 {
			w.Confirmed(rooms...)
			if again == 1 {
				stays := keys.Partition(rooms[0])
				rooms = slices.DeleteFunc(rooms, func(room chat.ID) bool { return keys.Partition(room) == stays })
			}
			w.Remove(rooms...)
			if livePartitions(store) == 0 {
				t.Error("no partition is listened to right after Remove()")
			}
			for _, room := range rooms {
				hintstest.Eventually(t, "nobody listens", func() bool { return listeners(t, client, room) == 0 })
			}
			w.Seen = nil
			w.Add(rooms...)
		}
		w.Confirmed(rooms...)
		for _, room := range rooms {
			if n := listeners(t, client, room); n != 2 {
				t.Errorf("%d listen to the two channels of %s, want 2", n, room)
			}
			w.Hinted(room, sendTo(t, store, room))
		}
	})
}

// listeners is how many listen to the channels of a chat's partition.
func listeners(t *testing.T, client redis.UniversalClient, room chat.ID) (n int64) {
	t.Helper()
	tag := keys.Partition(room)
	ask := client.PubSubNumSub
	if cluster, ok := client.(*redis.ClusterClient); ok {
		one, err := cluster.MasterForKey(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		ask = one.PubSubShardNumSub
	}
	counts, err := ask(t.Context(), keys.Hints(tag), keys.News(tag)).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range counts {
		n += count
	}
	return n
}

// TestDoubtAfterInterruption: who may be in a room can have changed while nothing was heard, and so each one who follows
// it is asked for anew. A chat of two users has no members to revoke.
func TestDoubtAfterInterruption(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), storage.Options{Sweep: hintstest.NoSweep})
	room, pair := chattest.ID(t, "room"), chattest.ID(t, "alice:bob")
	w := hintstest.WatchOf(t, store, room, pair)
	w.Confirmed(room, pair)
	killSubscriptions(t, store, redis)
	doubted, confirmed := map[chat.ID]bool{}, false
	w.Until("the room's doubt, and the confirmation of the chat of two", func(e chat.Event) bool {
		doubted[e.Chat] = doubted[e.Chat] || e.Kind == chat.MembersChanged && len(e.Users) == 0
		confirmed = confirmed || e.Chat == pair
		return doubted[room] && confirmed
	})
	if doubted[pair] {
		t.Error("the chat of two is doubted")
	}
}
