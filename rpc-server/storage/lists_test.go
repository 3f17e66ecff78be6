package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var inboxLimits = chat.Limits{DefaultLimit: 20, MaxLimit: 100, MaxTextBytes: 100}

// trips counts the round trips to one Redis, and may break some. It does not count new connections and background work.
type trips struct {
	mutex sync.Mutex
	count int
	names []string
	calls int                                   // commands in all
	crash func(commands string, done bool) bool // called before and after a round trip
}

// setCrash sets crash, also while calls are under way.
func (tr *trips) setCrash(crash func(commands string, done bool) bool) {
	tr.mutex.Lock()
	defer tr.mutex.Unlock()
	tr.crash = crash
}

var errCrash = errors.New("the connection is gone")

func (tr *trips) note(cmds []redis.Cmder, do func() error) error {
	names := make([]string, len(cmds))
	for i, cmd := range cmds {
		names[i] = cmd.Name()
	}
	if names[0] == "hello" { // a new connection
		return do()
	}
	tr.mutex.Lock()
	if !slices.Contains([]string{"hello", "client", "set", "get", "ping", "cluster"}, names[0]) {
		tr.count++
		tr.calls += len(names)
		tr.names = append(tr.names, fmt.Sprintf("%d × %s", len(names), names[0]))
	}
	crash := tr.crash
	tr.mutex.Unlock()
	failed := func() error {
		for _, cmd := range cmds {
			cmd.SetErr(errCrash)
		}
		return errCrash
	}
	if crash != nil && crash(strings.Join(names, " "), false) {
		return failed()
	}
	err := do()
	if crash != nil && crash(strings.Join(names, " "), true) {
		return failed()
	}
	return err
}

func (tr *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (tr *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return tr.note([]redis.Cmder{cmd}, func() error { return next(ctx, cmd) })
	}
}

func (tr *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return tr.note(cmds, func() error { return next(ctx, cmds) })
	}
}

// TestInboxTakesThreeRoundTrips: reading an inbox of 1,000 chats with all counts takes three round trips to each Redis.
// One user is ignored, and the reader is a device.
func TestInboxTakesThreeRoundTrips(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"one": redistest.Start(t, "--appendonly", "no").URL(), "cluster": redistest.StartCluster(t, "--appendonly", "no").URL(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := openAt(t, url, Options{})
			desk := chat.NewInboxService(store, chat.Access{Rooms: store}, inboxLimits)
			fillInbox(t, store, desk, 1000)
			for _, reader := range []string{"alice", "alice/phone"} {
				if inbox, err := desk.Inbox(t.Context(), chat.InboxRequest{Reader: reader}); err != nil || !inbox.HasMore { // loads the scripts
					t.Fatalf("Inbox() = %+v, %v", inbox, err)
				}
				counts := countTrips(t, store)
				if inbox, err := desk.Inbox(t.Context(), chat.InboxRequest{Reader: reader, Limit: 100}); err != nil || len(inbox.Entries) != 100 {
					t.Errorf("Inbox(%s) = %d entries, %v; want 100", reader, len(inbox.Entries), err)
				}
				wantTrips(t, "the inbox of "+reader, counts, 3)
				counts = countTrips(t, store)
				if unread, err := desk.Unread(t.Context(), chat.UnreadRequest{Reader: reader}); err != nil || len(unread.Chats) != 999 {
					t.Errorf("Unread(%s) = %d chats, %v; want 999", reader, len(unread.Chats), err)
				}
				wantTrips(t, "the counts of "+reader, counts, 3)
			}
		})
	}
}

