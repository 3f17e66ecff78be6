package chattest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// World is a whole Pullchat in memory, with every rule: a chat.Service and a chat.Live over one log, whose appends are
// hinted at. Its first message of each chat is at FirstTime, and the others follow one by one. Use NewWorld.
type World struct {
	*chat.MessageService
	*chat.LiveService
	memory *memory
}

var (
	_ chat.Service = (*World)(nil)
	_ chat.Live    = (*World)(nil)
)

// FirstTime is the send_time of the first message of every chat of a World.
const FirstTime = 1000

// NewWorld returns a World where nothing has happened yet.
func NewWorld() *World {
	m := &memory{
		logs: map[chat.ID][]chat.Message{}, read: map[chat.ID]map[string]int64{},
		present: map[chat.ID]map[string][]string{}, watches: map[*watch]struct{}{},
	}
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}
	return &World{MessageService: chat.NewMessageService(m, limits), LiveService: chat.NewLiveService(m), memory: m}
}

// Pulls is how often a chat was read.
func (w *World) Pulls() int64 { return w.memory.pulls.Load() }

// Asked is how often it was asked who is present.
func (w *World) Asked() int64 { return w.memory.asked.Load() }

// Fail lets every pull fail, until it is called with nil.
func (w *World) Fail(err error) {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	w.memory.fails = err
}

// OnPull has then called once, by the next pull, when its page has been read and nobody knows of it yet.
func (w *World) OnPull(then func()) {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	w.memory.onPull = then
}

// Bring has hints bring what was stored from now on, as Redis does.
func (w *World) Bring() {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	w.memory.brings = true
}

// Lose says whether hints are lost from now on.
func (w *World) Lose(lost bool) {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	w.memory.loses = lost
}

// Store adds a message to a log whatever it is, and hints at it.
func (w *World) Store(id chat.ID, m chat.Message) chat.Appended {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	return w.memory.append(id, m)
}

// Entry is a message as it lies in a log.
func Entry(m chat.Message) []byte {
	stored := rpc.StoredMessage{Text: m.Text, Sender: m.Sender, Notice: wire.Notice(m.Notice)}
	if m.ID != "" {
		stored.Id = &m.ID
	}
	if m.Erased {
		stored.Erased = &m.Erased
	}
	encoded := make([]byte, stored.BLength())
	return append(fmt.Appendf(nil, "%016d", m.SendTime), encoded[:stored.FastWrite(encoded)]...)
}

// Watched says whether somebody watches a chat.
func (w *World) Watched(id chat.ID) bool {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	for watching := range w.memory.watches {
		if watching.chats[id] {
			return true
		}
	}
	return false
}

// memory is the chat.Store and chat.LiveStore of a World.
type memory struct {
	mutex   sync.Mutex
	logs    map[chat.ID][]chat.Message
	read    map[chat.ID]map[string]int64
	present map[chat.ID]map[string][]string // by gateway
	watches map[*watch]struct{}
	fails   error // of pulls
	onPull  func()
	brings  bool // hints bring entries
	loses   bool // hints are lost

	pulls, asked atomic.Int64
}

var (
	_ chat.Store     = (*memory)(nil)
	_ chat.LiveStore = (*memory)(nil)
)

func (m *memory) Append(_ context.Context, appends []chat.Append) []chat.Appended {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	appended := make([]chat.Appended, len(appends))
	for i, a := range appends {
		appended[i] = m.append(a.Chat, a.Message)
	}
	return appended
}

func (m *memory) append(id chat.ID, message chat.Message) chat.Appended {
	log := m.logs[id]
	for _, known := range log {
		switch {
		case message.ID == "":
		case known.ID != message.ID || known.Sender != message.Sender:
		case known.Text != message.Text:
			return chat.Appended{Err: chat.Errorf(chat.Conflict, "this id was used by this sender in this chat for a different text")}
		default:
			return chat.Appended{SendTime: known.SendTime, Duplicate: true}
		}
	}
	message.SendTime = FirstTime + int64(len(log))
	m.logs[id] = append(log, message)
	hint := chat.Event{Chat: id, Position: message.SendTime}
	if m.brings {
		hint.Entries = [][]byte{Entry(message)}
	}
	if m.brings && len(log) > 0 {
		hint.Before = log[len(log)-1].SendTime
	}
	if !m.loses {
		m.tell(hint)
	}
	return chat.Appended{SendTime: message.SendTime}
}

