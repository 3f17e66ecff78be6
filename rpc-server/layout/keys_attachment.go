package layout

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// The keys of attachments. Those of a chat lie in its partition, so that a send may take one, and a deletion give one up.
//
//	key                        type        content
//	                                       written by; expires
//	im:{p}:attachments:<chat>  hash        attachment → see FormatAttachment
//	                                       attach.lua, state.lua, append_checked.lua; never expires; removed with its
//	                                       last attachment
//	im:{p}:lookat              sorted set  when to look at it, in µs → "<chat> <attachment>", or "<chat> " for all
//	                                       attachments of the chat
//	                                       attach.lua, due.lua, amend.lua, room.lua, Store; never expires
//	im:u:{<user>}:files        hash        attachment → "bytes chat"; "" → the sum of the bytes
//	                                       charge.lua, uncharge.lua; never expires; removed with the account

// Attachments is the key of a chat's attachments.
func (k Keys) Attachments(id chat.ID) string {
	return k.Partition(id) + ":" + AttachmentsKey + ":" + id.String()
}

// LookAt is the key of when the attachments of a partition are to be looked at; tag is the partition's.
func (k Keys) LookAt(tag string) string { return tag + ":" + LookAtKey }

// Files is the key of a user's files.
func (k Keys) Files(user string) string { return k.User(user) + ":" + FilesKey }

// Kinds of keys of attachments, as KeyName has them.
const (
	AttachmentsKey = "attachments"
	LookAtKey      = "lookat"
	FilesKey       = "files"
)

// FilesTotal is the field of the sum of a user's files. No attachment has this id.
const FilesTotal = ""

// attachmentStates are the first letters of values. append_checked.lua and state.lua know them.
var attachmentStates = map[chat.AttachmentState]string{
	chat.AttachmentPending: "p", chat.AttachmentConfirmed: "c", chat.AttachmentSent: "s", chat.AttachmentDeleted: "d",
}

// AttachmentLetter is how a state is stored.
func AttachmentLetter(state chat.AttachmentState) string { return attachmentStates[state] }

type attachment struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Type    string `json:"type"`
	SHA256  string `json:"sha256,omitempty"`
	Created int64  `json:"created"`
}

// FormatAttachment is the stored form: the letter of the state, 16 digits of the message's position, the sender, and JSON.
func FormatAttachment(a chat.Attachment) string {
	return fmt.Sprintf("%s %0*d %s %s", attachmentStates[a.State], PositionDigits, a.SendTime, a.Sender,
		marshal(attachment{a.Name, a.Bytes, a.Type, a.SHA256, a.Created}))
}

// ParseAttachment reads an attachment of a chat; false for a malformed one.
func ParseAttachment(id, value string) (chat.Attachment, bool) {
	parts := strings.SplitN(value, " ", 4)
	var stored attachment
	if len(parts) != 4 || len(parts[1]) != PositionDigits || json.Unmarshal([]byte(parts[3]), &stored) != nil {
		return chat.Attachment{}, false
	}
	position, err := strconv.ParseInt(parts[1], 10, 64)
	a := chat.Attachment{
		ID: id, Sender: parts[2], Name: stored.Name, Bytes: stored.Bytes, Type: stored.Type, SHA256: stored.SHA256, Created: stored.Created, SendTime: position,
	}
	for state, letter := range attachmentStates {
		if letter == parts[0] {
			a.State = state
		}
	}
	return a, err == nil && position >= 0 && a.State != "" && a.Sender != "" && stored.Bytes > 0 && (position > 0 || a.State != chat.AttachmentSent)
}

// AttachmentEntry is how LookAt names an attachment.
func AttachmentEntry(ref chat.AttachmentRef) string { return ref.Chat.String() + " " + ref.ID }

// ParseAttachmentEntry is the reverse of AttachmentEntry.
func ParseAttachmentEntry(entry string) (chat.AttachmentRef, bool) {
	name, id, found := strings.Cut(entry, " ")
	parsed, err := chat.ParseID(name)
	return chat.AttachmentRef{Chat: parsed, ID: id}, found && err == nil && parsed.String() == name
}

// FileEntry is the value of a user's file.
func FileEntry(bytes int64, id chat.ID) string {
	return strconv.FormatInt(bytes, 10) + " " + id.String()
}

// ParseFileEntry is the reverse of FileEntry.
func ParseFileEntry(value string) (bytes int64, id chat.ID, ok bool) {
	size, name, found := strings.Cut(value, " ")
	bytes, err := strconv.ParseInt(size, 10, 64)
	id, wrong := chat.ParseID(name)
	return bytes, id, found && err == nil && wrong == nil && bytes > 0
}