// fillInbox gives alice this many chats. alice ignores the other user of one.
func fillInbox(t *testing.T, store *Store, desk *chat.InboxService, chats int) {
	t.Helper()
	appends := make([]chat.Append, chats)
	for i := range appends {
		other := fmt.Sprintf("u%d", i)
		appends[i] = chat.Append{Chat: chattest.ID(t, "alice:"+other), Message: chat.Message{Sender: other, Text: "x"}}
	}
	for i := range appends { // one by one: a batch has one time, and chats of one time share a page
		if a := store.Append(t.Context(), appends[i:i+1])[0]; a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	if err := desk.Ignore(t.Context(), chat.IgnoreRequest{User: "alice", Other: "u7", Ignore: true}); err != nil {
		t.Fatal(err)
	}
}

// countTrips counts each Redis's round trips from now on.
func countTrips(t *testing.T, store *Store) []*trips {
	t.Helper()
	var all []*trips
	add := func(client *redis.Client) {
		tr := &trips{}
		client.AddHook(tr)
		all = append(all, tr)
	}
	if store.nodes.Only != nil {
		add(store.nodes.Only.Client)
		return all
	}
	var mutex sync.Mutex
	err := store.nodes.Cluster.ForEachMaster(t.Context(), func(_ context.Context, client *redis.Client) error {
		mutex.Lock()
		defer mutex.Unlock()
		add(client)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantTrips(t *testing.T, what string, counts []*trips, most int) {
	t.Helper()
	for _, tr := range counts {
		tr.mutex.Lock()
		if tr.count > most || tr.count == 0 {
			t.Errorf("%s took %d round trips to a Redis, %q; want %d at most", what, tr.count, tr.names, most)
		}
		tr.mutex.Unlock()
	}
}

// TestKnownChatsCostNothing: a Store remembers listed chats. Many new chats cost no further round trip, except for
// events, which no append waits for.
func TestKnownChatsCostNothing(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t).URL(), Options{})
	if _, err := appendOne(store, chattest.ID(t, "room"), message(0)); err != nil { // loads the script
		t.Fatal(err)
	}
	var appends []chat.Append
	for i := range 100 {
		appends = append(appends, chat.Append{Chat: chattest.ID(t, fmt.Sprintf("a:b%d", i)), Message: chat.Message{Sender: "a", Text: "x"}})
	}
	for round, most := range []int{2, 1} { // messages with their lists, then events
		counts := countTrips(t, store)
		for _, a := range store.Append(t.Context(), appends) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
		awaitTelling(store)
		wantTrips(t, fmt.Sprintf("round %d", round), counts, most)
	}
}

// awaitTelling waits until the events of new list entries are published.
func awaitTelling(store *Store) {
	for store.telling.Load() > 0 {
		runtime.Gosched()
	}
}

// hookAll adds a hook to every Redis client of a Store.
func hookAll(t *testing.T, store *Store, hook redis.Hook) {
	t.Helper()
	if store.nodes.Only != nil {
		store.nodes.Only.Client.AddHook(hook)
		return
	}
	err := store.nodes.Cluster.ForEachMaster(t.Context(), func(_ context.Context, client *redis.Client) error {
		client.AddHook(hook)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestListsAreLookedAtAgain: a failover may lose a list entry that a Store holds to be there.
func TestListsAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t, "--appendonly", "no").URL(), Options{})
	pair, hello := chattest.ID(t, "a:b"), chat.Message{Sender: "a", Text: "x"}
	for _, c := range []struct {
		left time.Duration // time until the Store checks again
		want int           // chats in the list that was lost
	}{{knownFor, 0}, {0, 1}} {
		if _, err := appendOne(store, pair, hello); err != nil {
			t.Fatal(err)
		}
		if err := store.redis.Del(t.Context(), store.keys.Chats("b")).Err(); err != nil {
			t.Fatal(err)
		}
		store.known.until.Add(layout.ListingOf(pair, ""), time.Now().Add(c.left).Unix())
		if _, err := appendOne(store, pair, hello); err != nil {
			t.Fatal(err)
		}
		if chats, _, err := store.Lists(t.Context(), "b"); err != nil || len(chats) != c.want {
			t.Errorf("with %v left, the list has %v, %v; want %d chats", c.left, chats, err, c.want)
		}
	}
}

// TestNoChatIsLost: failures at any point between a list and a log lose no chat. Every chat with a message is in the
// inboxes of both users, and no inbox shows a chat without messages.
func TestNoChatIsLost(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"one": redistest.Start(t, "--appendonly", "no").URL(), "cluster": redistest.StartCluster(t, "--appendonly", "no").URL(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noChatIsLost(t, url, name == "cluster")
		})
	}
}

func noChatIsLost(t *testing.T, url string, cluster bool) {
	checkFew(t, longtest.Pick(5, 100), func(rt *rapid.T, run int) { // each of eight processes
		prefix := fmt.Sprintf("crash%d", run)
		plan := rapid.SliceOfN(rapid.IntRange(0, 5), 8, 8).Draw(rt, "plan")
		for attempt, at := range plan { // each attempt is a process that dies before or after a round trip
			store, err := Open(url, Options{Prefix: prefix})
			if err != nil {
				rt.Fatal(err)
			}
			tr := &trips{}
			var trip atomic.Int32
			tr.crash = func(commands string, _ bool) bool {
				if !strings.Contains(commands, "zadd") && !strings.Contains(commands, "evalsha") {
					return false
				}
				return int(trip.Add(1))-1 >= at
			}
			hookAll(t, store, tr)
			name := fmt.Sprintf("a:b%d", attempt%3)
			a, err := appendOne(store, chattest.ID(t, name), chat.Message{Sender: "a", Text: "x"})
			if cluster && at < 2 && (err == nil || a.SendTime != 0 || !strings.Contains(chat.AsError(err).Message, "nothing was stored")) {
				rt.Fatalf("Append() without a list = %+v, %v; want that nothing was stored", a, err)
			}
			_ = store.Close()
			checkNoneLost(t, rt, url, prefix)
		}
	})
}

