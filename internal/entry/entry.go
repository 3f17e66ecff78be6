// Package entry is the only Go code that knows the stored form of a message. (scripts/entry.lua of the storage reads
// its head.)
//
// A member of a log is 16 digits of the position, which make it unique, and a StoredMessage of idl_rpc.thrift in
// Thrift's binary protocol. Fields have a fixed order: Sender, Kind, optional fields, Text. Sender and Kind are the
// head, which can be read alone. Entries of older servers have another order and no Kind; any order is read. See
// docs/adr/0003-encoding.md.
package entry

import (
	"encoding/binary"

	"github.com/pullchat/pullchat/internal/chat"
)

// PositionDigits is the number of digits of the position that begins a member.
const PositionDigits = 16

// The fields of StoredMessage and Notice.
const (
	textField   = 1
	senderField = 2
	idField     = 3
	noticeField = 4
	erasedField = 5
	kindField   = 6

	replyToField     = 7
	mentionsField    = 8
	contentTypeField = 9
	bodyField        = 10
	metadataField    = 11
	editedField      = 12
	deletedField     = 13
	reactionsField   = 14
	repliesField     = 15
	lastReplyField   = 16

	eventField       = 1
	usersField       = 2
	nameField        = 3
	refField         = 4
	noticeEmojiField = 5
)

// Thrift's type codes, which precede each field.
const (
	stop       = 0
	boolType   = 2
	byteType   = 3
	doubleType = 4
	i16Type    = 6
	i32Type    = 8
	i64Type    = 10
	stringType = 11
	structType = 12
	mapType    = 13
	setType    = 14
	listType   = 15
)

const (
	fieldBytes  = 1 + 2              // type and number
	stringBytes = fieldBytes + 4     // and length
	listBytes   = fieldBytes + 1 + 4 // and the elements' type, and how many there are
)

// Encode returns the stored form of a message without the position.
func Encode(m chat.Message) []byte { return Append(make([]byte, 0, size(&m)), m) }

// Append appends the stored form of a message without the position.
func Append(dst []byte, m chat.Message) []byte {
	dst = appendString(dst, senderField, m.Sender)
	dst = append(dst, byteType, 0, kindField, byte(m.Kind()))
	if m.ID != "" {
		dst = appendString(dst, idField, m.ID)
	}
	if m.Notice != nil {
		dst = appendNotice(dst, m.Notice)
	}
	if m.Erased {
		dst = append(dst, boolType, 0, erasedField, 1)
	}
	if m.Content != nil {
		dst = appendContent(dst, m.Content)
	}
	if m.State != nil {
		dst = appendState(dst, m.State)
	}
	dst = appendString(dst, textField, m.Text)
	return append(dst, stop)
}

// AppendMember appends a whole member of a log: SendTime as the position, then the message.
func AppendMember(dst []byte, m chat.Message) []byte {
	at := len(dst)
	dst = append(dst, "0000000000000000"...)
	for i, rest := at+PositionDigits-1, m.SendTime; rest > 0 && i >= at; i, rest = i-1, rest/10 {
		dst[i] = byte('0' + rest%10)
	}
	return Append(dst, m)
}

func appendNotice(dst []byte, n *chat.Notice) []byte {
	dst = append(dst, structType, 0, noticeField)
	dst = appendString(dst, eventField, string(n.Event))
	if n.Users != nil {
		dst = appendStrings(dst, usersField, n.Users)
	}
	if n.Name != "" {
		dst = appendString(dst, nameField, n.Name)
	}
	dst = appendNumber(dst, refField, n.Ref)
	if n.Emoji != "" {
		dst = appendString(dst, noticeEmojiField, n.Emoji)
	}
	return append(dst, stop)
}

func appendString(dst []byte, field byte, text string) []byte {
	dst = append(dst, stringType, 0, field)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}

// size is the number of bytes that Append appends.
func size(m *chat.Message) int {
	n := stringBytes + len(m.Sender) + fieldBytes + 1 + stringBytes + len(m.Text) + 1
	if m.ID != "" {
		n += stringBytes + len(m.ID)
	}
	if m.Erased {
		n += fieldBytes + 1
	}
	n += contentSize(m.Content) + stateSize(m.State)
	if m.Notice == nil {
		return n
	}
	n += fieldBytes + stringBytes + len(m.Notice.Event) + 1 + numberSize(m.Notice.Ref)
	if m.Notice.Users != nil {
		n += stringsSize(m.Notice.Users)
	}
	return n + optionalSize(m.Notice.Name) + optionalSize(m.Notice.Emoji)
}
