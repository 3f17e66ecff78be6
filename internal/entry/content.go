package entry

import (
	"encoding/binary"

	"github.com/pullchat/pullchat/internal/chat"
)

// The fields of Reaction.
const (
	emojiField         = 1
	countField         = 2
	reactionUsersField = 3
	ownField           = 4
)

func appendContent(dst []byte, c *chat.Content) []byte {
	dst = appendNumber(dst, replyToField, c.ReplyTo)
	if len(c.Mentions) > 0 {
		dst = appendStrings(dst, mentionsField, c.Mentions)
	}
	for _, f := range [...]struct {
		field byte
		text  string
	}{{contentTypeField, c.Type}, {bodyField, string(c.Body)}, {metadataField, string(c.Metadata)}} {
		if f.text != "" {
			dst = appendString(dst, f.field, f.text)
		}
	}
	return dst
}

func appendState(dst []byte, s *chat.State) []byte {
	dst = appendNumber(dst, editedField, s.Edited)
	dst = appendNumber(dst, deletedField, s.Deleted)
	if len(s.Reactions) > 0 {
		dst = append(dst, listType, 0, reactionsField, structType)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.Reactions)))
		for i := range s.Reactions {
			r := &s.Reactions[i]
			dst = appendString(dst, emojiField, r.Emoji)
			dst = appendCount(dst, countField, r.Count)
			dst = appendStrings(dst, reactionUsersField, r.Users)
			if r.Own {
				dst = append(dst, boolType, 0, ownField, 1)
			}
			dst = append(dst, stop)
		}
	}
	if s.Replies != 0 {
		dst = appendCount(dst, repliesField, s.Replies)
	}
	return appendNumber(dst, lastReplyField, s.LastReply)
}

// appendNumber appends a number that is not 0.
func appendNumber(dst []byte, field byte, number int64) []byte {
	if number == 0 {
		return dst
	}
	return binary.BigEndian.AppendUint64(append(dst, i64Type, 0, field), uint64(number))
}

func appendCount(dst []byte, field byte, count int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, i32Type, 0, field), uint32(int32(count)))
}

func appendStrings(dst []byte, field byte, all []string) []byte {
	dst = append(dst, listType, 0, field, stringType)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(all)))
	for _, text := range all {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
		dst = append(dst, text...)
	}
	return dst
}

func numberSize(number int64) int {
	if number == 0 {
		return 0
	}
	return fieldBytes + 8
}

func optionalSize(text string) int {
	if text == "" {
		return 0
	}
	return stringBytes + len(text)
}

func stringsSize(all []string) int {
	n := listBytes
	for _, text := range all {
		n += 4 + len(text)
	}
	return n
}

func contentSize(c *chat.Content) int {
	if c == nil {
		return 0
	}
	n := numberSize(c.ReplyTo) + optionalSize(c.Type) + optionalSize(string(c.Body)) + optionalSize(string(c.Metadata))
	if len(c.Mentions) > 0 {
		n += stringsSize(c.Mentions)
	}
	return n
}

func stateSize(s *chat.State) int {
	if s == nil {
		return 0
	}
	n := numberSize(s.Edited) + numberSize(s.Deleted) + numberSize(s.LastReply)
	if s.Replies != 0 {
		n += fieldBytes + 4
	}
	if len(s.Reactions) > 0 {
		n += listBytes
	}
	for i := range s.Reactions {
		r := &s.Reactions[i]
		n += stringBytes + len(r.Emoji) + fieldBytes + 4 + stringsSize(r.Users) + 1
		if r.Own {
			n += fieldBytes + 1
		}
	}
	return n
}
