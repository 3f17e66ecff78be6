package layout

import "github.com/pullchat/pullchat/internal/chat"

// Listing names a chat and the users whose lists must have it before an operation in the chat.
type Listing struct {
	Chat chat.ID
	User string // the acting user in a room; "" in a conversation, which concerns both its users
}

// ListingOf returns the listing of an operation of a user in a chat.
func ListingOf(id chat.ID, user string) Listing {
	if _, _, pair := id.Users(); pair {
		user = ""
	}
	return Listing{id, user}
}

// ListEntry is a chat in a user's list.
type ListEntry struct {
	User string
	Chat chat.ID
}

// Entries returns the entries of a listing.
func (l Listing) Entries() []ListEntry {
	first, second, pair := l.Chat.Users()
	switch {
	case !pair:
		return []ListEntry{{l.User, l.Chat}}
	case first == second:
		return []ListEntry{{first, l.Chat}}
	}
	return []ListEntry{{first, l.Chat}, {second, l.Chat}}
}

// WasThere is the score of a room in the list of a user who is not a member.
const WasThere = -1
