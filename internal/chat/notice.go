package chat

import (
	"slices"
	"strings"
)

// Notice marks a message that the server wrote about a change of its room. The message's sender made the change;
// "service:NAME" is a service that acts for no user. The message's text describes the change, for clients that do not know
// notices. An entry about a change of an earlier message is a notice too, so that such clients see it as one.
type Notice struct {
	Event NoticeEvent
	Users []string // the users that the change affects
	Name  string   // the room's new one, or its new retention

	Ref   int64  // of a change of a message, and of a pin: the message's position
	Emoji string // of a reaction
}

// NoticeEvent is the kind of a change.
type NoticeEvent string

// The events of notices.
const (
	RoomCreated    NoticeEvent = "created"     // Users are its members beside the sender
	MemberJoined   NoticeEvent = "joined"      // Users is the sender
	MemberLeft     NoticeEvent = "left"        // Users is the sender
	MemberAdded    NoticeEvent = "added"       // by the sender
	MemberRemoved  NoticeEvent = "removed"     // by the sender
	MemberPromoted NoticeEvent = "promoted"    // to an admin
	MemberDemoted  NoticeEvent = "demoted"     // from an admin
	HandedOver     NoticeEvent = "handed_over" // the member of the oldest membership becomes admin, because no admin is left
	RoomRenamed    NoticeEvent = "renamed"
	RoomOpened     NoticeEvent = "opened" // is public now
	RoomClosed     NoticeEvent = "closed" // is private now

	RetentionChanged NoticeEvent = "retention" // Name is the new one, "" the server's

	UserBanned      NoticeEvent = "banned" // the text has the end, as RFC 3339 has it
	UserUnbanned    NoticeEvent = "unbanned"
	MemberMuted     NoticeEvent = "muted" // the same
	MemberUnmuted   NoticeEvent = "unmuted"
	SlowModeChanged NoticeEvent = "slow_mode" // the text has the new pause
	AnnounceBegun   NoticeEvent = "announce"  // only admins send now
	AnnounceEnded   NoticeEvent = "discuss"   // all members send now
	MessagePinned   NoticeEvent = "pinned"    // Ref is the message
	MessageUnpinned NoticeEvent = "unpinned"  // Ref is the message
)

// The events of changes of messages.
const (
	MessageEdited    NoticeEvent = "edit" // pages show the message's current text as the entry's
	MessageDeleted   NoticeEvent = "delete"
	MessageReacted   NoticeEvent = "react" // pages show the message's current reactions as the entry's
	MessageUnreacted NoticeEvent = "unreact"
)

// IsChange reports whether the notice is about an earlier message.
func (n *Notice) IsChange() bool { return n != nil && n.kind().IsChange() }

func (n *Notice) kind() Kind {
	switch n.Event {
	case MessageEdited, MessageReacted, MessageUnreacted:
		return KindChange
	case MessageDeleted:
		return KindDeletion
	}
	return KindNotice
}

// MayRevoke reports whether the message may have ended a user's access to its room.
func (m *Message) MayRevoke(user string) bool {
	if m.Notice == nil {
		return false
	}
	switch m.Notice.Event {
	case RoomCreated, RoomClosed: // before its creation, the room was open to all
		return true
	case MemberLeft, MemberRemoved, UserBanned:
		return slices.Contains(m.Notice.Users, user)
	}
	return false
}

// notice returns the message about a change.
func notice(sender string, n Notice) Message {
	users := strings.Join(n.Users, ", ")
	var text string
	switch n.Event {
	case RoomCreated:
		if text = sender + " made this room"; users != "" {
			text += " with " + users
		}
	case MemberJoined:
		text = users + " joined"
	case MemberLeft:
		text = users + " left"
	case MemberAdded:
		text = sender + " added " + users
	case MemberRemoved:
		text = sender + " removed " + users
	case MemberPromoted:
		text = sender + " made " + users + " admin"
	case MemberDemoted:
		text = sender + " made " + users + " a member like others"
	case HandedOver:
		text = users + " is admin now"
	case RoomRenamed:
		if text = sender + " named this room " + n.Name; n.Name == "" {
			text = sender + " took this room's name away"
		}
	case RetentionChanged:
		if text = sender + " has this room's messages kept for " + n.Name; n.Name == "" {
			text = sender + " has this room's messages kept as long as others"
		}
	case UserBanned:
		text = sender + " banned " + users + end(n.Name)
	case UserUnbanned:
		text = sender + " lifted the ban of " + users
	case MemberMuted:
		text = sender + " muted " + users + end(n.Name)
	case MemberUnmuted:
		text = sender + " lifted the mute of " + users
	case SlowModeChanged:
		if text = sender + " set slow mode: a message in " + n.Name; n.Name == "" {
			text = sender + " ended slow mode"
		}
	case AnnounceBegun:
		text = sender + " made this a room for announcements: only admins send"
	case AnnounceEnded:
		text = sender + " lets all members send"
	case MessagePinned:
		text = sender + " pinned a message"
	case MessageUnpinned:
		text = sender + " unpinned a message"
	case MessageEdited:
		text = sender + " edited a message"
	case MessageDeleted:
		text = sender + " deleted a message"
	case MessageReacted:
		text = sender + " reacted with " + n.Emoji
	case MessageUnreacted:
		text = sender + " took back the reaction " + n.Emoji
	case RoomOpened:
		text = sender + " made this room public"
	case RoomClosed:
		text = sender + " made this room private"
	}
	return Message{Text: text, Sender: sender, Notice: &n}
}

// end returns the end of a restraint for the end of a sentence.
func end(until string) string {
	if until == "" {
		return ""
	}
	return " until " + until
}
