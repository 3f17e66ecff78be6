package chat

import (
	"context"
	"time"
	"unicode/utf8"
)

// Store holds the logs of all chats. It applies no rules: its arguments have been checked. It takes many requests at once
// and answers each separately, in order; each fails alone. Methods are safe for concurrent use. An error that is not an
// *Error is Internal.
type Store interface {
	// Append stores each message at max(now, the chat's last position + 1), atomically and at most once for each
	// (chat, sender, ID) where the ID is not empty.
	Append(context.Context, []Append) []Appended
	// Range reads each range. Chat is not filled in.
	Range(context.Context, []Range) []Ranged
	// Ready returns nil if an append would succeed.
	Ready(context.Context) error
}

// Append is one message to store.
type Append struct {
	Chat    ID
	Message Message
	Member  string // the user who must be a member if the chat is a private room; "" is no check
	Exists  bool   // the chat is a room that must have been created; a Member implies it
	Begins  bool   // charge the sender if this is the first message of the two-person chat
	// Attachment of the sender, confirmed, which becomes the message's; "" is none. NoAttachment or AttachmentTaken refuses it.
	Attachment string
}

// Appended is the result of an Append.
type Appended struct {
	SendTime  int64
	Duplicate bool
	// Err is Conflict if the ID is known with a different text. Other errors are NotAMember, NoRoom, RoomDeleted, NoParent,
	// NotMentioned, NoAttachment and AttachmentTaken.
	Err error
}

// Range asks for up to Limit messages of a chat from position From on, inclusive: towards newer ones, or with Reverse
// towards older ones.
type Range struct {
	Chat    ID
	From    int64
	Reverse bool
	Limit   int
	Member  string // as in Append: checked after the messages were read
	Exists  bool   // as in Append, but a log without a room passes too
	Raw     bool   // asks for Entries; a Store may answer Messages
	User    string // whose reactions have Own, or ""
}

// Ranged is the result of a Range: Messages or Entries.
type Ranged struct {
	Messages []Message
	Entries  []string          // in the stored form
	Head     func(string) Head // decodes the head of one of Entries
	Err      error
}

// Limits bound requests. All are positive.
type Limits struct {
	DefaultLimit int // messages in a page when the request names no limit
	MaxLimit     int // messages in a page
	MaxTextBytes int
	// EditWindow is how long a sender may edit or delete a message. 0 is never.
	EditWindow time.Duration
	// EditHistory keeps the texts that edits replace.
	EditHistory bool
}

// MessageService implements Service. It applies every rule before it calls the Store.
type MessageService struct {
	store  Store
	limits Limits
	// ReaderStore enables pulls of readers, which are refused without it.
	ReaderStore ReaderStore
	// Access are the access rules. Access.Rooms is not used: the Store checks members.
	Access Access
	// Files fills the bodies that name an attachment; nil: attachments of bodies are not checked.
	Files Attacher
}

// Attacher returns a message's content with the metadata of the attachment that it names. AttachmentService implements
// it.
type Attacher interface {
	Attach(ctx context.Context, id ID, attachment string, c *Content) (*Content, error)
}

var _ Service = (*MessageService)(nil)

// NewMessageService returns the Service over a store.
func NewMessageService(store Store, access Access, limits Limits) *MessageService {
	return &MessageService{store: store, limits: limits, Access: access}
}

// Sending is a message of SendAll with its caller.
type Sending struct {
	Message Message
	By      Caller
}

// Pulling is a request of PullAll with its caller.
type Pulling struct {
	Request PullRequest
	By      Caller
}

// SendResult is the result of one message of SendAll.
type SendResult struct {
	Receipt Receipt
	Err     error // an *Error or nil
}

// PullResult is the result of one request of PullAll.
type PullResult struct {
	Page Page
	Err  error // an *Error or nil
}

// Send implements Service.
func (s *MessageService) Send(ctx context.Context, m Message) (Receipt, error) {
	result := s.SendAll(ctx, []Sending{{m, callerOf(ctx)}})[0]
	return result.Receipt, result.Err
}

// SendAll is Send for many messages at once. It validates each separately; the results are in the order of messages.
func (s *MessageService) SendAll(ctx context.Context, messages []Sending) []SendResult {
	results := make([]SendResult, len(messages))
	appends := make([]Append, 0, len(messages))
	for i, m := range messages {
		checked, err := s.checkMessage(m.Message, m.By)
		if err == nil && !(isASCII(checked.Chat.canonical) && isASCII(checked.Message.Sender)) {
			err = s.checkNames(ctx, checked, m.By)
		}
		if err == nil && checked.Message.Content != nil && s.Files != nil {
			err = s.attach(ctx, &checked)
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
	appended := s.store.Append(ctx, appends)
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

func (s *MessageService) checkMessage(m Message, by Caller) (Append, error) {
	id, err := ParseID(m.Chat)
	if err != nil {
		return Append{}, err
	}
	if m.Sender, err = s.Access.actor(id, m.Chat, m.Sender, by); err != nil {
		return Append{}, err
	}
	member, err := s.Access.member(id, m.Chat, by)
	if err != nil {
		return Append{}, err
	}
	if err := s.limits.checkText(m.Text); err != nil {
		return Append{}, err
	}
	switch {
	case len(m.ID) > MaxIDBytes:
		return Append{}, Errorf(InvalidArgument, "id is %d bytes; the limit is %d", len(m.ID), MaxIDBytes)
	case !utf8.ValidString(m.ID):
		return Append{}, Errorf(InvalidArgument, "id is not valid UTF-8")
	}
	if m.Content, err = checkContent(id, m.Content); err != nil {
		return Append{}, err
	}
	m.Notice, m.Erased, m.State = nil, false, nil // only the domain sets them
	begins := by.User != "" && !by.Service && !id.IsRoom()
	return Append{Chat: id, Message: m, Member: member, Exists: s.Access.mustExist(id, by), Begins: begins}, nil
}

// attach has a message take the attachment that its body names.
func (s *MessageService) attach(ctx context.Context, a *Append) (err error) {
	if a.Attachment = AttachmentOf(a.Message.Content); a.Attachment != "" {
		a.Message.Content, err = s.Files.Attach(ctx, a.Chat, a.Attachment, a.Message.Content)
	}
	return err
}

// checkNames refuses to begin a chat with a name that breaks the rules for new names, and new senders with such a name.
// Chats with messages, their two users, and callers with a login may continue.
func (s *MessageService) checkNames(ctx context.Context, a Append, by Caller) error {
	first, second, pair := a.Chat.Users()
	names := []string{first}
	if pair {
		names = append(names, second)
	} else if err := s.Access.checkNewUsers([]string{a.Message.Sender}, by); err != nil {
		return err
	}
	if err := s.Access.checkNewUsers(names, by); err != nil && !s.hasMessages(ctx, a.Chat) {
		return err
	}
	return nil
}

func (s *MessageService) hasMessages(ctx context.Context, id ID) bool {
	read := s.store.Range(ctx, []Range{{Chat: id, From: MaxCursor, Reverse: true, Limit: 1}})[0]
	return read.Err != nil || len(read.Messages) > 0 // a chat that cannot be read now does not count as new
}

// Ready implements Service.
func (s *MessageService) Ready(ctx context.Context) error {
	err := s.store.Ready(ctx)
	switch {
	case err == nil:
		return nil
	case CodeOf(err) == Unavailable:
		return AsError(err)
	}
	return Wrap(err, Unavailable, "the storage cannot be written; the server's log has the reason")
}
