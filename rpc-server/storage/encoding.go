package storage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unsafe"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// A log's member is 16 digits of send_time, which make it unique, and a StoredMessage of idl_rpc.thrift in Thrift's
// binary protocol; see docs/adr/0003-encoding.md.
const positionDigits = 16

func encode(m chat.Message) []byte { return appendEncoded(nil, m) }

// appendEncoded appends a stored message, without its position.
func appendEncoded(b []byte, m chat.Message) []byte {
	stored := rpc.StoredMessage{Text: m.Text, Sender: m.Sender}
	if m.ID != "" {
		stored.Id = &m.ID
	}
	stored.Notice = wire.Notice(m.Notice)
	if m.Erased {
		stored.Erased = &m.Erased
	}
	from := len(b)
	b = slices.Grow(b, stored.BLength())
	b = b[:cap(b)]
	return b[:from+stored.FastWrite(b[from:])]
}

// decodeMember reads any string: it returns the message, or an error that says what is wrong.
func decodeMember(member string) (message chat.Message, err error) {
	defer func() { // the Thrift library indexes a table with the types of fields that it skips, whatever they are
		if cause := recover(); cause != nil {
			err = fmt.Errorf("stored message: %v", cause)
		}
	}()
	if len(member) < positionDigits {
		return chat.Message{}, fmt.Errorf("stored message is %d bytes, too short", len(member))
	}
	digits, rest := member[:positionDigits], member[positionDigits:]
	encoded := unsafe.Slice(unsafe.StringData(rest), len(rest)) // FastRead copies what it keeps and writes nothing
	position, err := strconv.ParseUint(digits, 10, 53)
	if err != nil {
		return chat.Message{}, fmt.Errorf("stored message's position %q: %w", digits, errors.Unwrap(err))
	}
	var stored rpc.StoredMessage
	switch n, err := stored.FastRead(encoded); {
	case err != nil:
		return chat.Message{}, fmt.Errorf("stored message at %d: %w", position, err)
	case n != len(encoded):
		return chat.Message{}, fmt.Errorf("stored message at %d: %d bytes too many", position, len(encoded)-n)
	}
	return chat.Message{
		SendTime: int64(position), Text: stored.Text, Sender: stored.Sender, ID: stored.GetId(),
		Notice: wire.NoticeOf(stored.Notice), Erased: stored.GetErased(),
	}, nil
}
