package chattest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
)

// World is a chat.Service and a chat.Live over one Store, for tests of gateways: it counts pulls, and lets them fail. Every
// room admits every caller. The first message of each chat is at FirstTime, and the others follow one by one. Use NewWorld.
type World struct {
	*chat.MessageService
	*chat.LiveService
	Deliveries *chat.DeliveryService
	store      *observed
}

var (
	_ chat.Service = (*World)(nil)
	_ chat.Live    = (*World)(nil)
)

// FirstTime is the send_time of the first message of every chat of a World.
const FirstTime = 1000

// NewWorld returns a World where nothing has happened yet.
func NewWorld() *World {
	store := &observed{Store: NewStore(StoreOptions{Clock: func() time.Time { return time.UnixMicro(FirstTime) }})}
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}
	return &World{MessageService: Messages(store, chat.Access{}, limits), LiveService: Live(store, chat.Access{}), Deliveries: Deliveries(store, chat.Access{}), store: store}
}

// Pulls is how often a chat was read.
func (w *World) Pulls() int64 { return w.store.pulls.Load() }

// Fail lets every pull fail, until it is called with nil.
func (w *World) Fail(err error) {
	w.store.watching.Lock()
	defer w.store.watching.Unlock()
	w.store.fails = err
}

// OnPull has then called once, by the next pull, when its page has been read and is not returned yet.
func (w *World) OnPull(then func()) {
	w.store.watching.Lock()
	defer w.store.watching.Unlock()
	w.store.onPull = then
}

// Bring makes hints bring the messages that are stored from now on, as Redis does.
func (w *World) Bring() {
	w.store.mutex.Lock()
	defer w.store.mutex.Unlock()
	w.store.options.BringEntries = true
}

// Lose says whether hints are lost from now on.
func (w *World) Lose(lost bool) {
	w.store.mutex.Lock()
	defer w.store.mutex.Unlock()
	w.store.loses = lost
}

// Store adds a message to a log whatever it is, and hints at it.
func (w *World) Store(id chat.ID, m chat.Message) chat.Appended {
	return w.store.Append(context.Background(), []chat.Append{{Chat: id, Message: m}})[0]
}

// Watched reports whether any Watch has a chat.
func (w *World) Watched(id chat.ID) bool { return w.store.Watched(id) }

// Entry is a message as it lies in a log.
func Entry(m chat.Message) []byte { return entry.AppendMember(nil, m) }

// observed is a Store that counts the pulls, fails where a test says so, and checks no members.
type observed struct {
	*Store
	pulls atomic.Int64

	watching sync.Mutex // guards the fields below
	fails    error      // of pulls
	onPull   func()
}

// Append implements chat.Store.
func (o *observed) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	for i := range appends {
		appends[i].Member, appends[i].Exists = "", false
	}
	return o.Store.Append(ctx, appends)
}

// Range implements chat.Store.
func (o *observed) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	o.pulls.Add(1)
	o.watching.Lock()
	fails, then := o.fails, o.onPull
	o.onPull = nil
	o.watching.Unlock()
	for i := range ranges {
		ranges[i].Member, ranges[i].Exists = "", false
	}
	ranged := o.Store.Range(ctx, ranges)
	for i := range ranged {
		if fails != nil {
			ranged[i] = chat.Ranged{Err: fails}
		}
	}
	if then != nil {
		then()
	}
	return ranged
}
