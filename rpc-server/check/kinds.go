package check

// faultKind describes a FaultKind.
type faultKind struct {
	kind       FaultKind
	rule       string // the rule that holds in sound data
	advice     string // the action for an operator
	repairable bool
}

// faultKinds is in the order of reports.
var faultKinds = []faultKind{
	{
		FaultPartitions, "the number of partitions is pinned, and is the one that servers use",
		"if it is missing, start one server, which pins it; if it is another number, this Redis belongs to another layout", false,
	},
	{
		FaultType, "a key has the type of its kind",
		"find out what wrote it; RENAME it out of the way, then repair", false,
	},
	{
		FaultChatID, "a chat's id is in its canonical form",
		"servers never read it; RENAME a log to the canonical id if that chat has none", false,
	},
	{
		FaultPartition, "a chat's keys and activity lie in the partition that its id hashes to",
		"servers never read it; RENAME a log to its own partition if the chat has none there, then repair", false,
	},
	{
		FaultLogMember, "every entry of a log can be read",
		"pulls over it fail: keep the entry elsewhere, then ZREM it", false,
	},
	{
		FaultLogScore, "an entry's 16 digits are its score, and a position",
		"ZADD it again with its digits as the score, or ZREM it", false,
	},
	{
		FaultLogShared, "no two entries of a log share a position",
		"cursors cannot name the second one: ZREM the one that does not belong there", false,
	},
	{
		FaultLogSender, "the sender in a two-person chat is one of the two",
		"find out what wrote it: no server stores that", false,
	},
	{
		FaultActivityMissing, "a chat with a log has an activity entry",
		"--repair adds it with the log's newest position", true,
	},
	{
		FaultActivityLow, "a chat's activity is not below its log's newest position",
		"--repair raises it to that position", true,
	},
	{
		FaultActivityHigh, "a chat's activity is not above its log's newest position",
		"the newest messages are gone: restore them from a backup, or leave it (positions stay unique)", false,
	},
	{
		FaultActivityScore, "an activity entry's score is a position",
		"ZADD it with the log's newest position as the score", false,
	},
	{
		FaultIDsEntry, "an entry of ids is sender/id, with or without a digest, at a position",
		"ZREM it", false,
	},
	{
		FaultIDsWrong, "an entry of ids belongs to the message at its position",
		"a repeated send of that id is answered with another message's position: ZREM it, then repair", false,
	},
	{
		FaultIDsLost, "an entry of ids points at a message that is there or that trimming removed",
		"the message is gone from the middle or the end of its log: restore it, or ZREM the entry so that it can be sent again", false,
	},
	{
		FaultIDsTwin, "an entry of ids has its twin with, or without, the digest",
		"the message is trimmed, so the digest cannot be made again: ZREM it, or wait for the window to pass", false,
	},
	{
		FaultIDsMissing, "a message with an id has both entries in ids within the window",
		"--repair adds them; without them the id could be stored twice", true,
	},
	{
		FaultIDRepeated, "an id is stored once within the window",
		"it was sent again after its ids were lost, or IDEMPOTENCY_WINDOW has been lengthened since: ZREM one, or leave both", false,
	},
	{
		FaultReactions, "a message counts for each emoji the users whose reactions the chat has",
		"the next reaction with that emoji counts them anew", false,
	},
	{
		FaultVersions, "an earlier text is of a message that is there, or that trimming removed, and that was not deleted",
		"the text should be gone: ZREMRANGEBYLEX the key from \"[\" and the message's 16 digits to \"(\", these digits and \":\"", false,
	},
	{
		FaultChatUnlisted, "a two-person chat with messages is in the lists of its two users",
		"--repair adds it; without it the chat is in no inbox until the next message", true,
	},
	{
		FaultListEntry, "an entry of a user's list is one of the user's conversations at 0, or a room at -1 or the time of its listing; an entry of im:rooms is a room",
		"ZREM it, then repair", false,
	},
	{
		FaultCursor, "a reader is a user who may read the chat, or a device of such a user, and its cursor is valid",
		"HDEL the reader: then the whole chat counts as unread", false,
	},
	{
		FaultCursorAhead, "a reader's cursor is not past the chat's end",
		"--repair moves it to the end; until then new messages do not count as unread for the reader", true,
	},
	{
		FaultRoom, "a room has its visibility and its creation time",
		"HSET what is missing; without a visibility the room is open to all users", false,
	},
	{
		FaultRoomMissing, "members belong to a room that exists",
		"restore the room's hash, or UNLINK its members", false,
	},
	{
		FaultRoomMember, "a room's member is a user with a role, and the position of the notice of it",
		"the room cannot be shown: HSET the member as role and position, or HDEL the member, then repair", false,
	},
	{
		FaultRoomAdmins, "a room's number of admins is the number of its members with that role",
		"HSET admins to that number while no server changes the room; with a wrong one it may end without an admin", false,
	},
	{
		FaultRoomRules, "a room's rules, pins, bans and mutes can be read, and its members' hash has the rules too",
		"a ban, mute or rule may not apply: HDEL what cannot be read, then change slow mode or a ban of the room", false,
	},
	{
		FaultRoomUnlisted, "a room is in the lists of its members, and a public one in im:rooms",
		"--repair adds it; without it the room is not found, and in no inbox", true,
	},
	{
		FaultUser, "a user's keys, and the entries of im:users and im:revoked, name a user",
		"servers never read it: UNLINK or ZREM it", false,
	},
	{
		FaultAccount, "an account has a password hash and its creation time, or says that the user was deleted",
		"the user cannot log in: restore the account, or UNLINK it so that the name can be registered", false,
	},
	{
		FaultUserUnlisted, "a user with an account is in im:users",
		"--repair adds the user; without it no list of users has the user", true,
	},
	{
		FaultDeletion, "every pending deletion can be read",
		"find out which user it concerns, ZREM it, and delete that user again", false,
	},
	{
		FaultSession, "every session can be read",
		"HDEL it: its user logs in again", false,
	},
	{
		FaultModeration, "every suspension, every entry of the audit log and every report can be read, and the report is listed by its state",
		"HDEL or ZREM it; a suspended user stays suspended, without a reason, until it is removed", false,
	},
	{
		FaultIgnored, "an ignored name is a user's",
		"SREM it", false,
	},
	{
		FaultPush, "every push subscription and every muted chat of a user can be read",
		"HDEL it: servers leave it out", false,
	},
	{
		FaultAttachment, "every attachment, and every entry about one, can be read, and a user's files have the right sum",
		"HDEL or ZREM it; the file of an unreadable attachment stays in the store of files until it is removed there", false,
	},
	{
		FaultAttachmentUnlooked, "every attachment has a time when it is looked at",
		"--repair adds it; without it the file would stay for ever", true,
	},
	{
		FaultLook, "every look of a name belongs to a user",
		"UNLINK it: within a day a server assigns it to the account with that look", false,
	},
}
