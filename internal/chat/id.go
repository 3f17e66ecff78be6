package chat

import "strings"

// MaxIDBytes is the longest user id, room id and message id.
const MaxIDBytes = 64

// ID identifies a chat: a conversation of two users or a room. The zero value identifies none.
type ID struct {
	canonical string
}

// ParseID reads a chat's name: "alice:bob", which is the same chat as "bob:alice", or a room's id without a colon.
// A user may have a conversation alone, "alice:alice". The error is InvalidArgument.
func ParseID(name string) (ID, error) {
	first, second, pair := strings.Cut(name, ":")
	if !pair {
		return ID{name}, checkName("chat", name)
	}
	if strings.Contains(second, ":") {
		return ID{}, Errorf(InvalidArgument, `chat has more than one ":"; it is "user:user" or a room`)
	}
	if err := checkName("chat's first user", first); err != nil {
		return ID{}, err
	}
	if err := checkName("chat's second user", second); err != nil {
		return ID{}, err
	}
	if second < first {
		return ID{second + ":" + first}, nil
	}
	return ID{name}, nil
}

// String returns the canonical form, under which the chat is stored.
func (id ID) String() string { return id.canonical }

// Users returns the two users of a conversation, and false for a room.
func (id ID) Users() (first, second string, ok bool) {
	return strings.Cut(id.canonical, ":")
}

// IsRoom reports whether the id is a room's, and not that of the chat of two users.
func (id ID) IsRoom() bool {
	_, _, pair := id.Users()
	return !pair
}
