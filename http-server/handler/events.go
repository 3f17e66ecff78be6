package handler

import (
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/live"
)

// signalEvent is the JSON of a signal event.
type signalEvent struct {
	Chat   string `json:"chat"`
	Sender string `json:"sender"`
	Type   string `json:"type"`
	Data   string `json:"data,omitempty"`
}

// readEvent carries a reader's cursor.
type readEvent struct {
	Chat   string `json:"chat"`
	Reader string `json:"reader"`
	Cursor int64  `json:"cursor"`
}

// deletedEvent says that a room was deleted.
type deletedEvent struct {
	Chat string `json:"chat"`
}

// encodePage returns the JSON of a page, which followers with the same cursor share.
func encodePage(p *live.Page) []byte {
	const about = 160 // bytes of a message of ordinary length
	encoded := make([]byte, 0, 100+about*p.Len())
	encoded = append(entry.AppendString(append(encoded, `{"chat":`...), p.Chat), ',')
	encoded, err := appendPage(encoded, p.Chat, &p.Page)
	if err != nil {
		panic(err) // pages of followers have messages that have been read
	}
	return encoded
}

func encode(body any) []byte {
	encoded, err := fastJSON.Marshal(body)
	if err != nil {
		panic(err) // what is answered can always be encoded
	}
	return encoded
}
