package chat

import (
	"context"
	"strconv"
	"time"
)

// Limits of words that are counted.
const (
	MaxWordBytes   = 128    // of a word, in its folded form
	MaxWords       = 1000   // that count in all chats
	MaxChatWords   = 100    // that count in one chat
	MaxTotalWords  = 10_000 // in all
	MaxWordsListed = 1000   // in one answer
	MaxWordsKept   = 31 * 24 * time.Hour
)

// WordsProjection is the name of the projection that counts words.
const WordsProjection = "words"

// Word is a registered word. It is counted once for each message that contains it.
type Word struct {
	Word      string // in its folded form
	ID        int64  // when it was registered, in microseconds since 1970; unique. Its counters have this name
	Substring bool   // it counts also inside of other words
	Chat      string // the only chat in which it counts; "" is all
}

// WordCount is a word with the number of messages that contain it.
type WordCount struct {
	Word

	Count int64
}

// TopWords asks for the words with the most messages.
type TopWords struct {
	Chat  string // the counts of this chat; "" is the sum over all chats, of the words registered for all
	Since int64  // from the hour of this time on, in microseconds since 1970; 0 is always
	Limit int    // 0 is 100
}

// WordRegistry are all registered words.
type WordRegistry struct {
	Version   int64  // changes with each change of the words; 0: there has never been one
	Clock     int64  // the storage's clock when they were read, in microseconds since 1970
	KeepHours int    // how long counts by the hour are kept
	Words     []Word // nil if the caller knows the Version
}

// Words are the words that are counted. WordService implements it, and the RPC client does over the network. Services may
// use it, and the admins of a room for that room; with AUTH off, anyone.
type Words interface {
	// PutWord registers a word. It is idempotent; with another Substring the word begins anew.
	PutWord(context.Context, Word) (Word, error)
	// DeleteWord removes a word of Chat, or one that counts in all chats. The error is NotFound if it is not registered.
	DeleteWord(ctx context.Context, of, word string) error
	// Words returns the words with the most messages, the most frequent first. A room's admins see those of the room alone.
	Words(context.Context, TopWords) ([]WordCount, error)
	// RegisteredWords returns all words, if their version is another than known. It is for services.
	RegisteredWords(ctx context.Context, known int64) (WordRegistry, error)
}

// WordStore is the store of a WordService. It applies no rules: its arguments have been checked.
type WordStore interface {
	// AddWord registers a word and sets its ID. The error is Conflict if the chat has most words, or all have MaxTotalWords.
	AddWord(ctx context.Context, w Word, most int) (Word, error)
	// RemoveWord reports whether the word was registered.
	RemoveWord(context.Context, Word) (bool, error)
	// ReadWords returns all words, if their version is another than known.
	ReadWords(ctx context.Context, known int64) (WordRegistry, error)
	// Counts and ChangeProjection are those of Projections.
	Counts(context.Context, CountsQuery) ([]Count, error)
	ChangeProjection(context.Context, ProjectionChange) error
}

// WordGroups are the groups of the counters of words.
type WordGroups struct {
	KeepHours int // how long those of hours and days are kept
}

// WordGroup is a group of counters, and when it is removed, in seconds since 1970; 0: never.
type WordGroup struct {
	Name    string
	Expires int64
}

const (
	hourMicros  = 3600 * 1_000_000
	hoursOfADay = 24
)

// Of returns the groups that count a message of a position: in total, in its day and in its hour. With a chat, they are those
// of the chat.
func (g WordGroups) Of(name string, position int64) [3]WordGroup {
	hour := position / hourMicros
	day := hour / hoursOfADay
	return [3]WordGroup{
		{Name: wordGroup("all", 0, name)},
		{Name: wordGroup("day", day, name), Expires: g.expires(day * hoursOfADay)},
		{Name: wordGroup("hour", hour, name), Expires: g.expires(hour)},
	}
}

// expires is when a group is not read any more that begins with an hour. An hour is added, for clocks that differ.
func (g WordGroups) expires(hour int64) int64 { return (hour + int64(g.KeepHours) + 2) * 3600 }

// Since returns the groups whose sum covers the hours from a position until now; nil if these are not kept. The groups
// are the hours of the first day, and days.
func (g WordGroups) Since(name string, position, now int64) []string {
	if position == 0 {
		return []string{wordGroup("all", 0, name)}
	}
	hour, last := position/hourMicros, now/hourMicros
	if hour < last-int64(g.KeepHours) {
		return nil
	}
	var groups []string
	for ; hour%hoursOfADay != 0; hour++ {
		groups = append(groups, wordGroup("hour", hour, name))
	}
	for day := hour / hoursOfADay; day <= last/hoursOfADay+1; day++ { // a position may be ahead of this clock
		groups = append(groups, wordGroup("day", day, name))
	}
	return groups
}

// wordGroup returns a group's name, such as hour:480000 or all@team.
func wordGroup(kind string, n int64, name string) string {
	if n != 0 {
		kind += ":" + strconv.FormatInt(n, 10)
	}
	if name != "" {
		kind += "@" + name
	}
	return kind
}
