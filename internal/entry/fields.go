package entry

import (
	"strings"

	"github.com/pullchat/pullchat/internal/chat"
)

// contentFields are those of chat.Content. Their strings are parts of the entry.
type contentFields struct {
	replyTo              int64
	mentions             texts
	kind, body, metadata string
}

// parse reads the field that r has found, if it is one of these.
func (c *contentFields) parse(r *reader) bool {
	switch {
	case r.field == replyToField && r.kind == i64Type:
		c.replyTo = r.long()
	case r.field == mentionsField && r.kind == listType:
		c.mentions.parse(r)
	case r.field == contentTypeField && r.kind == stringType:
		c.kind = r.text()
	case r.field == bodyField && r.kind == stringType:
		c.body = r.text()
	case r.field == metadataField && r.kind == stringType:
		c.metadata = r.text()
	default:
		return false
	}
	return true
}

func (c *contentFields) decoded() *chat.Content {
	if c.replyTo == 0 && c.mentions.count == 0 && c.kind == "" && c.body == "" && c.metadata == "" {
		return nil
	}
	content := &chat.Content{
		ReplyTo: c.replyTo, Type: strings.Clone(c.kind), Body: chat.Object(strings.Clone(c.body)), Metadata: chat.Object(strings.Clone(c.metadata)),
	}
	if c.mentions.count > 0 {
		content.Mentions = c.mentions.decoded()
	}
	return content
}

// stateFields are those of chat.State.
type stateFields struct {
	edited, deleted, lastReply int64
	replies                    int
	reactions                  int
	list                       string // so many Reactions
}

// parse reads the field that r has found, if it is one of these.
func (s *stateFields) parse(r *reader) bool {
	switch {
	case r.field == editedField && r.kind == i64Type:
		s.edited = r.long()
	case r.field == deletedField && r.kind == i64Type:
		s.deleted = r.long()
	case r.field == lastReplyField && r.kind == i64Type:
		s.lastReply = r.long()
	case r.field == repliesField && r.kind == i32Type:
		s.replies = r.count()
	case r.field == reactionsField && r.kind == listType:
		s.parseReactions(r)
	default:
		return false
	}
	return true
}

func (s *stateFields) parseReactions(r *reader) {
	r.byte() // the elements' type is ignored: they are read as structs
	s.reactions = r.length()
	s.list = r.rest
	var each reactionFields
	for i := 0; i < s.reactions && r.err == nil; i++ {
		each.parse(r)
	}
	s.list = s.list[:len(s.list)-len(r.rest)]
}

// all calls yield with each reaction.
func (s *stateFields) all(yield func(*reactionFields) bool) {
	r := reader{rest: s.list}
	for range s.reactions {
		var each reactionFields
		each.parse(&r)
		if !yield(&each) {
			return
		}
	}
}

func (s *stateFields) empty() bool {
	return s.edited == 0 && s.deleted == 0 && s.lastReply == 0 && s.replies == 0 && s.reactions == 0
}

func (s *stateFields) decoded() *chat.State {
	if s.empty() {
		return nil
	}
	state := &chat.State{Edited: s.edited, Deleted: s.deleted, Replies: s.replies, LastReply: s.lastReply}
	for each := range s.all {
		state.Reactions = append(state.Reactions, chat.Reaction{
			Emoji: strings.Clone(each.emoji), Count: each.count, Users: each.users.decoded(), Own: each.own,
		})
	}
	return state
}

// reactionFields are those of chat.Reaction.
type reactionFields struct {
	emoji string
	count int
	users texts
	own   bool
}

func (f *reactionFields) parse(r *reader) {
	for r.next() {
		switch {
		case r.field == emojiField && r.kind == stringType:
			f.emoji = r.text()
		case r.field == countField && r.kind == i32Type:
			f.count = r.count()
		case r.field == reactionUsersField && r.kind == listType:
			f.users.parse(r)
		case r.field == ownField && r.kind == boolType:
			f.own = r.byte() == 1
		default:
			r.skip(r.kind, maxDepth)
		}
	}
}
