package storage

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
)

// holding passes on what goes to a Redis and back, but holds subscriptions until they are released.
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

// TestConfirmationComesAfterTheSubscription: what is stored between Add and the moment at which Redis has subscribed is
// in no hint, so it must be in the confirmation.
func TestConfirmationComesAfterTheSubscription(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	other := openAt(t, redis.URL(), Options{})
	held := holdSubscriptions(t, redis.Addr())
	store := openAt(t, "redis://"+held.listener.Addr().String(), Options{Sweep: noSweep})
	room := id(t, "room")
	w := watchOf(t, store, room)
	<-held.held
	w.Add(room) // once more: it still waits
	between := sendTo(t, other, room)
	close(held.release)
	if first := w.until("the confirmation", func(chat.Event) bool { return true }); first.Position != between {
		t.Errorf("confirmed at %d, want %d, which was stored before Redis had subscribed", first.Position, between)
	}
	w.hinted(room, sendTo(t, other, room))
}

// interrupt breaks subscriptions, or lets Redis lose them, and says when that is done.
type interrupt func(t *testing.T, store *Store, redis *redistest.Server)

func killSubscriptions(t *testing.T, _ *Store, redis *redistest.Server) {
	t.Helper()
	if answer, err := redis.Do("CLIENT KILL TYPE pubsub"); err != nil || answer == "0" {
		t.Fatalf("CLIENT KILL: %s, %v; want some killed", answer, err)
	}
}

func restart(_ *testing.T, _ *Store, redis *redistest.Server) {
	redis.Kill()
	redis.Restart()
}

func hang(t *testing.T, store *Store, redis *redistest.Server) {
	t.Helper()
	redis.Stop()
	defer redis.Continue()
	began := time.Now()
	eventually(t, "the silence is noticed", func() bool { return liveTopics(store) == 0 })
	if took := time.Since(began); took > 4*silence {
		t.Errorf("the silence was noticed after %v", took)
	}
	began = time.Now()
	watchOf(t, store, roomsOf(t, 300)...)
	if took := time.Since(began); took > silence/2 {
		t.Errorf("Add() while Redis hangs took %v, want it not to wait", took)
	}
}

func liveTopics(store *Store) (n int) {
	store.hub.mutex.Lock()
	defer store.hub.mutex.Unlock()
	for _, t := range store.hub.topics {
		if t.live() {
			n++
		}
	}
	return n
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// TestInterruption: what was stored meanwhile is in the confirmation that follows, and what is stored then is hinted at.
func TestInterruption(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]interrupt{
		"killed": killSubscriptions, "restarted": restart, "hung": hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			store := openAt(t, redis.URL(), Options{Sweep: noSweep})
			rooms := roomsOf(t, 30)
			w := watchOf(t, store, rooms...)
			w.confirmed(rooms...)
			for range 2 {
				interrupt(t, store, redis)
				w.confirmed(rooms...)
				for _, room := range rooms {
					w.hinted(room, appendUntilStored(t, store, room, message(0)).SendTime)
				}
			}
		})
	}
}

// TestWhatIsStoredWhileNobodyListens is in the confirmation after that.
func TestWhatIsStoredWhileNobodyListens(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), Options{Sweep: noSweep})
	rooms := roomsOf(t, 5)
	w := watchOf(t, store, rooms...)
	w.confirmed(rooms...)
	for i := range 40 {
		killSubscriptions(t, store, redis)
		last := sendTo(t, store, rooms[i%len(rooms)])
		w.hinted(rooms[i%len(rooms)], last)
		eventually(t, "all are listened to again", func() bool { return liveTopics(store) == len(store.hub.topics) })
	}
}

// TestWatchThroughASentinelFailover: the master is killed, and another takes its place.
func TestWatchThroughASentinelFailover(t *testing.T) {
	t.Parallel()
	redis := redistest.StartSentinel(t)
	store := openAt(t, redis.URL(), Options{Sweep: noSweep})
	room := id(t, "room")
	w := watchOf(t, store, room)
	w.hinted(room, sendTo(t, store, room))
	redis.Master().Kill()
	w.hinted(room, appendUntilStored(t, store, room, message(1)).SendTime)
	redis.Failover()
	w.hinted(room, appendUntilStored(t, store, room, message(2)).SendTime)
}

