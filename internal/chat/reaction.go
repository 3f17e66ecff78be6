package chat

import "slices"

// The limits of reactions.
const (
	MaxReactions  = 50 // emoji of one message
	MaxEmojiBytes = 64
	// ReactionUsers is how many users of an emoji a page names.
	ReactionUsers = 5
)

// Reactors is a store's record of one emoji of a message.
type Reactors struct {
	Count int
	Own   bool     // the sender of the change is one of them
	First []string // by name, up to ReactionUsers+1
}

// with returns the reactions after one more user has reacted. The users of an emoji are in the order of their reactions.
func with(reactions []Reaction, emoji, user string, known Reactors) []Reaction {
	i := slices.IndexFunc(reactions, func(r Reaction) bool { return r.Emoji == emoji })
	if i < 0 {
		i = len(reactions)
		reactions = append(reactions, Reaction{Emoji: emoji})
	}
	r := &reactions[i]
	r.Count = known.Count + 1
	if len(r.Users) < ReactionUsers {
		r.Users = append(slices.Clone(r.Users), user)
	}
	return reactions
}

// without returns the reactions after a user has taken one back. Another user takes a place that becomes free among those that
// are named.
func without(reactions []Reaction, emoji, user string, known Reactors) []Reaction {
	i := slices.IndexFunc(reactions, func(r Reaction) bool { return r.Emoji == emoji })
	if i < 0 {
		return reactions
	}
	if known.Count <= 1 {
		return slices.Delete(reactions, i, i+1)
	}
	r := &reactions[i]
	r.Count = known.Count - 1
	users := slices.DeleteFunc(slices.Clone(r.Users), func(name string) bool { return name == user })
	for _, name := range known.First {
		if len(users) < ReactionUsers && name != user && !slices.Contains(users, name) {
			users = append(users, name)
		}
	}
	r.Users = users
	return reactions
}

func (m *Message) reactions() int {
	if m.State == nil {
		return 0
	}
	return len(m.State.Reactions)
}

func (m *Message) reactedWith(emoji string) bool {
	return m.State != nil && slices.ContainsFunc(m.State.Reactions, func(r Reaction) bool { return r.Emoji == emoji })
}

// reactedTo returns the position of the message whose reactions the entry shows.
func (m *Message) reactedTo() int64 {
	if m.Notice != nil {
		return m.Notice.Ref
	}
	return m.SendTime
}

// Reacting asks whether a user reacted with an emoji to the message at a position.
type Reacting struct {
	Ref   int64
	Emoji string
	User  string
}

// MarkOwn sets Own of the reactions that are the user's. Those that do not name all of their users are appended to unknown.
func (m *Message) MarkOwn(user string, unknown []Reacting) (marked bool, _ []Reacting) {
	if m.State == nil {
		return false, unknown
	}
	for i := range m.State.Reactions {
		r := &m.State.Reactions[i]
		switch {
		case slices.Contains(r.Users, user):
			r.Own, marked = true, true
		case r.Count > len(r.Users):
			unknown = append(unknown, Reacting{m.reactedTo(), r.Emoji, user})
		}
	}
	return marked, unknown
}

// MarkFound sets Own of the reactions that are in own.
func (m *Message) MarkFound(own map[Reacting]bool, user string) (marked bool) {
	if m.State == nil || len(own) == 0 {
		return false
	}
	for i := range m.State.Reactions {
		r := &m.State.Reactions[i]
		if own[Reacting{m.reactedTo(), r.Emoji, user}] {
			r.Own, marked = true, true
		}
	}
	return marked
}
