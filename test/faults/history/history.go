// Package history records clients' calls and their answers: the evidence for package checker.
package history

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// History is all calls in some chats. A chat and a text identify a message: no two messages of a chat have the same
// text, and all sends of one text are attempts to store one message. A change of a message is a send of its entry, whose text
// is the change's id.
type History struct {
	Sends []Send
	Pulls []Pull // answered ones; others prove nothing, unless they are Denials
	// Denials are calls refused to a user with access. All who send and pull have access to the chat.
	Denials []Denial
	// Intrusions are attempts of users without access to a chat.
	Intrusions []Intrusion
	// Logs is every chat that was sent to, read after all clients ended.
	Logs map[string][]chat.Message
	// Shown is the same with the current state of the messages.
	Shown map[string][]chat.Message
}

// Send is one attempt to send a message. A client makes one after the other.
type Send struct {
	Client       int
	Call, Return time.Duration // since the recording began
	Message      chat.Message  // SendTime is set where it was acknowledged
	Outcome      Outcome
	Duplicate    bool  // acknowledged as a duplicate
	Err          error // why it was not acknowledged
	ReplyTo      int64 // the message that it answers, or 0
	Change       *chat.Change
}

// Kind is "send", "reply", or the kind of change.
func (s Send) Kind() string {
	switch {
	case s.Change != nil:
		return string(s.Change.Kind)
	case s.ReplyTo != 0:
		return "reply"
	}
	return "send"
}

// Pull is one answered pull.
type Pull struct {
	Client       int
	Call, Return time.Duration
	Request      chat.PullRequest
	Page         chat.Page
	Follows      bool // continues where the client's previous pull ended
}

// Denial is a send or a pull that was refused for lack of access.
type Denial struct {
	Client int
	Chat   string
	Err    error
}

// Intrusion is a send and a pull by a user without access.
type Intrusion struct {
	Client   int
	Message  chat.Message
	Sent     error
	Pulled   error
	Messages int // shown by the pull
}

// Denied reports whether an error denies access. In these tests not_found has no other cause.
func Denied(err error) bool {
	answer, ok := errors.AsType[*chat.Error](err)
	if !ok {
		return false
	}
	switch answer.Code {
	case chat.Unauthenticated, chat.TokenInvalid, chat.TokenExpired, chat.PermissionDenied, chat.NotFound:
		return true
	}
	return false
}

// Outcome is the information in an answer about a message.
type Outcome string

// The outcomes.
const (
	Acknowledged Outcome = "acknowledged"
	Refused      Outcome = "refused" // nothing was stored
	Unknown      Outcome = "unknown" // it may be stored, now or later
)

// OutcomeOf classifies the error of a send. Only three errors say that nothing was stored: a code for a wrong request,
// an Unavailable with these words, and a connection that was never made.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Acknowledged
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Refused
	}
	answer, ok := errors.AsType[*chat.Error](err)
	if !ok {
		return Unknown
	}
	switch answer.Code {
	case chat.InvalidArgument, chat.Unauthenticated, chat.PermissionDenied, chat.NotFound, chat.Conflict, chat.TooLarge,
		chat.UnsupportedMediaType, chat.ResourceExhausted, chat.TokenInvalid, chat.TokenExpired:
		return Refused
	}
	if strings.Contains(answer.Message, "nothing was stored") || strings.Contains(answer.Message, "nothing was done") {
		return Refused
	}
	return Unknown
}

// Kinds returns the number of acknowledged sends of each kind.
func (h History) Kinds() map[string]int {
	kinds := map[string]int{}
	for _, s := range h.Sends {
		if s.Outcome == Acknowledged {
			kinds[s.Kind()]++
		}
	}
	return kinds
}

// Counts returns the number of sends with each outcome.
func (h History) Counts() map[Outcome]int {
	counts := map[Outcome]int{Acknowledged: 0, Refused: 0, Unknown: 0}
	for _, s := range h.Sends {
		counts[s.Outcome]++
	}
	return counts
}
