package storage

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/check"
)

// emptied is a Redis with a clock of its own, and chats whose logs expire after an hour and that are dropped after a day.
type emptied struct {
	t     *testing.T
	url   string
	clock *atomic.Int64 // seconds since 1970
	store *Store
}

func newEmptied(t *testing.T, url string) emptied {
	e := emptied{t: t, url: url, clock: &atomic.Int64{}}
	e.clock.Store(1_780_000_000)
	e.store = e.another()
	return e
}

// another opens the same data once more, as another server does.
func (e emptied) another() *Store {
	return openAt(e.t, e.url, Options{
		Retention: time.Hour, EmptyChats: 24 * time.Hour, Partitions: 4, Prefix: fmt.Sprintf("t%p", e.clock),
		Clock: func() time.Time { return time.Unix(e.clock.Load(), 0) },
	})
}

func (e emptied) later(d time.Duration) { e.clock.Add(int64(d.Seconds())) }

func (e emptied) send(s *Store, name, sender string) int64 {
	e.t.Helper()
	a, err := appendOne(s, chattest.ID(e.t, name), chat.Message{Text: "x", Sender: sender})
	if err != nil {
		e.t.Fatal(err)
	}
	return a.SendTime
}

// expire removes a log, as Redis does after RETENTION.
func (e emptied) expire(names ...string) {
	e.t.Helper()
	for _, name := range names {
		if err := e.store.redis.Del(e.t.Context(), e.store.keys.Log(chattest.ID(e.t, name))).Err(); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e emptied) drop(s *Store, want int) {
	e.t.Helper()
	if got, err := s.dropEmpty(e.t.Context(), 0, 0); got != want || err != nil {
		e.t.Errorf("dropEmpty() = %d, %v; want %d", got, err, want)
	}
}

// known are the users, of these, in whose lists a chat is, and whether activity has it.
func (e emptied) known(name string, users ...string) (in []string, active bool) {
	e.t.Helper()
	for _, user := range users {
		listed, err := e.store.redis.ZRange(e.t.Context(), e.store.keys.Chats(user), 0, -1).Result()
		if err != nil {
			e.t.Fatal(err)
		}
		if slices.Contains(listed, name) {
			in = append(in, user)
		}
	}
	_, _, activity := e.store.keys.Append(chattest.ID(e.t, name))
	active, err := e.store.begun(e.t.Context(), activity, chattest.ID(e.t, name))
	if err != nil {
		e.t.Fatal(err)
	}
	return in, active
}

func (e emptied) wantKnown(when, name string, active bool, in ...string) {
	e.t.Helper()
	got, is := e.known(name, "ann", "bob", "cid")
	if is != active || !slices.Equal(got, in) {
		e.t.Errorf("%s: %s is in the lists of %q, active %v; want %q, %v", when, name, got, is, in, active)
	}
}

func (e emptied) wantSound(when string) {
	e.t.Helper()
	checker, err := check.Open(e.url, check.Options{Prefix: e.store.options.Prefix, Partitions: e.store.options.Partitions})
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = checker.Close() }()
	err = checker.Run(context.Background())
	report := checker.Report()
	found := slices.DeleteFunc(report.Faults, func(f check.FaultCount) bool { return f.Kind == check.FaultPartitions })
	if err != nil || len(found) > 0 || report.Unknown.Count > 0 {
		e.t.Errorf("%s: check = %+v, %v; want no faults", when, report, err)
	}
}

// ofADrop reports that a round trip is not of a Store's other work.
func ofADrop(commands string) bool {
	return !slices.Contains([]string{"ping", "get", "set", "time get"}, commands)
}

func everyForm(t *testing.T, test func(*testing.T, string)) {
	everyRedis(t, test)
	t.Run("cluster", func(t *testing.T) { test(t, redistest.StartCluster(t, "--appendonly", "no").URL()) })
}

