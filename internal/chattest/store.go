package chattest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// StoreOptions configure a Store. The zero value keeps everything for ever, with the time of the computer.
type StoreOptions struct {
	Clock             func() time.Time // nil is time.Now
	Retention         time.Duration    // of messages; 0 is for ever
	MaxChatMessages   int              // 0 is any number
	IdempotencyWindow time.Duration    // 0 is for ever
	MaxDevices        int              // of a user with a cursor in one chat; 0 is 100
	NewChats          chat.Bounds      // of the senders of Appends with Begins
	BringEntries      bool             // hints bring the stored messages
}

// Store is all stores of package chat in memory. It has the behaviour of storage in Redis, in the fewest lines that have
// it, and no concern for speed: one mutex guards everything. Use NewStore.
type Store struct {
	options StoreOptions
	mutex   sync.Mutex

	logs     map[chat.ID]*log
	rooms    map[chat.ID]*room
	cursors  map[chat.ID]map[string]int64 // of readers
	received map[chat.ID]map[string]int64 // by users
	seen     map[string]int64             // of users
	chats    map[string]map[chat.ID]bool  // of users; false is one that their lists do not show
	ignored  map[string]map[string]bool   // by users
	accounts map[string]chat.StoredAccount
	sessions map[string]map[string]chat.StoredSession
	looks    map[string]string // to users
	leased   time.Time         // until when FillLooks is
	spent    map[spending]spentAmount
	jobs     map[chat.DeletionJob]time.Time // when they are due
	revoked  map[string]time.Time           // users who were deleted

	suspended map[string]chat.Suspension
	audit     []chat.AuditEntry // oldest first
	reports   []chat.Report     // oldest first

	attachments map[chat.AttachmentRef]chat.Attachment
	looksAt     map[chat.AttachmentRef]time.Time // when they are to be looked at
	charged     map[string]charged               // by user

	present map[chat.ID]map[string]report // by gateway
	watches map[*watch]struct{}
	loses   bool // hints are lost
}

// Stores are the store interfaces of all services.
type Stores interface {
	chat.Store
	chat.LiveStore
	chat.RoomStore
	chat.UserReader
	chat.InboxServiceStore
	chat.AccountServiceStore
	chat.LookStore
	chat.DeletionStore
	chat.ChangeStore
	chat.DeliveryStore
	chat.Spender
	chat.ModerationStore
	chat.AttachmentStore

	Revoked(user string) chat.Revocation
}

var _ Stores = (*Store)(nil)

// NewStore returns an empty Store.
func NewStore(options StoreOptions) *Store {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.MaxDevices == 0 {
		options.MaxDevices = 100
	}
	return &Store{
		options: options,
		logs:    map[chat.ID]*log{}, rooms: map[chat.ID]*room{}, cursors: map[chat.ID]map[string]int64{},
		received: map[chat.ID]map[string]int64{}, seen: map[string]int64{},
		chats: map[string]map[chat.ID]bool{}, ignored: map[string]map[string]bool{},
		accounts: map[string]chat.StoredAccount{}, sessions: map[string]map[string]chat.StoredSession{}, looks: map[string]string{},
		spent: map[spending]spentAmount{}, jobs: map[chat.DeletionJob]time.Time{}, revoked: map[string]time.Time{}, suspended: map[string]chat.Suspension{},
		attachments: map[chat.AttachmentRef]chat.Attachment{}, looksAt: map[chat.AttachmentRef]time.Time{}, charged: map[string]charged{},
		present: map[chat.ID]map[string]report{}, watches: map[*watch]struct{}{},
	}
}

// Ready implements chat.Store.
func (*Store) Ready(context.Context) error { return nil }

// now is the time in microseconds since 1970.
func (s *Store) now() int64 { return s.options.Clock().UnixMicro() }

// log has the messages of a chat, and the data that stays when they are removed.
type log struct {
	messages []chat.Message // oldest first
	last     int64          // the newest position that there ever was; 0 is none
	ids      map[messageID]storedID
	amended  int // how often messages were changed
	// reactions are of each message those of each emoji, sorted by name.
	reactions map[int64]map[string][]string
	earlier   map[int64][]chat.Version // texts that edits of each message replaced, oldest first
}

type messageID struct{ sender, id string }

// storedID is where a message with an id is, and its text.
type storedID struct {
	position int64
	text     string
}

// log returns a chat's log, which may be empty.
func (s *Store) log(id chat.ID) *log {
	known := s.logs[id]
	if known == nil {
		known = &log{ids: map[messageID]storedID{}, reactions: map[int64]map[string][]string{}, earlier: map[int64][]chat.Version{}}
		s.logs[id] = known
	}
	return known
}

// next returns the position of a message that is stored now, and false if the log has no position left.
func (l *log) next(now int64) (int64, bool) {
	position := max(now, l.last+1)
	return position, position <= chat.MaxSendTime
}

// from returns the index of the first message at a position or after it.
func (l *log) from(position int64) int {
	first, _ := slices.BinarySearchFunc(l.messages, position, func(m chat.Message, from int64) int { return cmp.Compare(m.SendTime, from) })
	return first
}

// readable returns the messages that have not expired.
func (s *Store) readable(id chat.ID) []chat.Message {
	known := s.log(id)
	retention := s.options.Retention
	if own := s.room(id).retention; own > 0 && (retention == 0 || own < retention) {
		retention = own
	}
	if retention == 0 {
		return known.messages
	}
	return known.messages[known.from(s.now()-retention.Microseconds()):]
}

// put adds a message to a log at its position, removes messages that are too old or too many, and hints at the message.
func (s *Store) put(id chat.ID, m chat.Message) { s.putShown(id, m, m) }

// putShown is put for a message that hints show in another form.
func (s *Store) putShown(id chat.ID, m, shown chat.Message) {
	known := s.log(id)
	hint := chat.Event{Chat: id, Position: m.SendTime}
	if n := len(known.messages); n > 0 {
		hint.Before = known.messages[n-1].SendTime
	}
	known.messages, known.last = append(known.messages, m), m.SendTime
	known.messages = slices.Clone(s.readable(id))
	if most := s.options.MaxChatMessages; most > 0 && len(known.messages) > most {
		known.messages = known.messages[len(known.messages)-most:]
	}
	if s.options.BringEntries {
		hint.Entries = [][]byte{Entry(shown)}
	} else {
		hint.Before = 0
	}
	if !s.loses {
		s.tell(hint)
	}
}

func isRoom(id chat.ID) bool {
	_, _, pair := id.Users()
	return !pair
}

// usersOf returns the users of a two-person chat once each, and none of a room.
func usersOf(id chat.ID) []string {
	first, second, pair := id.Users()
	switch {
	case !pair:
		return nil
	case first == second:
		return []string{first}
	}
	return []string{first, second}
}

// note puts a chat into a user's list, or notes only that the user was there. It reports whether the list is longer.
func (s *Store) note(user string, id chat.ID, show bool) bool {
	if s.chats[user] == nil {
		s.chats[user] = map[chat.ID]bool{}
	}
	if _, known := s.chats[user][id]; known {
		return false
	}
	s.chats[user][id] = show
	return show
}
