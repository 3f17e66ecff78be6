package handler

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
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
		id.WriteString(url.PathEscape(p.Chat)) // not all clients can send other letters than ASCII in a header
		id.WriteByte('=')
		id.WriteString(strconv.FormatInt(p.Cursor, 10))
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
		case c < utf8.RuneSelf:
			bytes += len("%3A")
		default:
			bytes += len("%25E8")
		}
	}
	return bytes
}

// longestID is how long an event id of the stream can be, with a header around it, beside what is in a request already.
func (s stream) longestID() (bytes int) {
	const header, cursor, reserve = len(lastEventID + ": \r\n"), len(";=9007199254740991"), 256
	for _, f := range s.follows {
		bytes += len(url.PathEscape(f.Chat)) + cursor
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

// parseEventID reads what eventID writes, also with names that are not escaped, as releases before have written them.
// What is no position is passed over: an EventSource that is refused would never come back.
func parseEventID(text string) (positions []live.Position) {
	for part := range strings.SplitSeq(text, ";") {
		name, cursor, _ := strings.Cut(part, "=")
		name, err := url.PathUnescape(strings.TrimSpace(name))
		if err != nil {
			continue
		}
		if _, err := chat.ParseID(name); err != nil {
			continue
		}
		at, err := strconv.ParseInt(strings.TrimSpace(cursor), 10, 64)
		if err == nil && at >= 0 && at <= chat.MaxCursor {
			positions = append(positions, live.Position{Chat: name, Cursor: at})
		}
	}
	return positions
}

// newestPositions returns where a client stands that comes back. The header is that of its last event, and newer than what
// stands in the address that it has opened.
func newestPositions(header, parameter string) []live.Position {
	if positions := parseEventID(header); len(positions) > 0 {
		return positions
	}
	return parseEventID(parameter)
}
