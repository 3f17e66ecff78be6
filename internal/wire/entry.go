package wire

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// entryDigits is how many digits of its position an entry of a log begins with.
const entryDigits = 16

// EntryOf reads an entry as it lies in a chat's log; see docs/adr/0003-encoding.md. It reads any bytes, and keeps none of
// them: it returns the message, without its Chat, or an error that says what is wrong.
func EntryOf(entry []byte) (message chat.Message, err error) {
	defer func() { // the Thrift library indexes a table with the types of fields that it skips, whatever they are
		if cause := recover(); cause != nil {
			err = fmt.Errorf("stored message: %v", cause)
		}
	}()
	if len(entry) < entryDigits {
		return chat.Message{}, fmt.Errorf("stored message is %d bytes, too short", len(entry))
	}
	digits, encoded := unsafe.String(unsafe.SliceData(entry), entryDigits), entry[entryDigits:]
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
		Notice: NoticeOf(stored.Notice), Erased: stored.GetErased(),
	}, nil
}
