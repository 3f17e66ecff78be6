package chat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Changes changes messages that were sent. Each change is an entry of the chat's log, and the message shows its current
// state from then on. ChangeService implements it, and the RPC client does over the network.
type Changes interface {
	// Change makes a change, once for each ID of its sender. The receipt's SendTime is the position of the change's entry.
	// A change that is in effect already is a Duplicate: nothing is stored. The SendTime is then that of the deletion, or of
	// the message itself.
	Change(context.Context, Change) (Receipt, error)
	// Thread reads a page of the messages that answer one, oldest first.
	Thread(context.Context, ThreadRequest) (Page, error)
	// Versions reads a page of the texts that a message has had, oldest first, for admins of its room and services.
	Versions(context.Context, VersionsRequest) (VersionPage, error)
}

// ThreadRequest asks for a page of the answers to a message.
type ThreadRequest struct {
	Chat   string
	Ref    int64  // the message's position
	Cursor int64  // inclusive position of an answer; 0 is the first
	Limit  int64  // as in PullRequest
	Reader string // as in PullRequest
}

// Change is a change of one message.
type Change struct {
	Chat   string
	Ref    int64       // the message's position
	Kind   NoticeEvent // MessageEdited, MessageDeleted, MessageReacted or MessageUnreacted
	Sender string      // the user who changes it
	ID     string      // the sender's id for this change, or ""
	Text   string      // of an edit
	Emoji  string      // of a reaction

	RequestID string // for the audit log
}

// ChangeStore holds the messages that are changed. It applies no rules.
type ChangeStore interface {
	// ReadTarget reads all that decides whether a change may be made, in one step.
	ReadTarget(context.Context, TargetQuery) (Target, error)
	// Amend replaces a message at its position and appends the change's entry, in one step. The error is ErrAmended if the
	// message is not as it was read, and otherwise as of an Append.
	Amend(context.Context, Amendment) (Appended, error)
	// ReadThread reads up to Limit answers to the message at Ref, from the position From on. NextCursor is the position of the
	// first of the others, or 0.
	ReadThread(ctx context.Context, r Range, ref int64) (messages []Message, next int64, err error)
	// ReadVersions reads a message and its earlier texts, in one step.
	ReadVersions(context.Context, VersionsQuery) (StoredVersions, error)
}

// TargetQuery asks for the message at a position.
type TargetQuery struct {
	Chat   ID
	Ref    int64
	Sender string // whose role and whose reaction is read
	ID     string // of the change
	Digest string // the content behind the ID: no other change has the same text
	Emoji  string // whose Reactors are read, or ""
	Member string // as in Append
	Exists bool   // as in Append
	Speaks bool   // the change is refused for a Member who is muted

	RequestID string // for the audit log
}

// Target is a message that is to be changed.
type Target struct {
	Message Message // SendTime is 0 if there is none at the position
	Stored  string  // names this state of the message for Amend
	Role    Role    // the sender's in the room, or ""
	Now     int64   // the store's clock, in microseconds since 1970
	// Duplicate is the position of an earlier change with the ID, or 0.
	Duplicate int64
	Reactors  Reactors // of the query's emoji
}

// Amendment is a change that is to be stored.
type Amendment struct {
	TargetQuery

	Stored  string  // of the Target
	Message Message // the message after the change
	Role    Role    // that the sender must still have; "" is any
	Entry   Message // of the log
	Shown   Message // the entry as pages show it
	Reacts  bool    // the sender becomes one of the emoji's users
	Retract bool    // the sender is no more one of them
	Forget  bool    // all reactions of the message are removed
	Detach  string  // the attachment that the message has no more, or ""
	Earlier Version // the text that an edit replaces, to be kept; SendTime 0 is none
	Bury    bool    // all earlier texts of the message are removed
}

// ErrAmended: the message was changed after it was read.
var ErrAmended = errors.New("the message was changed meanwhile")

// Resolve fills an entry about a change with the current state of the changed message. found is false if the message is
// gone. Resolve may be called again later for any entry.
func (m *Message) Resolve(of Message, found bool) {
	if !m.NeedsTarget() {
		return
	}
	if m.Notice.Event == MessageEdited {
		m.Text, m.Content, m.Erased = of.Text, of.Content, !found || of.Erased
		if m.Erased {
			m.Text, m.Content = "", nil
		}
	}
	m.State = of.State.clone()
}

// NeedsTarget reports whether Resolve changes the entry.
func (m *Message) NeedsTarget() bool { return m.Notice.IsChange() && m.Notice.Event != MessageDeleted }

func (s *State) isZero() bool {
	return s.Edited == 0 && s.Deleted == 0 && len(s.Reactions) == 0 && s.Replies == 0 && s.LastReply == 0
}

func (s *State) clone() *State {
	if s == nil {
		return nil
	}
	copied := *s
	copied.Reactions = slices.Clone(s.Reactions)
	return &copied
}

