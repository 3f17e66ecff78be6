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

// maxInboxID bounds the bytes of an inbox's chats in an event id, in URL form. Twice this fits into a request: a client that
// opened a stream with last_event_id also sends the header after a break.
const maxInboxID = 6 << 10

// eventID encodes the client's cursors in the chats of its stream: "alice:bob=17952;room=17953". Chats that the client named
// come first. Then come those of an inbox that moved last, as many as fit, the latest at the end.
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
		id.WriteString(url.PathEscape(p.Chat)) // some clients can send only ASCII in a header
		id.WriteByte('=')
		id.WriteString(strconv.FormatInt(p.Cursor, 10))
	}
	return id.String()
}

// escapedBytes returns the maximum length of a position of an event id in a URL.
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

// longestID returns the maximum length of the stream's event id, as a header.
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

// roomForID returns the space for an event id, as a header, in a repetition of the request.
func (h *Handler) roomForID(c *app.RequestContext) int {
	room := h.config.MaxHeaderBytes - len(c.Request.Header.RawHeaders()) - len(c.Request.RequestURI())
	if had := c.GetHeader(lastEventID); len(had) > 0 { // the next one replaces it
		room += len(lastEventID+": \r\n") + len(had)
	}
	return room
}

// parseEventID is the reverse of eventID, and also accepts unescaped names, of earlier releases. It skips invalid positions:
// a refused EventSource would never come back.
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

// newestPositions returns the positions of a returning client. The header is the id of its last event, and newer than the
// parameter in the URL.
func newestPositions(header, parameter string) []live.Position {
	if positions := parseEventID(header); len(positions) > 0 {
		return positions
	}
	return parseEventID(parameter)
}
