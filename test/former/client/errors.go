package client

import (
	"encoding/json"
	"fmt"
	"time"
)

// Error is an answer other than success.
type Error struct {
	Status    int    `json:"-"` // HTTP's
	RequestID string `json:"-"` // names the request in the server's log
	// RetryAfter is when the request may succeed, as the server says; 0 if it does not.
	RetryAfter time.Duration `json:"-"`

	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// error returns the answer as an *Error, also one of a proxy in between.
func (a *answer) error() *Error {
	e := &Error{Status: a.status, RequestID: a.header.Get("X-Request-Id"), RetryAfter: a.retryAfter()}
	if err := json.Unmarshal(a.body, e); err != nil || e.Code == "" {
		e.Code, e.Message = "unknown", a.line
	}
	return e
}

// RetryError is the error of a call with several attempts, and of a send with an unknown outcome. Other calls with one
// attempt return the error itself. errors.As finds an *Error in Err.
type RetryError struct {
	Attempts int    // the number of attempts, including one that the context cut short
	ID       string // of a send: the id that every attempt carried; "" for a message without one
	Unknown  bool   // the message may be stored; Register, ChangePassword, Rooms.Create and Rooms.Delete may have succeeded
	Err      error  // of the last attempt; if the context ended the call, its error and that of the previous attempt

	unknown string // the unknown outcome of a call that is not a send
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
