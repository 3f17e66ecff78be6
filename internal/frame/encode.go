package frame

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/live"
)

// head is the beginning of every frame of the server.
type head struct {
	Type  string `json:"type"`
	Ref   string `json:"ref,omitempty"`
	Chat  string `json:"chat,omitempty"`
	Inbox bool   `json:"inbox,omitempty"` // of watching and unwatched
}

// The frames of the server, but for those that are a head only.
type (
	sent struct {
		head
		SendTime  int64 `json:"send_time"`
		Duplicate bool  `json:"duplicate,omitempty"`
	}
	read struct {
		head
		Reader string `json:"reader"`
		Cursor int64  `json:"cursor"`
	}
	signalled struct {
		head
		Sender string `json:"sender"`
		Signal string `json:"signal"`
		Data   string `json:"data,omitempty"`
	}
	present struct {
		head
		Readers []string `json:"readers"`
		Count   int64    `json:"count"`
	}
	refused struct {
		head
		Code    chat.Code `json:"code"`
		Message string    `json:"message"`
		// RetryAfter is in seconds; 0 if another try is of no use.
		RetryAfter int `json:"retry_after,omitempty"`
	}
)

// Reply returns the frame of a reply. A page with a damaged entry becomes the frame of its error.
func Reply(r command.Reply) []byte {
	of := head{Type: string(r.Type), Ref: r.Ref, Chat: r.Chat, Inbox: r.Inbox}
	switch r.Type {
	case command.Sent:
		return jsonobject.Encode(sent{of, r.Receipt.SendTime, r.Receipt.Duplicate})
	case command.ReadUpTo, command.DeliveredUpTo:
		return jsonobject.Encode(read{of, r.Reading.Reader, r.Reading.Cursor})
	case command.Refused:
		return refusal(of, r.Err)
	case command.Page:
		encoded := jsonobject.Encode(of)
		encoded[len(encoded)-1] = ',' // instead of its end
		encoded, err := entry.AppendPage(encoded, r.Chat, r.Page)
		if err != nil {
			return Reply(command.Refuse(r.Ref, err))
		}
		return encoded
	}
	return jsonobject.Encode(of)
}

// Refusal returns the frame that says why a chat is not followed any more, or with an empty name why the session ends.
func Refusal(name string, err error) []byte {
	return refusal(head{Type: string(command.Refused), Chat: name}, err)
}

func refusal(of head, err error) []byte {
	e := chat.AsError(err)
	return jsonobject.Encode(refused{of, e.Code, e.Message, chat.RetryAfterOrSoon(err)})
}

// Event returns the frame of a signal, of a reader's movement, of a delivery or of a deleted room. It returns nil for
// other events. name is the client's name for the chat.
func Event(name string, e chat.Event) []byte {
	switch e.Kind {
	case chat.Signalled:
		return jsonobject.Encode(signalled{head{Type: "signal", Chat: name}, e.Signal.Sender, e.Signal.Type, e.Signal.Data})
	case chat.Moved:
		return jsonobject.Encode(read{head{Type: "read", Chat: name}, e.Reading.Reader, e.Reading.Cursor})
	case chat.Received:
		return jsonobject.Encode(read{head{Type: "delivered", Chat: name}, e.Reading.Reader, e.Reading.Cursor})
	case chat.RoomGone:
		return jsonobject.Encode(head{Type: "deleted", Chat: name})
	}
	return nil
}

// Presence returns the frame with the present readers of a chat.
func Presence(name string, p *live.Present) []byte {
	return jsonobject.Encode(present{head{Type: "presence", Chat: name}, live.Listed(p.Readers), int64(len(p.Readers))})
}

// Messages returns the frame of a page.
func Messages(page *live.Page, title chat.Title) []byte {
	const start = `{"type":"messages",`
	encoded := page.Encoded(EncodePage)
	frame := make([]byte, 0, len(start)+len(encoded)-1)
	frame = AppendTitle(append(frame, start...), title)
	return append(frame, encoded[1:]...)
}

// EncodePage returns the JSON of a page, which followers with the same cursor share.
func EncodePage(p *live.Page) []byte {
	const about = 160 // bytes of a message of ordinary length
	encoded := make([]byte, 0, 100+about*p.Len())
	encoded = append(entry.AppendString(append(encoded, `{"chat":`...), p.Chat), ',')
	encoded, err := entry.AppendPage(encoded, p.Chat, &p.Page)
	if err != nil {
		panic(err) // pages of followers have messages that have been read
	}
	return encoded
}

// AppendTitle appends the fields that name an inbox's chat for people, each with a comma behind it. Others have none.
func AppendTitle(to []byte, title chat.Title) []byte {
	if title.Name != "" {
		to = append(entry.AppendString(append(to, `"name":`...), title.Name), ',')
	}
	for i, u := range title.Users {
		start := `,{"user":`
		if i == 0 {
			start = `"users":[{"user":`
		}
		to = entry.AppendString(append(to, start...), u.User)
		to = append(entry.AppendString(append(to, `,"name":`...), u.Name), '}')
	}
	if len(title.Users) > 0 {
		to = append(to, "],"...)
	}
	return to
}
