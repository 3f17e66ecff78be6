package storage

// The outcomes of append_one.lua, change.lua and restraint.lua besides a position, which is positive. A duplicate answers
// minus its position, so all but the first are below every position's negative. There Lua, whose numbers are doubles, has
// even numbers only.
const (
	outcomeFull       = 0
	outcomeConflict   = -1 << 53
	outcomeOutsider   = -1<<53 - 2
	outcomeDeleted    = -1<<53 - 4
	outcomeUnlisted   = -1<<53 - 6
	outcomeWrongType  = -1<<53 - 8
	outcomeFailed     = -1<<53 - 10
	outcomeNoRoom     = -1<<53 - 12
	outcomeAmended    = -1<<53 - 14
	outcomeNoParent   = -1<<53 - 16
	outcomeNoMentions = -1<<53 - 18
	outcomeNoFile     = -1<<53 - 20
	outcomeTaken      = -1<<53 - 22
	outcomeAnnounced  = -1<<53 - 24

	// A time in microseconds is subtracted from these.
	outcomeMuted   = -1 << 54
	outcomeBanned  = -1 << 55
	outcomeTooSoon = -1 << 56
)
