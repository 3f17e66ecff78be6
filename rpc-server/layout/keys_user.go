package layout

import "strings"

// The keys of users. {user} is the hash tag, so that a script may change an account and its sessions at once; no user's
// id has a brace.
//
//	key                     type        content
//	                                    written by; expires
//	im:u:{<user>}:account   hash        hash (of the password), name, created (in µs), perhaps hides_last_seen; only
//	                                    deleted (in µs), and perhaps kept (texts), of a deleted account
//	                                    register.lua, password.lua, hide.lua, delete_account.lua; never expires
//	im:u:{<user>}:sessions  hash        session → "expires begun seed current previous"
//	                                    login.lua, refresh.lua, …; expires after REFRESH_TOKEN_TTL
//	im:u:{<user>}:chats     sorted set  see below → a chat
//	                                    Store, before append.lua and room.lua; append_checked.lua, advance.lua,
//	                                    unlist.lua; never expires
//	im:u:{<user>}:ignored   set         users that the user ignores
//	                                    ignore.lua; never expires
//	im:u:{<user>}:spent     hash        recent charges of the user: "kind seconds" → "window amount"
//	                                    spend.lua; expires after a day
//	im:u:{<user>}:seen      string      about when the user was connected last, in µs
//	                                    Store, at most once a minute; never expires
//	im:rooms                sorted set  0 → every public room, and some that were
//	                                    Store; never expires
//	im:deletions            sorted set  when it is due, in µs → "user erase|keep first|last": an unfinished
//	                                    deletion
//	                                    Store; never expires
//	im:users                sorted set  0 → every user who has registered or has tried to
//	                                    Store, before register.lua; never expires
//	im:look:<look>          string      the user who looks like that; for ever, also after the account is gone
//	                                    Store, before register.lua; never expires
//	im:revoked              sorted set  when, in µs → a user deleted within the last hour; the tokens are refused
//	                                    revoke.lua; never expires
//	im:looked               string      a server gives looks to the accounts that have none, or has done so
//	                                    Store; expires after a minute, or a day
//
// In a user's list of chats, a conversation has the score 0. A room of the user has the time of its listing, in
// microseconds. Other rooms have -1: the user has left them, or has written or read there without being a member.
//
// All users are in one sorted set: see docs/adr/0014-users-in-one-set.md.

// Account is the key of a user's account.
func (k Keys) Account(user string) string { return k.User(user) + ":" + AccountKey }

// Sessions is the key of a user's sessions.
func (k Keys) Sessions(user string) string { return k.User(user) + ":" + SessionsKey }

// Chats is the key of a user's list of chats.
func (k Keys) Chats(user string) string { return k.User(user) + ":" + ChatsKey }

// Ignored is the key of the users that a user ignores.
func (k Keys) Ignored(user string) string { return k.User(user) + ":" + IgnoredKey }

// Spent is the key of a user's recent charges: begun chats and added members.
func (k Keys) Spent(user string) string { return k.User(user) + ":" + SpentKey }

// Seen is the key of when a user was connected last.
func (k Keys) Seen(user string) string { return k.User(user) + ":" + SeenKey }

// PublicRooms is the key of all public rooms.
func (k Keys) PublicRooms() string { return k.Prefix + ":" + RoomsKey }

// Deletions is the key of the unfinished deletions of users.
func (k Keys) Deletions() string { return k.Prefix + ":" + DeletionsKey }

// Look is of a form of a user's id in which no other user's may be: chat.Names.Looks.
func (k Keys) Look(look string) string { return k.Prefix + ":" + LookKey + ":" + look }

// Revoked is the key of the users who were deleted of late.
func (k Keys) Revoked() string { return k.Prefix + ":" + RevokedKey }

// Looked is the key that says that a server gives looks to the accounts that have none, or has done so.
func (k Keys) Looked() string { return k.Prefix + ":" + LookedKey }

// Users is the key of all users.
func (k Keys) Users() string { return k.Prefix + ":" + UsersKey }

// User is the prefix of all keys of a user.
func (k Keys) User(user string) string { return k.Prefix + ":u:{" + user + "}" }

// More kinds of keys, as KeyName has them.
const (
	AccountKey  = "account"
	SessionsKey = "sessions"
	ChatsKey    = "chats"
	IgnoredKey  = "ignored"
	SpentKey    = "spent"
	SeenKey     = "seen"
	UsersKey    = "users"
	RoomsKey    = "rooms"
	LookKey     = "look"
	LookedKey   = "looked"
	RevokedKey  = "revoked"

	DeletionsKey = "deletions"
)

// parseUser is the reverse of the functions above. It is false for a key that is not of users.
func (k Keys) parseUser(key string) (KeyName, bool) {
	if key == k.Users() {
		return KeyName{Kind: UsersKey}, true
	}
	if key == k.PublicRooms() {
		return KeyName{Kind: RoomsKey}, true
	}
	if key == k.Deletions() {
		return KeyName{Kind: DeletionsKey}, true
	}
	if key == k.Pushed() {
		return KeyName{Kind: PushedKey}, true
	}
	if key == k.Revoked() {
		return KeyName{Kind: RevokedKey}, true
	}
	if kind, of := k.parseModeration(key); of {
		return KeyName{Kind: kind}, true
	}
	if key == k.Looked() {
		return KeyName{Kind: LookedKey}, true
	}
	if look, of := strings.CutPrefix(key, k.Look("")); of && look != "" {
		return KeyName{Kind: LookKey}, true
	}
	rest, ours := strings.CutPrefix(key, k.Prefix+":u:{")
	user, kind, closed := strings.Cut(rest, "}:")
	if !ours || !closed || user == "" {
		return KeyName{}, false
	}
	switch kind {
	case AccountKey, SessionsKey, ChatsKey, IgnoredKey, SpentKey, SeenKey, SubscriptionsKey, MutedKey, FilesKey:
		return KeyName{Kind: kind}, true
	}
	return KeyName{}, false
}

// UserOf is the user of a key that parseUser takes for a user's key.
func (k Keys) UserOf(key string) string {
	user, _, _ := strings.Cut(strings.TrimPrefix(key, k.Prefix+":u:{"), "}:")
	return user
}
