package storage

import "strings"

// The keys of users. {user} is the hash tag, so that a script may change an account and its sessions at once; no user's
// id has a brace.
//
//	key                     type        what it holds                                      written by                    expires
//	im:u:{<user>}:account   hash        hash (of the password), name, created (in µs); only deleted (in µs), and perhaps kept (texts), where she has deleted herself  register.lua, password.lua, delete_account.lua  never
//	im:u:{<user>}:sessions  hash        session → "expires begun seed current previous"          login.lua, refresh.lua, …     REFRESH_TOKEN_TTL
//	im:u:{<user>}:chats     sorted set  see below → a chat                    Store, before append.lua and room.lua; append_checked.lua, advance.lua, unlist.lua  never
//	im:u:{<user>}:ignored   set         whom she ignores                                   ignore.lua                    never
//	im:u:{<user>}:spent     hash        what she has begun and added of late: "kind seconds" → "window amount"  spend.lua  in a day
//	im:rooms                sorted set  0 → every public room, and some that were          Store                         never
//	im:deletions            sorted set  when it is due, in µs → "user erase|keep first|last": what is left of a user's deletion  Store  never
//	im:users                sorted set  0 → every user who has registered or has tried to  Store, before register.lua    never
//	im:look:<look>          string      the user who looks like that; for ever, also after the account is gone  Store, before register.lua  never
//	im:revoked              sorted set  when, in µs → a user who was deleted within the last hour: her tokens are refused  revoke.lua  never
//	im:looked               string      somebody gives looks to the accounts that have none, or has done so  Store  in a minute, or a day
//
// In a user's list of chats a conversation has the score 0, a room of hers the time when it was listed, in microseconds, and
// a room of which she is no member, but was, or has written to or read in, -1.
//
// All users are in one sorted set: see docs/adr/0014-users-in-one-set.md.

func (k keys) account(user string) string { return k.user(user) + ":" + accountKey }

func (k keys) sessions(user string) string { return k.user(user) + ":" + sessionsKey }

func (k keys) chats(user string) string { return k.user(user) + ":" + chatsKey }

func (k keys) ignored(user string) string { return k.user(user) + ":" + ignoredKey }

func (k keys) spent(user string) string { return k.user(user) + ":" + spentKey }

func (k keys) publicRooms() string { return k.prefix + ":" + roomsKey }

func (k keys) deletions() string { return k.prefix + ":" + deletionsKey }

// look is of a form of a user's id in which no other user's may be: chat.Names.Looks.
func (k keys) look(look string) string { return k.prefix + ":" + lookKey + ":" + look }

func (k keys) revoked() string { return k.prefix + ":" + revokedKey }

func (k keys) looked() string { return k.prefix + ":" + lookedKey }

func (k keys) users() string { return k.prefix + ":" + usersKey }

// user is what all keys of a user begin with.
func (k keys) user(user string) string { return k.prefix + ":u:{" + user + "}" }

// More of what a key is, as keyName has it.
const (
	accountKey  = "account"
	sessionsKey = "sessions"
	chatsKey    = "chats"
	ignoredKey  = "ignored"
	spentKey    = "spent"
	usersKey    = "users"
	roomsKey    = "rooms"
	lookKey     = "look"
	lookedKey   = "looked"
	revokedKey  = "revoked"

	deletionsKey = "deletions"
)

// parseUser is the reverse of the functions above. It is false for a key that is not of users.
func (k keys) parseUser(key string) (keyName, bool) {
	if key == k.users() {
		return keyName{kind: usersKey}, true
	}
	if key == k.publicRooms() {
		return keyName{kind: roomsKey}, true
	}
	if key == k.deletions() {
		return keyName{kind: deletionsKey}, true
	}
	if key == k.revoked() {
		return keyName{kind: revokedKey}, true
	}
	if key == k.looked() {
		return keyName{kind: lookedKey}, true
	}
	if look, of := strings.CutPrefix(key, k.look("")); of && look != "" {
		return keyName{kind: lookKey}, true
	}
	rest, ours := strings.CutPrefix(key, k.prefix+":u:{")
	user, kind, closed := strings.Cut(rest, "}:")
	if !ours || !closed || user == "" {
		return keyName{}, false
	}
	switch kind {
	case accountKey, sessionsKey, chatsKey, ignoredKey, spentKey:
		return keyName{kind: kind}, true
	}
	return keyName{}, false
}

// userOf is the user of a key that parseUser takes for one of hers.
func (k keys) userOf(key string) string {
	user, _, _ := strings.Cut(strings.TrimPrefix(key, k.prefix+":u:{"), "}:")
	return user
}
