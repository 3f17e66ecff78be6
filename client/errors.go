package client

import (
	"encoding/json"
	"fmt"
)

// Error is an answer other than success.
type Error struct {
	Status    int    `json:"-"` // HTTP's
	RequestID string `json:"-"` // names the request in the server's log
	Code      string `json:"code"`
	Message   string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// error also makes an *Error of what a proxy in between answered.
func (a *answer) error() *Error {
	e := &Error{Status: a.status, RequestID: a.header.Get("X-Request-Id")}
	if err := json.Unmarshal(a.body, e); err != nil || e.Code == "" {
		e.Code, e.Message = "unknown", a.line
	}
	return e
}

// RetryError is how a call fails that was made more than once, and a send whose outcome is not known. Other calls that
// were made once fail with the error itself. An *Error in Err is found by errors.As.
type RetryError struct {
	Attempts int    // how many were made, one that the context cut short included
	ID       string // of a send: the id that every attempt carried; "" for a message without one
	Unknown  bool   // the message may or may not be stored; of Register, ChangePassword, and Create and Delete of Rooms, the same may or may not be done
	Err      error  // of the last attempt; where the context ended the call, its error and that of the attempt before

	unknown string // what is unknown, where that is not whether a message is stored
}

// Error implements error.
func (e *RetryError) Error() string {
	text := e.Err.Error()
	if e.Attempts > 1 {
		text = fmt.Sprintf("%s (after %d attempts)", text, e.Attempts)
	}
	switch {
	case e.Unknown && e.unknown != "":
		text += "; " + e.unknown
	case e.Unknown && e.ID != "":
		text += "; it is unknown whether the message is stored: send it again with the id " + e.ID + " to be sure"
	case e.Unknown:
		text += "; it is unknown whether the message is stored, and it has no id with which to send it again"
	}
	return text
}

// Unwrap returns Err.
func (e *RetryError) Unwrap() error { return e.Err }
