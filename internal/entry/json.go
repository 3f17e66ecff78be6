package entry

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pullchat/pullchat/internal/chat"
)

// AppendJSON appends a member as the JSON object that HTTP clients get: Message of idl_http.proto. name is the chat as the
// request named it. Nothing is appended where the error says that the member is damaged.
func AppendJSON(dst []byte, name, member string) ([]byte, error) {
	position, f, err := parse(member)
	if err != nil {
		return dst, err
	}
	dst = appendStart(dst, name, f.text, f.sender, position, f.id)
	if f.isNotice {
		dst = AppendString(append(dst, `,"type":"notice","event":`...), f.notice.event)
		if f.notice.users.count > 0 {
			dst = append(append(dst, `,"users":`...), '[')
			dst = append(appendList(dst, f.notice.users.all), ']')
		}
		dst = appendName(dst, f.notice.name)
		dst = appendChange(dst, f.notice.event, f.notice.ref, f.notice.emoji)
	}
	if f.erased {
		dst = append(dst, `,"erased":true`...)
	}
	dst = f.content.appendJSON(dst)
	if !f.state.empty() {
		dst = f.state.appendJSON(dst)
	}
	return append(dst, '}'), nil
}

// AppendMessageJSON appends the same for a message that has been decoded.
func AppendMessageJSON(dst []byte, m *chat.Message) []byte {
	dst = appendStart(dst, m.Chat, m.Text, m.Sender, m.SendTime, m.ID)
	if m.Notice != nil {
		dst = AppendString(append(dst, `,"type":"notice","event":`...), string(m.Notice.Event))
		if len(m.Notice.Users) > 0 {
			dst = append(append(dst, `,"users":`...), '[')
			dst = append(appendList(dst, slices.Values(m.Notice.Users)), ']')
		}
		dst = appendName(dst, m.Notice.Name)
		dst = appendChange(dst, string(m.Notice.Event), m.Notice.Ref, m.Notice.Emoji)
	}
	if m.Erased {
		dst = append(dst, `,"erased":true`...)
	}
	if m.Content != nil {
		dst = appendContentJSON(dst, m.Content)
	}
	if m.State != nil {
		dst = appendStateJSON(dst, m.State)
	}
	return append(dst, '}')
}

func appendStart(dst []byte, name, text, sender string, position int64, id string) []byte {
	dst = AppendString(append(dst, `{"chat":`...), name)
	dst = AppendString(append(dst, `,"text":`...), text)
	dst = AppendString(append(dst, `,"sender":`...), sender)
	dst = strconv.AppendInt(append(dst, `,"send_time":`...), position, 10)
	if id != "" {
		dst = AppendString(append(dst, `,"id":`...), id)
	}
	return dst
}

func appendName(dst []byte, name string) []byte {
	if name == "" {
		return dst
	}
	return AppendString(append(dst, `,"name":`...), name)
}

const hexDigits = "0123456789abcdef"

// AppendString appends a string as JSON. Each byte that is not of valid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for {
		n := plain(text)
		dst = append(dst, text[:n]...)
		if text = text[n:]; text == "" {
			return append(dst, '"')
		}
		switch c := text[0]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			if c < ' ' {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			} else {
				dst = append(dst, `\ufffd`...)
			}
		}
		text = text[1:]
	}
}

// plain returns how many bytes of text stand in JSON as they are.
func plain(text string) int {
	i := 0
	for {
		for len(text)-i >= 8 && !special(load(text, i)) {
			i += 8
		}
		for i < len(text) && text[i] < utf8.RuneSelf {
			if c := text[i]; c < ' ' || c == '"' || c == '\\' {
				return i
			}
			if i++; i%8 == 0 && len(text)-i >= 8 {
				break
			}
		}
		for i < len(text) && text[i] >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				return i
			}
			i += size
		}
		if i == len(text) {
			return i
		}
	}
}

func load(text string, at int) uint64 {
	var b [8]byte
	copy(b[:], text[at:at+8])
	return binary.LittleEndian.Uint64(b[:])
}

// special reports whether one of eight bytes is below a space, a quote, a backslash, or no ASCII. It may also report so of
// bytes that are none of these.
func special(b uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quotes, slashes := b^(ones*'"'), b^(ones*'\\')
	return (b|(b-ones*' ')|(quotes-ones)|(slashes-ones))&highs != 0
}

// AppendPage appends the fields of a page and the end of their object. name is the request's name for the chat.
func AppendPage(dst []byte, name string, page *chat.Page) (encoded []byte, err error) {
	dst = append(dst, `"messages":[`...)
	for i := range page.Messages {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendMessageJSON(dst, &page.Messages[i])
	}
	for i, stored := range page.Entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = AppendJSON(dst, name, stored); err != nil {
			return dst, fmt.Errorf("a page of %s: %w", name, err)
		}
	}
	dst = strconv.AppendBool(append(dst, `],"has_more":`...), page.HasMore)
	dst = strconv.AppendInt(append(dst, `,"next_cursor":`...), page.NextCursor, 10)
	return append(dst, '}'), nil
}
