package entry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

var (
	errShort = errors.New("it ends too early")
	errType  = errors.New("a field has a type that Thrift does not have")
	errDeep  = errors.New("its fields are nested too deeply")
	errLong  = errors.New("there are bytes behind its end")
	errLacks = errors.New("a field that must be there is missing")
)

// maxDepth limits the nesting of skipped values.
const maxDepth = 64

// Position parses the position at the beginning of a member; false where there is none.
func Position(member string) (int64, bool) {
	if len(member) < PositionDigits {
		return 0, false
	}
	position := int64(0)
	for i := range PositionDigits {
		digit := member[i] - '0'
		if digit > 9 {
			return 0, false
		}
		position = 10*position + int64(digit)
	}
	return position, position <= chat.MaxCursor
}

// Decode decodes any string: it returns the message, or an error that names the fault. It does not set Chat. The
// message shares no memory with the member.
func Decode(member string) (chat.Message, error) {
	position, f, err := parse(member)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{
		SendTime: position, Text: strings.Clone(f.text), Sender: strings.Clone(f.sender), ID: strings.Clone(f.id), Erased: f.erased,
		Content: f.content.decoded(), State: f.state.decoded(),
	}
	if f.isNotice {
		m.Notice = &chat.Notice{Event: chat.NoticeEvent(strings.Clone(f.notice.event)), Name: strings.Clone(f.notice.name)}
		m.Notice.Users, m.Notice.Ref, m.Notice.Emoji = f.notice.users.decoded(), f.notice.ref, strings.Clone(f.notice.emoji)
	}
	return m, nil
}

// ReadHead reads a member's head and stops there. An entry with a good head may still be one that Decode rejects. The
// Sender is a part of the member.
func ReadHead(member string) (chat.Head, error) {
	position, ok := Position(member)
	if !ok {
		return chat.Head{}, noPosition(member)
	}
	sender, kind, err := head(member[PositionDigits:])
	if err != nil {
		return chat.Head{}, fmt.Errorf("stored message at %d: %w", position, err)
	}
	return chat.Head{Position: position, Sender: sender, Kind: kind}, nil
}

// HasReactions reports whether an entry that this package wrote has reactions. They stand before the text.
func HasReactions(member string) bool {
	if len(member) < PositionDigits {
		return false
	}
	r := reader{rest: member[PositionDigits:]}
	for r.next() && r.field != textField {
		if r.field == reactionsField && r.kind == listType {
			return true
		}
		r.skip(r.kind, maxDepth)
	}
	return false
}

// head is the Go form of scripts/entry.lua in the storage; a test compares the two.
func head(stored string) (sender string, kind chat.Kind, err error) {
	r := reader{rest: stored}
	found, isNotice, erased := false, false, false
	for r.next() {
		switch {
		case r.field == senderField && r.kind == stringType:
			sender, found = r.text(), true
		case r.field == kindField && r.kind == byteType:
			if said := chat.Kind(r.byte()); said >= chat.KindMessage && said <= chat.KindDeletion {
				kind = said
			}
		case r.field == noticeField && r.kind == structType:
			isNotice = true
			r.skip(r.kind, maxDepth)
		case r.field == erasedField && r.kind == boolType:
			erased = r.byte() == 1
		default:
			r.skip(r.kind, maxDepth)
		}
		if found && kind != 0 && r.err == nil {
			return sender, kind, nil
		}
	}
	switch {
	case r.err != nil:
		return "", 0, r.err
	case !found:
		return "", 0, errLacks
	case isNotice:
		return sender, chat.KindNotice, nil
	case erased:
		return sender, chat.KindErased, nil
	}
	return sender, chat.KindMessage, nil
}

func noPosition(member string) error {
	return fmt.Errorf("stored message's position %q is not 16 digits of a number below 2^53", member[:min(len(member), PositionDigits)])
}

// fields is a decoded entry. Its strings are parts of the entry; nothing is copied.
type fields struct {
	text, sender, id string
	erased           bool
	isNotice         bool
	notice           noticeFields
	content          contentFields
	state            stateFields
}

type noticeFields struct {
	event, name string
	users       texts
	ref         int64
	emoji       string
}

// texts is a list of strings.
type texts struct {
	there bool
	count int
	list  string // count strings, each after its length
}

// all calls yield with each string.
func (t *texts) all(yield func(string) bool) {
	r := reader{rest: t.list}
	for range t.count {
		if !yield(r.text()) {
			return
		}
	}
}

// decoded returns copies, or nil where there is no list.
func (t *texts) decoded() []string {
	if !t.there {
		return nil
	}
	all := make([]string, 0, t.count)
	for text := range t.all {
		all = append(all, strings.Clone(text))
	}
	return all
}

func (t *texts) parse(r *reader) {
	r.byte() // the elements' type is ignored: they are read as strings
	t.count, t.there = r.length(), true
	t.list = r.rest
	for i := 0; i < t.count && r.err == nil; i++ {
		r.text()
	}
	t.list = t.list[:len(t.list)-len(r.rest)]
}

// parse reads a whole member.
func parse(member string) (position int64, f fields, err error) {
	position, ok := Position(member)
	if !ok {
		return 0, fields{}, noPosition(member)
	}
	if err := f.parse(member[PositionDigits:]); err != nil {
		return 0, fields{}, fmt.Errorf("stored message at %d: %w", position, err)
	}
	return position, f, nil
}

func (f *fields) parse(stored string) error {
	r := reader{rest: stored}
	hasText, hasSender := false, false
	for r.next() {
		switch {
		case r.field == textField && r.kind == stringType:
			f.text, hasText = r.text(), true
		case r.field == senderField && r.kind == stringType:
			f.sender, hasSender = r.text(), true
		case r.field == idField && r.kind == stringType:
			f.id = r.text()
		case r.field == noticeField && r.kind == structType:
			f.isNotice, f.notice = true, noticeFields{}
			f.notice.parse(&r)
		case r.field == erasedField && r.kind == boolType:
			f.erased = r.byte() == 1
		default:
			if !f.content.parse(&r) && !f.state.parse(&r) {
				r.skip(r.kind, maxDepth)
			}
		}
	}
	switch {
	case r.err != nil:
		return r.err
	case !hasText || !hasSender:
		return errLacks
	case r.rest != "":
		return errLong
	}
	return nil
}

func (n *noticeFields) parse(r *reader) {
	hasEvent := false
	for r.next() {
		switch {
		case r.field == eventField && r.kind == stringType:
			n.event, hasEvent = r.text(), true
		case r.field == usersField && r.kind == listType:
			n.users.parse(r)
		case r.field == nameField && r.kind == stringType:
			n.name = r.text()
		case r.field == refField && r.kind == i64Type:
			n.ref = r.long()
		case r.field == noticeEmojiField && r.kind == stringType:
			n.emoji = r.text()
		default:
			r.skip(r.kind, maxDepth)
		}
	}
	if !hasEvent {
		r.fail(errLacks)
	}
}
