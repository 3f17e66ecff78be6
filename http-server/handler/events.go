package handler

import (
	"github.com/pullchat/pullchat/http-server/live"
	api "github.com/pullchat/pullchat/internal/gen/http"
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

// encodePage makes the page that all followers at one place share.
func encodePage(p *live.Page) []byte {
	messages := pullResponse(p.Page).Messages
	return encode(&api.ChatPage{Chat: p.Chat, Messages: messages, HasMore: p.HasMore, NextCursor: p.NextCursor})
}

func encode(body any) []byte {
	encoded, err := fastJSON.Marshal(body)
	if err != nil {
		panic(err) // what is answered can always be encoded
	}
	return encoded
}
