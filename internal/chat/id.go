package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDBytes is the longest user id, room id and message id.
const MaxIDBytes = 64

// ID identifies a chat: a conversation of two users or a room. The zero value identifies none.
type ID struct {
	canonical string
}

// ParseID reads a chat's name: "alice:bob", which is the same chat as "bob:alice", or a room's id without a colon.
// A user may have a conversation with herself. The error is an InvalidArgument.
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

// checkName refuses what is not a user's or room's id. Ids are compared byte for byte: nothing is folded or
// normalised. "." and ".." are none, because no path of a URL can have them (RFC 3986, 5.2.4).
func checkName(what, name string) error {
	if name == "." || name == ".." {
		return Errorf(InvalidArgument, "%s is %q, which no URL can have in its path", what, name)
	}
	return checkWord(what, name)
}

// checkWord refuses what does not consist of the letters of names.
func checkWord(what, name string) error {
	switch {
	case name == "":
		return Errorf(InvalidArgument, "%s is empty", what)
	case len(name) > MaxIDBytes:
		return Errorf(InvalidArgument, "%s is %d bytes; the limit is %d", what, len(name), MaxIDBytes)
	case !utf8.ValidString(name):
		return Errorf(InvalidArgument, "%s is not valid UTF-8", what)
	}
	for _, r := range name {
		if !nameRune(r) {
			return Errorf(InvalidArgument, "%s contains %q; allowed are letters, digits and . _ - @ +", what, r)
		}
	}
	return nil
}

func nameRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-@+", r)
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}