// TestACrashBetweenListAndLog: a process dies after the lists have the chat and before its log has the message. No
// inbox shows such entries until a message comes.
func TestACrashBetweenListAndLog(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t, "--appendonly", "no").URL() // else one script does both
	dying := openAt(t, url, Options{})
	var dead atomic.Bool
	hookAll(t, dying, &trips{crash: func(commands string, done bool) bool {
		if done && strings.Contains(commands, "zadd") {
			dead.Store(true)
		}
		return dead.Load() && strings.Contains(commands, "evalsha")
	}})
	if a, err := appendOne(dying, chattest.ID(t, "a:b"), chat.Message{Sender: "a", Text: "x"}); err == nil || a.SendTime != 0 {
		t.Fatalf("Append() of a process that dies = %+v, %v", a, err)
	}
	store := openAt(t, url, Options{Prefix: dying.options.Prefix})
	desk := chat.NewInboxService(store, chat.Access{Rooms: store}, inboxLimits)
	for _, user := range []string{"a", "b"} {
		listed, err := store.redis.ZRange(t.Context(), store.keys.Chats(user), 0, -1).Result()
		if err != nil || !slices.Equal(listed, []string{"a:b"}) {
			t.Errorf("the list of %s has %q, %v; want the chat: the crash was not between the two", user, listed, err)
		}
		if inbox, err := desk.Inbox(t.Context(), chat.InboxRequest{Reader: user}); err != nil || len(inbox.Entries) > 0 {
			t.Errorf("the inbox of %s = %+v, %v; want nothing", user, inbox, err)
		}
	}
	if n, err := store.redis.Exists(t.Context(), store.keys.Log(chattest.ID(t, "a:b"))).Result(); n > 0 || err != nil {
		t.Errorf("the log is there: %d, %v", n, err)
	}
	if _, err := appendOne(store, chattest.ID(t, "a:b"), chat.Message{Sender: "a", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	for user, unread := range map[string]int{"a": 0, "b": 1} {
		inbox, err := desk.Inbox(t.Context(), chat.InboxRequest{Reader: user})
		if err != nil || len(inbox.Entries) != 1 || inbox.Entries[0].Unread != unread {
			t.Errorf("the inbox of %s = %+v, %v; want the chat with %d unread", user, inbox, err, unread)
		}
	}
}

// TestAListThatFailedIsTriedAgain: a process that could not list a chat does not hold it to be listed.
func TestAListThatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.StartCluster(t, "--appendonly", "no").URL(), Options{})
	var fails atomic.Bool
	fails.Store(true)
	hookAll(t, store, &trips{crash: func(commands string, done bool) bool {
		return fails.Load() && !done && strings.Contains(commands, "zadd")
	}})
	hello := chat.Message{Sender: "a", Text: "x"}
	if _, err := appendOne(store, chattest.ID(t, "a:b"), hello); chat.CodeOf(err) != chat.Unavailable {
		t.Fatalf("Append() without a list = %v, want unavailable", err)
	}
	fails.Store(false)
	if _, err := appendOne(store, chattest.ID(t, "a:b"), hello); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"a", "b"} {
		chats, _, err := store.Lists(t.Context(), user)
		if err != nil || len(chats) != 1 {
			t.Errorf("the list of %s = %v, %v; want the chat, which has a message", user, chats, err)
		}
	}
}

func checkNoneLost(t *testing.T, rt *rapid.T, url, prefix string) {
	store, err := Open(url, Options{Prefix: prefix})
	if err != nil {
		rt.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	desk := chat.NewInboxService(store, chat.Access{Rooms: store}, inboxLimits)
	for k := range 3 {
		other := fmt.Sprintf("b%d", k)
		messages, err := rangeOne(store, chattest.ID(t, "a:"+other), 0, false, 100)
		if err != nil {
			rt.Fatal(err)
		}
		for _, user := range []string{"a", other} {
			inbox, err := desk.Inbox(t.Context(), chat.InboxRequest{Reader: user})
			if err != nil {
				rt.Fatal(err)
			}
			shown := false
			for _, e := range inbox.Entries {
				shown = shown || e.Chat == "a:"+other
				if e.Last == nil {
					rt.Fatalf("the inbox of %s shows %s without a message", user, e.Chat)
				}
			}
			if shown != (len(messages) > 0) {
				rt.Fatalf("a:%s has %d messages; in the inbox of %s: %v", other, len(messages), user, shown)
			}
		}
	}
}

// TestAppendWhereNoMasterIsKnown: a room's members cannot be looked up, so nothing is stored and nothing panics.
func TestAppendWhereNoMasterIsKnown(t *testing.T) {
	store := openAt(t, "redis+cluster://127.0.0.1:1", Options{})
	store.checked.Store(true)
	guarded := chat.Append{Chat: chattest.ID(t, "room"), Message: message(1), Member: message(1).Sender}
	for range 2 {
		if got := store.Append(t.Context(), []chat.Append{guarded}); chat.CodeOf(got[0].Err) != chat.Unavailable {
			t.Errorf("Append() = %+v, want unavailable", got)
		}
	}
}
