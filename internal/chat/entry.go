package chat

// Kind is the kind of a log's entry. Its numbers are stored.
type Kind int8

// The kinds of entries.
const (
	KindMessage  Kind = 1 + iota
	KindNotice        // see Notice
	KindErased        // see Message.Erased
	KindChange        // a change of an earlier message, but its deletion
	KindDeletion      // of an earlier message. No reader misses it, even of an ignored user
)

// IsChange reports whether the entry is about an earlier message, so it is nothing to read by itself.
func (k Kind) IsChange() bool { return k == KindChange || k == KindDeletion }

// Kind returns the message's kind as an entry of its log.
func (m *Message) Kind() Kind {
	switch {
	case m.Notice != nil:
		return m.Notice.kind()
	case m.Erased:
		return KindErased
	}
	return KindMessage
}

// Head is the part of a stored entry that can be read without decoding all of it.
type Head struct {
	Position int64
	Sender   string
	Kind     Kind
}

// Hidden reports whether the entry is hidden from a reader who ignores these users. Notices and deletions are never hidden.
func (h Head) Hidden(ignored map[string]bool) bool {
	return h.Kind != KindNotice && h.Kind != KindDeletion && ignored[h.Sender]
}

// Head returns the message's head.
func (m *Message) Head() Head { return Head{Position: m.SendTime, Sender: m.Sender, Kind: m.Kind()} }

// len returns the number of messages that were read.
func (r *Ranged) len() int { return len(r.Messages) + len(r.Entries) }

// head returns the head of message i.
func (r *Ranged) head(i int) Head {
	if r.Entries != nil {
		return r.Head(r.Entries[i])
	}
	m := &r.Messages[i]
	return m.Head()
}
