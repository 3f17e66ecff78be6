package handler

import (
	"slices"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// frame is what a client sends over a WebSocket. docs/live.md says which type has which fields.
type frame struct {
	Type     string `json:"type"`
	Ref      string `json:"ref"`
	Chat     string `json:"chat"`
	Inbox    bool   `json:"inbox"`
	Cursor   *place `json:"cursor"`
	Force    bool   `json:"force"`
	Limit    int64  `json:"limit"`
	Reverse  bool   `json:"reverse"`
	Reader   string `json:"reader"`
	Unread   bool   `json:"unread"`
	Presence *bool  `json:"presence"`
	Batch    string `json:"batch"`
	Text     string `json:"text"`
	Sender   string `json:"sender"`
	ID       string `json:"id"`
	Signal   string `json:"signal"`
	Data     string `json:"data"`
	Token    string `json:"token"`

	seen uint32 // the fields that were there, where they were read the short way: a bit for each of frameNames
}

// frameNames are the fields in readHot's order.
var frameNames = []string{
	"type", "ref", "chat", "text", "sender", "id", "cursor", "limit", "reader", "inbox", "presence", "reverse", "unread", "batch",
	"signal", "data", "force", "token",
}

// changing are the fields of the types of frames that change something.
var changing = map[string]frameFields{
	"send":   newFrameFields("chat", "text", "sender", "id"),
	"read":   newFrameFields("chat", "reader", "cursor", "force"),
	"signal": newFrameFields("chat", "sender", "signal", "data"),
}

type frameFields struct {
	names []string
	bits  uint32
}

func newFrameFields(names ...string) frameFields {
	f := frameFields{names: append(names, "type", "ref")}
	for _, name := range f.names {
		f.bits |= 1 << slices.Index(frameNames, name)
	}
	return f
}

// checkFrame refuses fields that a frame of this type does not have, if it changes something.
func checkFrame(text []byte, f *frame) error {
	known, changes := changing[f.Type]
	if !changes || f.seen != 0 && f.seen&^known.bits == 0 {
		return nil
	}
	return checkFields(text, known.names)
}

// cursor is 0 where none is given.
func (f frame) cursor() int64 { return f.Cursor.orZero().position }

// maxRef is the longest ref, in bytes.
const maxRef = 64

func readFrame(text []byte) (frame, error) {
	var f frame
	err := decodeJSON(text, &f)
	if err != nil {
		err = chat.Errorf(chat.InvalidArgument, "%s", strings.Replace(chat.AsError(err).Message, "the body is", "the frame is", 1))
	}
	if err == nil && f.Cursor.orZero().end && f.Type != "read" {
		err = wrongType("cursor", typeNames["int64"])
	}
	if err == nil {
		err = checkFrame(text, &f)
	}
	if err == nil && len(f.Ref) > maxRef {
		err = chat.Errorf(chat.InvalidArgument, "ref is %d bytes; the limit is %d", len(f.Ref), maxRef)
		f.Ref = ""
	}
	return f, err
}

// head is what every frame of the server begins with.
type head struct {
	Type  string `json:"type"`
	Ref   string `json:"ref,omitempty"`
	Chat  string `json:"chat,omitempty"`
	Inbox bool   `json:"inbox,omitempty"` // of watching and unwatched
}

// The frames of the server, but for those that are a head only.
type (
	sentFrame struct {
		head
		SendTime  int64 `json:"send_time"`
		Duplicate bool  `json:"duplicate,omitempty"`
	}
	readFrameOut struct {
		head
		Reader string `json:"reader"`
		Cursor int64  `json:"cursor"`
	}
	signalFrame struct {
		head
		Sender string `json:"sender"`
		Signal string `json:"signal"`
		Data   string `json:"data,omitempty"`
	}
	presenceFrame struct {
		head
		Readers []string `json:"readers"`
		Count   int64    `json:"count"`
	}
	errorFrame struct {
		head
		Code    chat.Code `json:"code"`
		Message string    `json:"message"`
		// RetryAfter is in seconds; 0 if another try is of no use.
		RetryAfter int `json:"retry_after,omitempty"`
	}
)

// encoded is a frame that is JSON already.
type encoded []byte

func refusal(ref, name string, err error) errorFrame {
	e := chat.AsError(err)
	return errorFrame{head: head{Type: "error", Ref: ref, Chat: name}, Code: e.Code, Message: e.Message, RetryAfter: retryAfter(err)}
}
