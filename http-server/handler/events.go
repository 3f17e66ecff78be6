package handler

import (
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/live"
)

// signalEvent is a signal as followers get it.
type signalEvent struct {
	Chat   string `json:"chat"`
	Sender string `json:"sender"`
	Type   string `json:"type"`
	Data   string `json:"data,omitempty"`
}

// readEvent says how far a reader has read.
type readEvent struct {
	Chat   string `json:"chat"`
	Reader string `json:"reader"`
	Cursor int64  `json:"cursor"`
}

// deletedEvent says that a room is no more.
type deletedEvent struct {
	Chat string `json:"chat"`
}

// encodePage makes the page that all followers at one place share.
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