func (m *memory) Range(_ context.Context, ranges []chat.Range) []chat.Ranged {
	m.pulls.Add(1)
	m.mutex.Lock()
	ranged := make([]chat.Ranged, len(ranges))
	for i, r := range ranges {
		ranged[i] = chat.Ranged{Err: m.fails}
		if m.fails == nil {
			ranged[i].Messages = m.between(r)
		}
		if r.Raw {
			ranged[i] = Stored(ranged[i])
		}
	}
	then := m.onPull
	m.onPull = nil
	m.mutex.Unlock()
	if then != nil {
		then()
	}
	return ranged
}

// Stored is what was read, in the stored form.
func Stored(read chat.Ranged) chat.Ranged {
	for _, message := range read.Messages {
		read.Entries = append(read.Entries, string(entry.AppendMember(nil, message)))
	}
	read.Messages, read.Head = nil, func(stored string) chat.Head {
		head, _ := entry.ReadHead(stored)
		return head
	}
	return read
}

func (m *memory) between(r chat.Range) []chat.Message {
	log := m.logs[r.Chat]
	first, found := slices.BinarySearchFunc(log, r.From, func(known chat.Message, from int64) int { return cmp.Compare(known.SendTime, from) })
	if !r.Reverse {
		return slices.Clone(log[first:min(len(log), first+r.Limit)])
	}
	if found {
		first++
	}
	log = slices.Clone(log[max(0, first-r.Limit):first])
	slices.Reverse(log)
	return log
}

func (*memory) Ready(context.Context) error { return nil }

// tell tells those who watch the chat. The mutex is held.
func (m *memory) tell(e chat.Event) {
	for watching := range m.watches {
		if watching.chats[e.Chat] {
			watching.Put(e)
		}
	}
}

func (m *memory) Tell(_ context.Context, e chat.Event) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.tell(e)
	return nil
}

func (m *memory) Advance(_ context.Context, id chat.ID, r chat.Reading, force bool) (int64, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.read[id] == nil {
		m.read[id] = map[string]int64{}
	}
	end := int64(0)
	if log := m.logs[id]; len(log) > 0 {
		end = log[len(log)-1].SendTime + 1
	}
	known := m.read[id][r.Reader]
	if r.Cursor = min(r.Cursor, end); r.Cursor > known || force && r.Cursor != known {
		m.read[id][r.Reader] = r.Cursor
		m.tell(chat.Event{Chat: id, Kind: chat.Moved, Reading: &r})
	}
	return m.read[id][r.Reader], nil
}

func (m *memory) ReportPresence(_ context.Context, gateway string, present map[chat.ID][]string) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for id, readers := range present {
		if m.present[id] == nil {
			m.present[id] = map[string][]string{}
		}
		m.present[id][gateway] = readers
		m.tell(chat.Event{Chat: id, Kind: chat.PresenceChanged})
	}
	return nil
}

func (m *memory) Present(_ context.Context, id chat.ID) ([]string, error) {
	m.asked.Add(1)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var all []string
	for _, readers := range m.present[id] {
		all = append(all, readers...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (m *memory) Watch() chat.Watch {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	watching := &watch{events.New(), m, map[chat.ID]bool{}}
	m.watches[watching] = struct{}{}
	return watching
}

// watch is one who watches. The memory's mutex guards its chats.
type watch struct {
	*events.Queue
	memory *memory
	chats  map[chat.ID]bool
}

func (w *watch) Add(ids ...chat.ID) {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	for _, id := range ids {
		w.chats[id] = true
		position := int64(0)
		if log := w.memory.logs[id]; len(log) > 0 {
			position = log[len(log)-1].SendTime
		}
		w.Put(chat.Event{Chat: id, Position: position})
	}
}

func (w *watch) Remove(ids ...chat.ID) {
	w.memory.mutex.Lock()
	defer w.memory.mutex.Unlock()
	for _, id := range ids {
		delete(w.chats, id)
	}
}

func (w *watch) Close() {
	w.memory.mutex.Lock()
	delete(w.memory.watches, w)
	w.memory.mutex.Unlock()
	w.Queue.Close()
}
