package layout

import (
	"fmt"

	"github.com/pullchat/pullchat/internal/chat"
)

// ReactionEntry is a user's reaction as a member of the reactions of a chat. All have one score, so that the users of an emoji
// are a lexicographical range.
func ReactionEntry(r chat.Reacting) string { return ReactionPrefix(r.Ref, r.Emoji) + r.User }

// ReactionPrefix is how the reactions to a message with an emoji begin. Neither an emoji nor a name has a space.
func ReactionPrefix(ref int64, emoji string) string { return fmt.Sprintf("%016d%s ", ref, emoji) }

// ReactionScore is the score of all of them. Redis answers 0 for a member that is not there.
const ReactionScore = 1

// AfterReactions is behind all that begin with a prefix: no text has such a byte.
const AfterReactions = "\xff"
