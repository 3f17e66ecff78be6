package chat

import (
	"context"
	"unicode/utf8"
)

// Store holds the logs of all chats. It knows nothing of the rules: what it is given has been checked.
// Methods are safe for concurrent use and return an *Error, or an error that is Internal.
type Store interface {
	// Append stores a message at max(now, the chat's last position + 1), atomically and at most once for each
	// (chat, sender, ID) where the ID is not empty.
	Append(context.Context, ID, Message) (Appended, error)
	// Range returns up to n messages from position from on, inclusive: towards newer ones, or towards older ones
	// where reverse is set. Chat is not filled in.
	Range(ctx context.Context, chat ID, from int64, reverse bool, n int) ([]Message, error)
	// Ready returns nil when an append would work now.
	Ready(context.Context) error
}

// Appended is what came of an Append.
type Appended struct {
	SendTime  int64
	Duplicate bool
	// Earlier is the message that was stored under the same ID. It is nil when there was none and when retention
	// has removed it since.
	Earlier *Message
}

// Limits bound what a request may ask for. All are positive.
type Limits struct {
	DefaultLimit int // messages in a page when the request names no limit
	MaxLimit     int // messages in a page
	MaxTextBytes int
}

// Core is the Service that applies every rule before it touches the Store.
type Core struct {
	store  Store
	limits Limits
}

var _ Service = (*Core)(nil)

// New returns the Service over a store.
func New(store Store, limits Limits) *Core {
	return &Core{store: store, limits: limits}
}

// Send implements Service.
func (c *Core) Send(ctx context.Context, m Message) (Receipt, error) {
	id, err := c.checkMessage(m)
	if err != nil {
		return Receipt{}, err
	}
	appended, err := c.store.Append(ctx, id, m)
	if err != nil {
		return Receipt{}, AsError(err)
	}
	if earlier := appended.Earlier; earlier != nil && earlier.Text != m.Text {
		return Receipt{}, Errorf(Conflict, "id %q was used by this sender in this chat for a different text", m.ID)
	}
	return Receipt{SendTime: appended.SendTime, Duplicate: appended.Duplicate}, nil
}

func (c *Core) checkMessage(m Message) (ID, error) {
	id, err := ParseID(m.Chat)
	if err != nil {
		return ID{}, err
	}
	if err := checkName("sender", m.Sender); err != nil {
		return ID{}, err
	}
	if first, second, pair := id.Users(); pair && m.Sender != first && m.Sender != second {
		return ID{}, Errorf(InvalidArgument, "sender %q is not one of the two users of chat %q", m.Sender, m.Chat)
	}
	switch {
	case m.Text == "":
		return ID{}, Errorf(InvalidArgument, "text is empty")
	case len(m.Text) > c.limits.MaxTextBytes:
		return ID{}, Errorf(InvalidArgument, "text is %d bytes; the limit is %d", len(m.Text), c.limits.MaxTextBytes)
	case !utf8.ValidString(m.Text):
		return ID{}, Errorf(InvalidArgument, "text is not valid UTF-8")
	case len(m.ID) > MaxIDBytes:
		return ID{}, Errorf(InvalidArgument, "id is %d bytes; the limit is %d", len(m.ID), MaxIDBytes)
	case !utf8.ValidString(m.ID):
		return ID{}, Errorf(InvalidArgument, "id is not valid UTF-8")
	}
	return id, nil
}

// Pull implements Service.
func (c *Core) Pull(ctx context.Context, r PullRequest) (Page, error) {
	id, limit, err := c.checkPull(r)
	if err != nil {
		return Page{}, err
	}
	from := r.Cursor
	if r.Reverse && from == 0 {
		from = MaxCursor
	}
	// One more than was asked for tells whether there is more, and where it starts.
	messages, err := c.store.Range(ctx, id, from, r.Reverse, limit+1)
	if err != nil {
		return Page{}, AsError(err)
	}
	for i := range messages {
		messages[i].Chat = r.Chat
	}
	return page(messages, limit, r), nil
}

func (c *Core) checkPull(r PullRequest) (ID, int, error) {
	id, err := ParseID(r.Chat)
	switch {
	case err != nil:
		return ID{}, 0, err
	case r.Cursor < 0 || r.Cursor > MaxCursor:
		return ID{}, 0, Errorf(InvalidArgument, "cursor is %d; it is between 0 and %d", r.Cursor, int64(MaxCursor))
	case r.Limit < 0:
		return ID{}, 0, Errorf(InvalidArgument, "limit is %d; it is not negative", r.Limit)
	case r.Limit == 0:
		return id, c.limits.DefaultLimit, nil
	}
	return id, int(min(r.Limit, int64(c.limits.MaxLimit))), nil
}

// page cuts what was read to the limit and works out the cursor to continue from.
func page(messages []Message, limit int, r PullRequest) Page {
	switch {
	case len(messages) > limit:
		return Page{Messages: messages[:limit], HasMore: true, NextCursor: messages[limit].SendTime}
	case r.Reverse:
		return Page{Messages: messages}
	case len(messages) == 0:
		return Page{NextCursor: r.Cursor}
	default:
		return Page{Messages: messages, NextCursor: messages[len(messages)-1].SendTime + 1}
	}
}

// Ready implements Service.
func (c *Core) Ready(ctx context.Context) error {
	if err := c.store.Ready(ctx); err != nil {
		return AsError(err)
	}
	return nil
}
