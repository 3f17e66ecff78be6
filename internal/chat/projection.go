package chat

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// A projection is a consumer of all chats: a named set of cursors, one in each chat. Workers run projections. The chats are
// laid out in partitions; a worker has a lease on those that it handles, with a token that fences off an earlier owner.
// docs/projections.md describes how a worker uses this interface.

// LeaseLasts is how long a lease lasts that is not renewed.
const LeaseLasts = 6 * time.Second

// MaxMoved is how many chats one MovedSince returns at most.
const MaxMoved = 10_000

// Projections has the methods that workers need besides Service. They are for services; with AUTH off, for anyone.
type Projections interface {
	// PartitionStates returns the states of partitions, in their order; nil is all of them, from 0.
	PartitionStates(ctx context.Context, partitions []int) ([]PartitionState, error)
	// Moved returns the chats with news, for each query in order.
	Moved(context.Context, []MovedSince) ([][]MovedChat, error)
	// Claim takes, renews and releases leases.
	Claim(context.Context, ClaimRequest) (Claimed, error)
	// Cursors returns the stored cursor of each chat, in order; the zero Cursor for none.
	Cursors(ctx context.Context, projection string, chats []string) ([]Cursor, error)
	// Commit stores cursors. It tells of each commit whether it was stored; false: the lease is lost.
	Commit(ctx context.Context, projection string, commits []Commit) ([]bool, error)
	// Projections returns the state of one projection, or of all of them, sorted by name. One that does not exist is NotFound.
	Projections(ctx context.Context, name string) ([]ProjectionState, error)
	// ChangeProjection pauses a projection, or moves its cursors.
	ChangeProjection(context.Context, ProjectionChange) error
	// DeadLetters returns events that could not be handled, oldest first, up to limit; 0 is 100.
	DeadLetters(ctx context.Context, name string, limit int) ([]DeadLetter, error)
	// Counts returns the counters of some groups.
	Counts(context.Context, CountsQuery) ([]Count, error)
}

// PartitionState is where a partition stands.
type PartitionState struct {
	Newest int64 // the newest position of its chats; 0 for none
	Clock  int64 // the storage's clock at that moment: positions that follow are not below it, unless the clock goes back
}

// MovedSince asks for the chats of a partition whose newest position is at Since or later, up to Limit of them.
type MovedSince struct {
	Partition int
	Since     int64
	Limit     int
}

// MovedChat is a chat with its newest position.
type MovedChat struct {
	Chat     string
	Position int64
}

// ClaimRequest is a heartbeat of a worker.
type ClaimRequest struct {
	Projection string
	Worker     string // a unique name of the process
	Claims     []Claim
	Start      int64 // where a new projection begins; StartNow is now
	Leaving    bool  // the worker takes no more leases
}

// StartNow has a new projection begin with the messages that follow.
const StartNow = -1

// Claim asks for the lease of a partition, or renews it, or releases it.
type Claim struct {
	Partition int
	Token     int64 // of the lease that the worker has; 0 for none
	Floor     int64 // with a Token: the events of all positions before it were handled
	Release   bool
	Forget    bool // with Release: the partition has no chats of the projection; the next owner begins anew
}

// Claimed is the answer to a heartbeat.
type Claimed struct {
	Leases  []Lease  // in the order of the claims
	Workers []string // that share the projection, sorted
	Paused  bool
}

// Lease is the state of a partition as its owner knows it. With a Token of 0 another worker has the lease.
type Lease struct {
	Token        int64
	Start        int64    // the cursor of a chat without one
	Floor        int64    // the events of all positions before it were handled
	FailingSince int64    // microseconds since 1970; 0: it is not failing
	Revive       []string // dead letters that are to be handled again
}

// Cursor is how far a projection has come in a chat.
type Cursor struct {
	Position int64  // the next position; 0 for no cursor
	State    string // the consumer's own, at most MaxCursorState bytes
}

// MaxCursorState bounds the state that a consumer keeps with a cursor.
const MaxCursorState = 64 << 10