// TestWatchThroughAClusterFailover: the master of some chats is killed, and then its successor hands over to it again.
func TestWatchThroughAClusterFailover(t *testing.T) {
	t.Parallel()
	redis := redistest.StartCluster(t)
	store := openAt(t, redis.URL(), Options{Sweep: noSweep})
	rooms := roomsOf(t, 30)
	w := watchOf(t, store, rooms...)
	everyRoomIsHinted := func(i int) {
		t.Helper()
		for _, room := range rooms {
			w.hinted(room, appendUntilStored(t, store, room, message(i)).SendTime)
		}
	}
	everyRoomIsHinted(0)
	master := redis.MasterOf(store.keys.Log(rooms[0]))
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
	store := openAt(t, redis.URL(), Options{Sweep: noSweep})
	rooms := roomsOf(t, 30)
	w := watchOf(t, store, rooms...)
	w.confirmed(rooms...)
	slot := redis.Slot(store.keys.Log(rooms[0]))
	for i := range 4 { // there and back
		from := redis.MasterOf(store.keys.Log(rooms[0]))
		to := redis.Masters()[0]
		if to == from {
			to = redis.Masters()[1]
		}
		before := appendUntilStored(t, store, rooms[0], message(i)).SendTime
		w.hinted(rooms[0], before)
		migration := redis.Migrate(slot, to)
		for migration.MoveKeys(100) > 0 {
		}
		migration.Finish()
		for _, room := range rooms {
			w.hinted(room, appendUntilStored(t, store, room, message(100+i)).SendTime)
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

// TestSweepFindsWhatNobodyPublished: a writer who may not publish stores all the same, and the sweep hints at it, once.
func TestSweepFindsWhatNobodyPublished(t *testing.T) {
	t.Parallel()
	redis := startWithMute(t)
	const every = 200 * time.Millisecond
	store, mute := openAt(t, redis.URL(), Options{Sweep: every}), openAt(t, muted(t, redis.Addr()), Options{})
	rooms := roomsOf(t, 30)
	w := watchOf(t, store, rooms...)
	w.confirmed(rooms...)
	for range 3 {
		w.allHinted(sendToAll(t, mute, rooms))
	}
	messages, err := rangeOne(store, rooms[0], 0, false, 10)
	if err != nil || len(messages) != 3 {
		t.Errorf("Range() = %v, %v; want three messages", messages, err)
	}
	w.seen = nil
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
	store := openAt(t, muted(t, redis.Addr()), Options{Sweep: 200 * time.Millisecond})
	rooms := roomsOf(t, 30)
	before := sendTo(t, store, rooms[0])
	w := watchOf(t, store, rooms...)
	w.hinted(rooms[0], before)
	late := id(t, "late")
	w.Add(late)
	w.confirmed(late)
	for range 2 {
		w.allHinted(sendToAll(t, store, append(rooms, late)))
	}
	// The right comes back, as after an upgrade of the rules.
	if answer, err := redis.Do("ACL SETUSER mute &*"); err != nil || strings.HasPrefix(answer, "-") {
		t.Fatalf("ACL SETUSER: %s, %v", answer, err)
	}
	eventually(t, "all are listened to", func() bool { return liveTopics(store) == len(store.hub.topics) })
}

// TestConfirmationWithoutTheRightToSubscribe waits for no sweep.
func TestConfirmationWithoutTheRightToSubscribe(t *testing.T) {
	t.Parallel()
	store := openAt(t, muted(t, startWithMute(t).Addr()), Options{Sweep: noSweep})
	room := id(t, "room")
	before := sendTo(t, store, room)
	watchOf(t, store, room).hinted(room, before)
}

// TestConfirmationWithoutASubscription comes after an interval of the sweep, whatever holds the subscription up.
func TestConfirmationWithoutASubscription(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	held := holdSubscriptions(t, redis.Addr())
	defer close(held.release)
	store := openAt(t, "redis://"+held.listener.Addr().String(), Options{Sweep: 200 * time.Millisecond})
	room := id(t, "room")
	before := sendTo(t, store, room)
	w := watchOf(t, store, room)
	w.hinted(room, before)
	w.hinted(room, sendTo(t, store, room))
}

// TestUnfollowedPartitionsAreLeft, but not at once, and also where the connection has others to listen to.
func TestUnfollowedPartitionsAreLeft(t *testing.T) {
	t.Parallel()
	onEveryForm(t, func(t *testing.T, url string) {
		store := openAt(t, url, Options{Sweep: noSweep})
		store.hub.idle = 300 * time.Millisecond
		rooms := roomsOf(t, 30)
		w := watchOf(t, store, rooms...)
		for again := range 3 {
			w.confirmed(rooms...)
			if again == 1 {
				stays := store.keys.Partition(rooms[0])
				rooms = slices.DeleteFunc(rooms, func(room chat.ID) bool { return store.keys.Partition(room) == stays })
			}
			w.Remove(rooms...)
			if liveTopics(store) == 0 {
				t.Error("no partition is listened to right after Remove()")
			}
			for _, room := range rooms {
				eventually(t, "nobody listens", func() bool { return listeners(t, store, room) == 0 })
			}
			w.seen = nil
			w.Add(rooms...)
		}
		w.confirmed(rooms...)
		for _, room := range rooms {
			if n := listeners(t, store, room); n != 2 {
				t.Errorf("%d listen to the two channels of %s, want 2", n, room)
			}
			w.hinted(room, sendTo(t, store, room))
		}
	})
}

// listeners is how many listen to the channels of a chat's partition.
func listeners(t *testing.T, store *Store, room chat.ID) (n int64) {
	t.Helper()
	tag := store.keys.Partition(room)
	one, err := store.nodes.ForKey(context.Background(), tag)
	if err != nil {
		t.Fatal(err)
	}
	ask := one.Client.PubSubNumSub
	if store.nodes.Cluster != nil {
		ask = one.Client.PubSubShardNumSub
	}
	counts, err := ask(context.Background(), store.keys.Hints(tag), store.keys.News(tag)).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range counts {
		n += count
	}
	return n
}

// TestDoubtAfterInterruption: who may be in a room can have changed while nothing was heard, and so each one who follows
// it is asked for anew. Nobody has to leave a chat of two.
func TestDoubtAfterInterruption(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	store := openAt(t, redis.URL(), Options{Sweep: noSweep})
	room, pair := id(t, "room"), id(t, "alice:bob")
	w := watchOf(t, store, room, pair)
	w.confirmed(room, pair)
	killSubscriptions(t, store, redis)
	doubted, confirmed := map[chat.ID]bool{}, false
	w.until("the room's doubt, and the confirmation of the chat of two", func(e chat.Event) bool {
		doubted[e.Chat] = doubted[e.Chat] || e.Kind == chat.MembersChanged && len(e.Users) == 0
		confirmed = confirmed || e.Chat == pair
		return doubted[room] && confirmed
	})
	if doubted[pair] {
		t.Error("the chat of two is doubted")
	}
}
