package storage

import (
	"unsafe"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// A log's member is 16 digits of send_time, which make it unique, and a StoredMessage of idl_rpc.thrift in Thrift's
// binary protocol; see docs/adr/0003-encoding.md.
const positionDigits = 16

func encode(m chat.Message) []byte {
	stored := rpc.StoredMessage{Text: m.Text, Sender: m.Sender}
	if m.ID != "" {
		stored.Id = &m.ID
	}
	stored.Notice = wire.Notice(m.Notice)
	if m.Erased {
		stored.Erased = &m.Erased
	}
	buf := make([]byte, stored.BLength())
	return buf[:stored.FastWrite(buf)]
}

// decodeMember reads any string: it returns the message, or an error that says what is wrong.
func decodeMember(member string) (chat.Message, error) {
	return wire.EntryOf(unsafe.Slice(unsafe.StringData(member), len(member))) // which writes nothing
}
