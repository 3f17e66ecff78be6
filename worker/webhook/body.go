package webhook

import (
	"strconv"
	"time"

	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/projection"
)

// The types of events, as a receiver gets them.
const (
	typeMessage = "message" // data is a message
	typeNotice  = "notice"  // data is a notice
	typeBurst   = "burst"   // data has messages, oldest first
)

// encode returns the body of an event, in the form that Standard Webhooks recommends: type, timestamp and data. Messages are
// the objects that a pull returns.
func encode(e projection.Event, bursts bool) []byte {
	kind, last := typeMessage, e.Last()
	switch {
	case last.Notice.IsChange():
		kind = string(last.Notice.Event) // edit, delete, react, unreact
	case last.Notice != nil:
		kind = typeNotice
	case bursts:
		kind = typeBurst
	}
	body := append([]byte(`{"type":"`), kind...)
	body = append(body, `","timestamp":"`...)
	body = time.UnixMicro(last.SendTime).UTC().AppendFormat(body, "2006-01-02T15:04:05.000000Z")
	body = append(body, `","data":`...)
	if kind != typeBurst { // with a change, data is its entry, whose ref is the message's position
		return append(entry.AppendMessageJSON(body, &last), '}')
	}
	body = entry.AppendString(append(body, `{"chat":`...), e.Chat)
	body = entry.AppendString(append(body, `,"sender":`...), last.Sender)
	body = append(body, `,"send_time":`...)
	body = strconv.AppendInt(body, last.SendTime, 10)
	body = append(body, `,"messages":[`...)
	for i := range e.Messages {
		if i > 0 {
			body = append(body, ',')
		}
		body = entry.AppendMessageJSON(body, &e.Messages[i])
	}
	return append(body, `]}}`...)
}