// amend returns the amendment of a target by a change that the rules allow. keep says that the text that an edit replaces is
// kept. The Duplicate receipt says that the change is in effect already.
func (c *Change) amend(query TargetQuery, t Target, keep bool) (Amendment, *Receipt) {
	a := Amendment{TargetQuery: query, Stored: t.Stored, Message: t.Message}
	a.Entry = notice(c.Sender, Notice{Event: c.Kind, Ref: c.Ref, Emoji: c.Emoji})
	a.Entry.ID = c.ID
	state := t.Message.State.clone()
	if state == nil {
		state = &State{}
	}
	switch c.Kind {
	case MessageEdited:
		if keep {
			a.Earlier = t.Message.version()
		}
		a.Message.Text, a.Bury = c.Text, !keep
		state.Edited = AtEntry
	case MessageDeleted:
		if state.Deleted > 0 {
			return a, &Receipt{SendTime: state.Deleted, Duplicate: true}
		}
		a.Detach = AttachmentOf(t.Message.Content)
		a.Message.Text, a.Message.Erased, a.Message.Content = "", true, t.Message.Content.Erased()
		state.Deleted, state.Reactions, a.Forget, a.Bury = AtEntry, nil, true, true
	case MessageReacted:
		if t.Reactors.Own {
			return a, &Receipt{SendTime: c.Ref, Duplicate: true}
		}
		state.Reactions, a.Reacts = with(state.Reactions, c.Emoji, c.Sender, t.Reactors), true
	case MessageUnreacted:
		if !t.Reactors.Own {
			return a, &Receipt{SendTime: c.Ref, Duplicate: true}
		}
		state.Reactions, a.Retract = without(state.Reactions, c.Emoji, c.Sender, t.Reactors), true
	}
	if a.Message.State = state; state.isZero() { // as it was sent
		a.Message.State = nil
	}
	a.Shown = a.Entry
	a.Shown.Resolve(a.Message, true)
	return a, nil
}

// AtEntry in an Amendment's State stands for the position of its entry, which the store knows when it stores it.
const AtEntry = MaxCursor

// Erased returns the content that remains of a message without a text: its place in a thread.
func (c *Content) Erased() *Content {
	if c == nil || c.ReplyTo == 0 {
		return nil
	}
	return &Content{ReplyTo: c.ReplyTo}
}

// may returns why a change may not be made, or nil.
func (c *Change) may(t Target, by Caller, window time.Duration) error {
	switch m := t.Message; {
	case m.SendTime == 0:
		return Errorf(NotFound, "there is no message at %d in this chat, or it has expired", c.Ref)
	case m.Notice != nil:
		return Errorf(InvalidArgument, "the entry at %d is a notice, which cannot be changed", c.Ref)
	case c.Kind == MessageDeleted && m.Deleted():
		return nil // it is in effect
	case m.Erased:
		return Errorf(NotFound, "the message at %d was deleted", c.Ref)
	case c.Kind == MessageReacted && !t.Reactors.Own && m.reactions() >= MaxReactions && !m.reactedWith(c.Emoji):
		return Errorf(Conflict, "the message at %d has %d different reactions, which is the limit; use one of them", c.Ref, MaxReactions)
	case c.Kind == MessageReacted || c.Kind == MessageUnreacted:
		return nil
	case c.Kind == MessageDeleted && (t.Role == Admin || by.Service && c.Sender == serviceName(by.User)):
		return nil
	case m.Sender != c.Sender && c.Kind == MessageDeleted:
		return Errorf(PermissionDenied, "the message at %d is %s's; only the sender and an admin of the room may delete it", c.Ref, m.Sender)
	case m.Sender != c.Sender:
		return Errorf(PermissionDenied, "the message at %d is %s's; only the sender may edit it", c.Ref, m.Sender)
	case window == 0:
		return Errorf(PermissionDenied, "this server has no editing: EDIT_WINDOW is 0")
	case t.Now-m.SendTime > window.Microseconds():
		return Errorf(PermissionDenied, "the message at %d is older than %s; it cannot be changed any more", c.Ref, window)
	}
	return nil
}

// Deleted reports whether the message was deleted by itself.
func (m *Message) Deleted() bool { return m.State != nil && m.State.Deleted > 0 }

// Changed reports whether the text differs from the text sent under the message's ID: it was changed, or the entry is a
// change.
func (m *Message) Changed() bool {
	return m.Notice.IsChange() || m.Erased || m.State != nil && m.State.Edited > 0
}

// IsService reports whether an entry is the deletion of a message by a service, which is no user of the chat.
func IsService(m Message) bool {
	return m.Kind() == KindDeletion && (m.Sender == serviceName("") || strings.HasPrefix(m.Sender, serviceName("")+":"))
}
