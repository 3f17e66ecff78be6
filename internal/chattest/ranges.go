package chattest

import (
	"context"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
)

// Range implements chat.Store.
func (s *Store) Range(_ context.Context, ranges []chat.Range) []chat.Ranged {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	ranged := make([]chat.Ranged, len(ranges))
	for i, r := range ranges {
		logged := r.Member == "" && s.log(r.Chat).last > 0 && s.room(r.Chat).visibility == ""
		if err := s.admits(r.Chat, r.Member, r.Exists && !logged); err != nil {
			ranged[i].Err = err
			continue
		}
		ranged[i].Messages = s.marked(r.Chat, s.resolved(r.Chat, between(s.readable(r.Chat), r)), r.User)
		if r.Raw {
			ranged[i] = Stored(ranged[i])
		}
	}
	return ranged
}

// between returns the messages of a range. The caller may change them.
func between(messages []chat.Message, r chat.Range) []chat.Message {
	l := log{messages: messages}
	if !r.Reverse {
		first := l.from(r.From)
		return slices.Clone(messages[first:min(len(messages), first+r.Limit)])
	}
	end := l.from(r.From + 1)
	messages = slices.Clone(messages[max(0, end-r.Limit):end])
	slices.Reverse(messages)
	return messages
}

// Stored has the read messages in the stored form.
func Stored(read chat.Ranged) chat.Ranged {
	for _, message := range read.Messages {
		read.Entries = append(read.Entries, string(entry.AppendMember(nil, message)))
	}
	read.Messages, read.Head = nil, func(stored string) chat.Head {
		head, _ := entry.ReadHead(stored)
		return head
	}
	return read
}
