package entry

import (
	"iter"
	"slices"
	"strconv"

	"github.com/pullchat/pullchat/internal/chat"
)

// The functions of this file come in pairs: of an entry as it is stored, and of one that has been decoded.

// appendChange appends the fields of an entry about a change of a message. Ref distinguishes it from other notices.
func appendChange(dst []byte, event string, ref int64, emoji string) []byte {
	if ref == 0 {
		return dst
	}
	dst = AppendString(append(dst, `,"kind":`...), event)
	dst = appendNumberJSON(dst, `,"ref":`, ref)
	if emoji != "" {
		dst = AppendString(append(dst, `,"emoji":`...), emoji)
	}
	return dst
}

func (c *contentFields) appendJSON(dst []byte) []byte {
	dst = appendNumberJSON(dst, `,"reply_to":`, c.replyTo)
	if c.mentions.count > 0 {
		dst = append(appendList(append(dst, `,"mentions":[`...), c.mentions.all), ']')
	}
	return appendTyped(dst, c.kind, c.body, c.metadata)
}

func appendContentJSON(dst []byte, c *chat.Content) []byte {
	dst = appendNumberJSON(dst, `,"reply_to":`, c.ReplyTo)
	if len(c.Mentions) > 0 {
		dst = append(appendList(append(dst, `,"mentions":[`...), slices.Values(c.Mentions)), ']')
	}
	return appendTyped(dst, c.Type, string(c.Body), string(c.Metadata))
}

// appendTyped appends objects as they are: they were checked when they were sent.
func appendTyped(dst []byte, kind, body, metadata string) []byte {
	if kind != "" {
		dst = AppendString(append(dst, `,"content_type":`...), kind)
	}
	if body != "" {
		dst = append(append(dst, `,"body":`...), body...)
	}
	if metadata != "" {
		dst = append(append(dst, `,"metadata":`...), metadata...)
	}
	return dst
}

func (s *stateFields) appendJSON(dst []byte) []byte {
	dst = appendNumberJSON(dst, `,"edited":`, s.edited)
	dst = appendNumberJSON(dst, `,"deleted":`, s.deleted)
	if s.reactions > 0 {
		dst = append(dst, `,"reactions":`...)
		open := byte('[')
		for r := range s.all {
			dst = appendReaction(append(dst, open), r.emoji, r.count, r.users.all, r.own)
			open = ','
		}
		dst = append(dst, ']')
	}
	dst = appendNumberJSON(dst, `,"replies":`, int64(s.replies))
	return appendNumberJSON(dst, `,"last_reply":`, s.lastReply)
}

func appendStateJSON(dst []byte, s *chat.State) []byte {
	dst = appendNumberJSON(dst, `,"edited":`, s.Edited)
	dst = appendNumberJSON(dst, `,"deleted":`, s.Deleted)
	if len(s.Reactions) > 0 {
		dst = append(dst, `,"reactions":`...)
		open := byte('[')
		for _, r := range s.Reactions {
			dst = appendReaction(append(dst, open), r.Emoji, r.Count, slices.Values(r.Users), r.Own)
			open = ','
		}
		dst = append(dst, ']')
	}
	dst = appendNumberJSON(dst, `,"replies":`, int64(s.Replies))
	return appendNumberJSON(dst, `,"last_reply":`, s.LastReply)
}

func appendReaction(dst []byte, emoji string, count int, users iter.Seq[string], own bool) []byte {
	dst = AppendString(append(dst, `{"emoji":`...), emoji)
	dst = strconv.AppendInt(append(dst, `,"count":`...), int64(count), 10)
	dst = append(appendList(append(dst, `,"users":[`...), users), ']')
	if own {
		dst = append(dst, `,"own":true`...)
	}
	return append(dst, '}')
}

// appendNumberJSON appends a number that is not 0.
func appendNumberJSON(dst []byte, name string, number int64) []byte {
	if number == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, name...), number, 10)
}

func appendList(dst []byte, all iter.Seq[string]) []byte {
	first := true
	for text := range all {
		if !first {
			dst = append(dst, ',')
		}
		dst, first = AppendString(dst, text), false
	}
	return dst
}