// String is the stored form: the position, and behind a space the state, if there is one.
func (c Cursor) String() string {
	if c.Position == 0 {
		return ""
	}
	position := strconv.FormatInt(c.Position, 10)
	if c.State == "" {
		return position
	}
	return position + " " + c.State
}

// ParseProjectionCursor is the reverse of String. It returns the zero Cursor for a malformed text.
func ParseProjectionCursor(stored string) Cursor {
	position, state, _ := strings.Cut(stored, " ")
	n, err := strconv.ParseInt(position, 10, 64)
	if err != nil || n <= 0 || n > MaxCursor {
		return Cursor{}
	}
	return Cursor{Position: n, State: state}
}

// Commit is the progress in one partition.
type Commit struct {
	Partition    int
	Token        int64
	Floor        int64
	Cursors      []CommittedCursor
	Handled      int64 // events since the last commit
	FailingSince int64 // microseconds since 1970; 0: not failing
	Error        string
	Dead         []DeadLetter
	Revived      []string // events that are dead letters no more
}

// CommittedCursor is the cursor of a chat. With Counts, they are added if the stored cursor is Expected, and in the same step;
// otherwise the answer to an earlier try was lost.
type CommittedCursor struct {
	Chat     string
	Cursor   Cursor // the zero Cursor removes it
	Expected Cursor
	Counts   []Count
}

// Count adds to a counter. Counters are read by their group. Those of a group stand one after another in a CommittedCursor.
type Count struct {
	Group, Counter string
	Amount         int64
	Expires        int64 // seconds since 1970: when the group is removed; the same for all counts of a group. 0: never
}

// MaxCountGroups is how many groups one CountsQuery names at most.
const MaxCountGroups = 64

// CountsQuery asks for the counters of groups, each the sum over all partitions.
type CountsQuery struct {
	Projection string
	Groups     []string
	Chat       string // only the partition of this chat; "" is all
}

// DeadLetter is an event that could not be handled, and was left out.
type DeadLetter struct {
	Event string // its id
	Error string
	At    int64 // microseconds since 1970
}

// EventID names an event for ever: the message of a chat at a position.
func EventID(chat string, position int64) string { return chat + "@" + strconv.FormatInt(position, 10) }

// ParseEventID is the reverse of EventID.
func ParseEventID(event string) (chat string, position int64, ok bool) {
	at := strings.LastIndexByte(event, '@')
	if at < 0 {
		return "", 0, false
	}
	position, err := strconv.ParseInt(event[at+1:], 10, 64)
	return event[:at], position, err == nil && position > 0
}

// ProjectionState describes a projection.
type ProjectionState struct {
	Name         string
	Created      int64 // microseconds since 1970
	Paused       bool
	Lag          time.Duration // age of the oldest position that may not have been handled
	Behind       int64         // chats that may have such positions
	Handled      int64         // events, since its beginning
	DeadLetters  int64
	FailingSince int64 // microseconds since 1970; 0: not failing
	Error        string
	Owners       map[string]int // worker → partitions
}

// ProjectionAction is a kind of ChangeProjection.
type ProjectionAction string

// The actions.
const (
	PauseProjection  ProjectionAction = "pause"
	ResumeProjection ProjectionAction = "resume"
	ReplayProjection ProjectionAction = "replay" // every chat begins again at Start
	SkipProjection   ProjectionAction = "skip"   // skips the events that Chat, or every chat, has until now
	ReviveProjection ProjectionAction = "revive" // the dead letters are handled again
	RemoveProjection ProjectionAction = "remove"
)

// ProjectionChange asks for an action.
type ProjectionChange struct {
	Name   string
	Action ProjectionAction
	Start  int64
	Chat   string
}

// CheckProjectionName returns why no projection may have this name, or nil.
func CheckProjectionName(name string) error {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return Errorf(InvalidArgument, "projection %q: a name has 1 to 64 of a-z, 0-9, dot, hyphen and underscore", name)
	}
	return nil
}
