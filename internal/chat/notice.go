package chat

import (
	"slices"
	"strings"
)

// Notice is what makes a message one that tells of a change of its room: nobody wrote it. Its sender is who made the
// change, "service:NAME" for a service that acts for nobody, and its text says it in words, for those who know nothing of notices.
type Notice struct {
	Event NoticeEvent
	Users []string // whom it is about
	Name  string   // the room's new one
}

// NoticeEvent says what has changed.
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
	HandedOver     NoticeEvent = "handed_over" // to the longest-standing member, because no admin is left
	RoomRenamed    NoticeEvent = "renamed"
	RoomOpened     NoticeEvent = "opened" // is public now
	RoomClosed     NoticeEvent = "closed" // is private now
)

// MayRevoke says of a message whether it may have ended a user's right to be in its room.
func (m *Message) MayRevoke(user string) bool {
	if m.Notice == nil {
		return false
	}
	switch m.Notice.Event {
	case RoomCreated, RoomClosed: // before it was created, anybody could be in it
		return true
	case MemberLeft, MemberRemoved:
		return slices.Contains(m.Notice.Users, user)
	}
	return false
}

// notice makes the message that tells of a change.
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
	case RoomOpened:
		text = sender + " made this room public"
	case RoomClosed:
		text = sender + " made this room private"
	}
	return Message{Text: text, Sender: sender, Notice: &n}
}
