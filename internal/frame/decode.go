// Package frame is the JSON of the frames of live delivery, which docs/live.md describes: the commands of clients, and the
// replies, pages and events of the server. Each frame is one object. It knows no transport.
package frame

import (
	"encoding/json"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// asked is a client's frame.
type asked struct {
	Type     string             `json:"type"`
	Ref      string             `json:"ref"`
	Chat     string             `json:"chat"`
	Inbox    bool               `json:"inbox"`
	Cursor   *jsonobject.Cursor `json:"cursor"`
	Force    bool               `json:"force"`
	Limit    int64              `json:"limit"`
	Reverse  bool               `json:"reverse"`
	Reader   string             `json:"reader"`
	Unread   bool               `json:"unread"`
	Presence *bool              `json:"presence"`
	Batch    string             `json:"batch"`
	Text     string             `json:"text"`
	Sender   string             `json:"sender"`
	ID       string             `json:"id"`
	Signal   string             `json:"signal"`
	Data     string             `json:"data"`
	Token    string             `json:"token"`

	ReplyTo     int64           `json:"reply_to"`
	Mentions    []string        `json:"mentions"`
	ContentType string          `json:"content_type"`
	Body        json.RawMessage `json:"body"`
	Metadata    json.RawMessage `json:"metadata"`
}

// names are the fields in the order of readShort.
var names = []string{
	"type", "ref", "chat", "text", "sender", "id", "cursor", "limit", "reader", "inbox", "presence", "reverse", "unread", "batch",
	"signal", "data", "force", "token", "reply_to", "mentions", "content_type", "body", "metadata",
}

// readShort reads a plain frame. seen has a bit for each of names that is there.
func readShort(text []byte, f *asked) (seen uint32, ok bool) {
	return jsonobject.ReadFlat(text, []jsonobject.Field{
		{Name: "type", Text: &f.Type},
		{Name: "ref", Text: &f.Ref},
		{Name: "chat", Text: &f.Chat},
		{Name: "text", Text: &f.Text},
		{Name: "sender", Text: &f.Sender},
		{Name: "id", Text: &f.ID},
		{Name: "cursor", CursorIfAny: &f.Cursor},
		{Name: "limit", Number: &f.Limit},
		{Name: "reader", Text: &f.Reader},
		{Name: "inbox", Flag: &f.Inbox},
		{Name: "presence", FlagIfAny: &f.Presence},
		{Name: "reverse", Flag: &f.Reverse},
		{Name: "unread", Flag: &f.Unread},
		{Name: "batch", Text: &f.Batch},
		{Name: "signal", Text: &f.Signal},
		{Name: "data", Text: &f.Data},
		{Name: "force", Flag: &f.Force},
		{Name: "token", Text: &f.Token},
		{Name: "reply_to", Number: &f.ReplyTo},
		{Name: "mentions", List: &f.Mentions},
		{Name: "content_type", Text: &f.ContentType},
		{Name: "body", Object: &f.Body},
		{Name: "metadata", Object: &f.Metadata},
	})
}

// changing are the fields of the frames that change something.
var changing = map[string]fields{
	command.Send:      newFields("chat", "text", "sender", "id", "reply_to", "mentions", "content_type", "body", "metadata"),
	command.Read:      newFields("chat", "reader", "cursor", "force"),
	command.Signal:    newFields("chat", "sender", "signal", "data"),
	command.Delivered: newFields("chat", "reader", "cursor"),
}

type fields struct {
	names []string
	bits  uint32 // those of names
}

func newFields(of ...string) fields {
	f := fields{names: append(of, "type", "ref")}
	for _, name := range f.names {
		f.bits |= 1 << slices.Index(names, name)
	}
	return f
}

// checkFields refuses fields that a frame of this type does not have, if it changes something.
func checkFields(text []byte, kind string, seen uint32) error {
	known, changes := changing[kind]
	if !changes || seen != 0 && seen&^known.bits == 0 {
		return nil
	}
	return jsonobject.CheckFields(text, known.names)
}

// maxRef is the longest ref, in bytes.
const maxRef = 64

// Decode reads a client's frame. With an error the request has a Ref if the frame has a good one.
func Decode(text []byte) (command.Request, error) {
	var f asked
	seen, short := readShort(text, &f)
	var err error
	if !short {
		err = jsonobject.Decode("frame", text, &f)
	}
	if err == nil && f.Cursor.OrZero().End && f.Type != command.Read {
		err = jsonobject.WrongType("cursor", jsonobject.WholeNumber)
	}
	if err == nil {
		err = checkFields(text, f.Type, seen)
	}
	if err == nil && len(f.Ref) > maxRef {
		err = chat.Errorf(chat.InvalidArgument, "ref is %d bytes; the limit is %d", len(f.Ref), maxRef)
		f.Ref = ""
	}
	return f.request(), err
}

func (f *asked) request() command.Request {
	at := f.Cursor.OrZero()
	return command.Request{
		Name: f.Type, Ref: f.Ref, Chat: f.Chat, Inbox: f.Inbox,
		Cursor: at.Position, FromCursor: f.Cursor != nil, FromEnd: at.End, Force: f.Force,
		Limit: f.Limit, Reverse: f.Reverse, Reader: f.Reader, Unread: f.Unread, Presence: f.Presence, Batch: f.Batch,
		Text: f.Text, Sender: f.Sender, ID: f.ID, Signal: f.Signal, Data: f.Data, Token: f.Token,
		ReplyTo: f.ReplyTo, Mentions: f.Mentions, ContentType: f.ContentType, Body: object(f.Body), Metadata: object(f.Metadata),
	}
}

// object returns "" for null.
func object(raw json.RawMessage) chat.Object {
	if string(raw) == "null" {
		return ""
	}
	return chat.Object(raw)
}
