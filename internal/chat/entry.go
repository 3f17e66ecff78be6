package chat

// Kind is what an entry of a log is. Its numbers are stored.
type Kind int8

// The kinds of entries.
const (
	KindMessage Kind = 1 + iota
	KindNotice       // see Notice
	KindErased       // see Message.Erased
)

// Kind returns what the message is as an entry of its log.
func (m *Message) Kind() Kind {
	switch {
	case m.Notice != nil:
		return KindNotice
	case m.Erased:
		return KindErased
	}
	return KindMessage
}

// Head is what can be told of a stored entry without reading all of it.
type Head struct {
	Position int64
	Sender   string
	Kind     Kind
}

// Hidden reports whether a reader who ignores these users does not see the entry. Notices are seen by everyone.
func (h Head) Hidden(ignored map[string]bool) bool { return h.Kind != KindNotice && ignored[h.Sender] }

// len is how many messages were read.
func (r *Ranged) len() int { return len(r.Messages) + len(r.Entries) }

// head returns the head of the message that was read as number i.
func (r *Ranged) head(i int) Head {
	if r.Entries != nil {
		return r.Head(r.Entries[i])
	}
	m := &r.Messages[i]
	return Head{Position: m.SendTime, Sender: m.Sender, Kind: m.Kind()}
}
