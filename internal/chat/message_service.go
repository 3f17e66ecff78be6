package chat

import (
	"context"
	"unicode/utf8"
)

// Store holds the logs of all chats. It knows nothing of the rules: what it is given has been checked. It takes many
// requests at once and answers each by itself, in the order asked; one that fails fails alone. Methods are safe for
// concurrent use; their errors are *Error, or Internal.
type Store interface {
	// Append stores each message at max(now, the chat's last position + 1), atomically and at most once for each
	// (chat, sender, ID) where the ID is not empty.
	Append(context.Context, []Append) []Appended
	// Range reads each range. Chat is not filled in.
	Range(context.Context, []Range) []Ranged
	// Ready returns nil when an append would work now.
	Ready(context.Context) error
}

// Append is one message to store.
type Append struct {
	Chat    ID
	Message Message
	Member  string // who must be a member where the chat is a closed room; "" is nobody
	Exists  bool   // the chat is a room, which must have been created; where there is a Member, it must too
	Begins  bool   // the sender is charged where this is the first message of the chat, which is of two
}

// Appended is what came of an Append.
type Appended struct {
	SendTime  int64
	Duplicate bool
	Err       error // a Conflict where the ID is known with a different text; NotAMember, NoRoom, RoomDeleted
}

// Range asks for up to Limit messages of a chat from position From on, inclusive: towards newer ones, or towards
// older ones where Reverse is set.
type Range struct {
	Chat    ID
	From    int64
	Reverse bool
	Limit   int
	Member  string // as an Append's: she is one after all that was read was there
	Exists  bool   // as an Append's, but for a log that is there all the same
	Raw     bool   // Entries are wanted; a Store may answer Messages all the same
}

// Ranged is what came of a Range: Messages or Entries.
type Ranged struct {
	Messages []Message
	Entries  []string          // in the stored form
	Head     func(string) Head // reads one of Entries, all of which have a Head
	Err      error
}

// Limits bound what a request may ask for. All are positive.
type Limits struct {
	DefaultLimit int // messages in a page when the request names no limit
	MaxLimit     int // messages in a page
	MaxTextBytes int
	Auth         bool // nobody without an identity may anything
}

// MessageService is the Service that applies every rule before it touches the Store.
type MessageService struct {
	store   Store
	readers ReaderStore // or nil
	limits  Limits
	access  Access
}

var _ Service = (*MessageService)(nil)

// NewMessageService returns the Service over a store.
func NewMessageService(store Store, limits Limits) *MessageService {
	return &MessageService{store: store, limits: limits, access: Access{Required: limits.Auth}}
}

// Guard sets who may what, but for who is in which room, which the Store knows. It is called before the first call.
func (c *MessageService) Guard(access Access) {
	access.Rooms = nil
	c.access = access
}

// Sending is a message of SendAll, and who sends it.
type Sending struct {
	Message Message
	By      Caller
}

// Pulling is a request of PullAll, and who makes it.
type Pulling struct {
	Request PullRequest
	By      Caller
}

// WithReaders has the MessageService answer pulls of readers too; without it, they are refused. It is called before the first of
// them, and returns the MessageService.
func (c *MessageService) WithReaders(readers ReaderStore) *MessageService {
	c.readers = readers
	return c
}

// SendResult is what came of one message of SendAll.
type SendResult struct {
	Receipt Receipt
	Err     error // an *Error or nil
}

// PullResult is what came of one request of PullAll.
type PullResult struct {
	Page Page
	Err  error // an *Error or nil
}

// Send implements Service.
func (c *MessageService) Send(ctx context.Context, m Message) (Receipt, error) {
	result := c.SendAll(ctx, []Sending{{m, callerOf(ctx)}})[0]
	return result.Receipt, result.Err
}

// SendAll is Send for many messages at once. Each is judged by itself; the results are in the order of messages.
func (c *MessageService) SendAll(ctx context.Context, messages []Sending) []SendResult {
	results := make([]SendResult, len(messages))
	appends := make([]Append, 0, len(messages))
	for i, m := range messages {
		checked, err := c.checkMessage(m.Message, m.By)
		if err == nil && !(isASCII(checked.Chat.canonical) && isASCII(checked.Message.Sender)) {
			err = c.checkNames(ctx, checked, m.By)
		}
		if err != nil {
			results[i].Err = err
			continue
		}
		appends = append(appends, checked)
	}
	if len(appends) == 0 {
		return results
	}
	appended := c.store.Append(ctx, appends)
	next := 0
	for i := range results {
		if results[i].Err == nil {
			results[i] = receipt(appended[next])
			next++
		}
	}
	return results
}

func receipt(a Appended) SendResult {
	if a.Err != nil {
		return SendResult{Err: AsError(a.Err)}
	}
	return SendResult{Receipt: Receipt{SendTime: a.SendTime, Duplicate: a.Duplicate}}
}

func (c *MessageService) checkMessage(m Message, by Caller) (Append, error) {
	id, err := ParseID(m.Chat)
	if err != nil {
		return Append{}, err
	}
	if m.Sender, err = c.access.actor("sender", id, m.Chat, m.Sender, by); err != nil {
		return Append{}, err
	}
	member, err := c.access.member(id, m.Chat, by)
	if err != nil {
		return Append{}, err
	}
	switch {
	case m.Text == "":
		return Append{}, Errorf(InvalidArgument, "text is empty")
	case len(m.Text) > c.limits.MaxTextBytes:
		return Append{}, Errorf(InvalidArgument, "text is %d bytes; the limit is %d", len(m.Text), c.limits.MaxTextBytes)
	case !utf8.ValidString(m.Text):
		return Append{}, Errorf(InvalidArgument, "text is not valid UTF-8")
	case len(m.ID) > MaxIDBytes:
		return Append{}, Errorf(InvalidArgument, "id is %d bytes; the limit is %d", len(m.ID), MaxIDBytes)
	case !utf8.ValidString(m.ID):
		return Append{}, Errorf(InvalidArgument, "id is not valid UTF-8")
	}
	m.Notice, m.Erased = nil, false // the domain alone makes them
	begins := by.User != "" && !by.Service && !isRoom(id)
	return Append{Chat: id, Message: m, Member: member, Exists: c.access.mustExist(id, by), Begins: begins}, nil
}

// checkNames refuses to begin a chat under a name that nothing new may have, and senders of such names. A chat that has
// messages goes on, and so do its two users, and whoever has logged in.
func (c *MessageService) checkNames(ctx context.Context, a Append, by Caller) error {
	first, second, pair := a.Chat.Users()
	names := []string{first}
	if pair {
		names = append(names, second)
	} else if err := c.access.checkNewUsers([]string{a.Message.Sender}, by); err != nil {
		return err
	}
	if err := c.access.checkNewUsers(names, by); err != nil && !c.hasMessages(ctx, a.Chat) {
		return err
	}
	return nil
}

func (c *MessageService) hasMessages(ctx context.Context, id ID) bool {
	read := c.store.Range(ctx, []Range{{Chat: id, From: MaxCursor, Reverse: true, Limit: 1}})[0]
	return read.Err != nil || len(read.Messages) > 0 // what cannot be read now is not taken for new
}

// Ready implements Service.
func (c *MessageService) Ready(ctx context.Context) error {
	err := c.store.Ready(ctx)
	switch {
	case err == nil:
		return nil
	case CodeOf(err) == Unavailable:
		return AsError(err)
	}
	return Wrap(err, Unavailable, "the storage cannot be written to; the server's log says why")
}
