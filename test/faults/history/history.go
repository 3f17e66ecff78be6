// Package history is what clients did and what they were told: the evidence that package checker judges.
package history

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// History is everything that was done in some chats. A message is known by its chat and text: no two messages of a
// chat have the same text, and all sends of one text are attempts to store one message.
type History struct {
	Sends []Send
	Pulls []Pull // those that were answered; another one says nothing, unless it is among the Denials
	// Denials are what was refused because of who asked. Everybody who sends and pulls may be in the chat.
	Denials []Denial
	// Intrusions are what those have tried who may not be in a chat.
	Intrusions []Intrusion
	// Logs is every chat that was sent to, as it was read when all clients had ended.
	Logs map[string][]chat.Message
}

// Send is one attempt to send a message. A client makes one after the other.
type Send struct {
	Client       int
	Call, Return time.Duration // since the recording began
	Message      chat.Message  // SendTime is set where it was acknowledged
	Outcome      Outcome
	Duplicate    bool  // it was acknowledged as a repetition
	Err          error // why it was not acknowledged
}

// Pull is one answered pull.
type Pull struct {
	Client       int
	Call, Return time.Duration
	Request      chat.PullRequest
	Page         chat.Page
	Follows      bool // the client continues where its pull before this one ended
}

// Denial is a send or a pull that was refused because of who asked.
type Denial struct {
	Client int
	Chat   string
	Err    error
}

// Intrusion is a send and a pull of one who may not be in the chat.
type Intrusion struct {
	Client   int
	Message  chat.Message
	Sent     error
	Pulled   error
	Messages int // that the pull has shown
}

// Denied says of an error that it is a refusal because of who asks: there is nothing else in these tests that is not
// found.
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

// Outcome is what an answer says about a message.
type Outcome string

// The outcomes.
const (
	Acknowledged Outcome = "acknowledged"
	Refused      Outcome = "refused" // nothing was stored
	Unknown      Outcome = "unknown" // it may be stored, now or later
)

// OutcomeOf is what the error of a send says. Only an answer that promises it says that nothing was stored: a code
// for a wrong request, or these words, which are all that tells one Unavailable from the other; and a connection that
// there never was.
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

// Counts says how many sends had each outcome.
func (h History) Counts() map[Outcome]int {
	counts := map[Outcome]int{Acknowledged: 0, Refused: 0, Unknown: 0}
	for _, s := range h.Sends {
		counts[s.Outcome]++
	}
	return counts
}
