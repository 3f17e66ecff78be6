package handler

import (
	"fmt"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/live"
	"github.com/pullchat/pullchat/internal/chat"
)

const lastEventID = "Last-Event-ID"

// maxInboxID is how many bytes of an event id the chats of an inbox take, as it is written into a URL. Twice this fits
// into a request beside all else: whoever has opened a stream with last_event_id sends the header too when it breaks.
const maxInboxID = 6 << 10

// eventID is where the client stands in the chats of its stream: "alice:bob=17952;room=17953". The first are chats that
// it has named; of the others, which are an inbox's, those that moved last are the last, and as many are in it as fit.
func eventID(positions []live.Position, chats int) string {
	chats = min(chats, len(positions))
	first, size := len(positions), 0
	for first > chats {
		if size += escapedBytes(positions[first-1]); size > maxInboxID {
			break
		}
		first--
	}
	var id strings.Builder
	for i, p := range positions {
		if i >= chats && i < first {
			continue
		}
		if id.Len() > 0 {
			id.WriteByte(';')
		}
		fmt.Fprintf(&id, "%s=%d", p.Chat, p.Cursor)
	}
	return id.String()
}

// escapedBytes is how long a position of an event id can be in a URL.
func escapedBytes(p live.Position) int {
	const cursor = len("%3B%3D9007199254740991")
	bytes := cursor
	for i := range len(p.Chat) {
		switch c := p.Chat[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
			bytes++
		default:
			bytes += len("%3A")
		}
	}
	return bytes
}

// longestID is how long an event id of the stream can be, with a header around it, beside what is in a request already.
func (s stream) longestID() (bytes int) {
	const header, cursor, reserve = len(lastEventID + ": \r\n"), len(";=9007199254740991"), 256
	for _, f := range s.follows {
		bytes += len(f.Chat) + cursor
	}
	if s.inbox != nil {
		bytes += maxInboxID
	}
	return header + bytes + reserve
}

// roomForID is how long an event id may be, with a header around it, for the same request to be made with it.
func (h *Handler) roomForID(c *app.RequestContext) int {
	room := h.config.MaxHeaderBytes - len(c.Request.Header.RawHeaders()) - len(c.Request.RequestURI())
	if had := c.GetHeader(lastEventID); len(had) > 0 { // the next one comes in its place
		room += len(lastEventID+": \r\n") + len(had)
	}
	return room
}

// parseEventID reads what eventID writes. "" is none.
func parseEventID(text string) (positions []live.Position, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ";") {
		name, cursor, _ := strings.Cut(part, "=")
		if _, err := chat.ParseID(name); err != nil {
			return nil, chat.Errorf(chat.InvalidArgument, "Last-Event-ID is not the id of an event of this stream")
		}
		p := live.Position{Chat: name}
		if p.Cursor, err = queryInt("Last-Event-ID's cursor", []byte(cursor)); err != nil {
			return nil, err
		}
		positions = append(positions, p)
	}
	return positions, nil
}