// TestEmptyChatsAreDropped: those that have been empty for long, with their cursors. A message lists one again, at a
// position above its earlier ones, also where the clock went back.
func TestEmptyChatsAreDropped(t *testing.T) {
	t.Parallel()
	everyForm(t, func(t *testing.T, url string) {
		e := newEmptied(t, url)
		last := e.send(e.store, "ann:bob", "ann")
		e.send(e.store, "ann:cid", "ann")
		e.send(e.store, "open", "bob")
		roomService := chat.NewRoomService(e.store, chat.Access{Rooms: e.store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 100})
		if _, err := roomService.CreateRoom(t.Context(), chat.NewRoom{ID: "club", Users: []string{"bob"}, As: "ann"}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.store.Advance(t.Context(), chattest.ID(t, "ann:bob"), chat.Reading{Reader: "bob", Cursor: chat.MaxCursor}, false); err != nil {
			t.Fatal(err)
		}
		e.later(25*time.Hour - time.Second)
		e.expire("ann:bob", "open", "club")
		e.drop(e.store, 0)
		e.wantKnown("before a day", "ann:bob", true, "ann", "bob")
		e.later(2 * time.Second)
		e.drop(e.store, 2)
		e.wantKnown("after a day", "ann:bob", false)
		e.wantKnown("with a log", "ann:cid", true, "ann", "cid")
		e.wantKnown("a room", "club", true, "ann", "bob")
		e.wantKnown("an id that is no room", "open", false, "bob")
		if n := e.store.redis.Exists(t.Context(), e.store.keys.Read(chattest.ID(t, "ann:bob"))).Val(); n != 0 {
			t.Error("the cursors are still there")
		}
		e.wantSound("after the drop")
		e.later(-100 * time.Hour)
		if again := e.send(e.store, "ann:bob", "bob"); again <= last {
			t.Errorf("the position after the drop is %d, want more than %d", again, last)
		}
		e.wantKnown("after a message", "ann:bob", true, "ann", "bob")
		e.later(100*time.Hour + 2*listedFor)
		e.drop(e.store, 0)
		e.wantKnown("after the next search", "ann:bob", true, "ann", "bob")
		for i := range e.store.keys.Partitions {
			for field := range e.store.redis.HGetAll(t.Context(), e.store.keys.Dropped(e.store.keys.Partitions[i].Tag)).Val() {
				if field != "" {
					t.Errorf("the mark of %s is still there", field)
				}
			}
		}
		e.wantSound("at the end")
	})
}

// TestSendWhileItsChatIsDropped: a message is stored at each moment of a drop, by a server that knows the chat and by
// one that does not. Its chat is listed afterwards, and nothing looks unsound at any moment.
func TestSendWhileItsChatIsDropped(t *testing.T) {
	t.Parallel()
	everyForm(t, func(t *testing.T, url string) {
		for moment := 0; ; moment++ {
			e := newEmptied(t, url)
			dropper, knows := e.another(), e.another()
			e.send(knows, "ann:bob", "ann")
			e.expire("ann:bob")
			e.later(26 * time.Hour)
			var trip atomic.Int32
			hookAll(t, dropper, &trips{crash: func(commands string, _ bool) bool {
				if ofADrop(commands) && int(trip.Add(1))-1 == moment {
					e.wantSound("before the message")
					e.send(knows, "ann:bob", "bob")
					e.wantSound("after the message")
				}
				return false
			}})
			if _, err := dropper.dropEmpty(t.Context(), 0, 0); err != nil {
				t.Fatal(err)
			}
			e.wantSound("after the drop")
			if int(trip.Load()) > moment {
				e.wantKnown(fmt.Sprint("sent at moment ", moment), "ann:bob", true, "ann", "bob")
				continue
			}
			e.wantKnown("nothing was sent", "ann:bob", false)
			return
		}
	})
}

// TestDropperThatDies at each moment, also while a message comes: another server completes the drop, and lists a chat
// with a message.
func TestDropperThatDies(t *testing.T) {
	t.Parallel()
	everyForm(t, func(t *testing.T, url string) {
		for moment, ended := 0, false; !ended; moment++ {
			for _, sends := range []bool{false, true} {
				e := newEmptied(t, url)
				e.send(e.store, "ann:bob", "ann")
				e.expire("ann:bob")
				e.later(26 * time.Hour)
				dying := e.another()
				var trip atomic.Int32
				hookAll(t, dying, &trips{crash: func(commands string, _ bool) bool {
					return ofADrop(commands) && int(trip.Add(1))-1 >= moment
				}})
				_, err := dying.dropEmpty(t.Context(), 0, 0)
				ended = err == nil
				if sends {
					e.send(e.store, "ann:bob", "bob")
				}
				e.wantSound("after the death")
				e.later(2 * listedFor)
				other := e.another()
				for range 2 {
					if _, err := other.dropEmpty(t.Context(), 0, 0); err != nil {
						t.Fatal(err)
					}
					e.later(2 * listedFor)
				}
				if sends {
					e.wantKnown(fmt.Sprint("sent, died at moment ", moment), "ann:bob", true, "ann", "bob")
				} else {
					e.wantKnown(fmt.Sprint("died at moment ", moment), "ann:bob", false)
				}
				e.wantSound("at the end")
			}
		}
	})
}

// TestSlowSendInACluster: its chat enters the lists, is dropped, and only then gets the message. The next search lists it.
func TestSlowSendInACluster(t *testing.T) {
	t.Parallel()
	e := newEmptied(t, redistest.StartCluster(t, "--appendonly", "no").URL())
	e.send(e.store, "ann:bob", "ann")
	e.expire("ann:bob")
	e.later(26 * time.Hour)
	slow := e.another()
	between(t, slow, func() { e.drop(e.store, 1) })
	e.send(slow, "ann:bob", "bob")
	e.wantSound("after the message")
	e.later(2 * listedFor)
	e.drop(e.store, 0)
	e.wantKnown("after the next search", "ann:bob", true, "ann", "bob")
	e.wantSound("at the end")
}
