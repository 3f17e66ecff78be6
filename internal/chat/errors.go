package chat

import (
	"context"
	"errors"
	"fmt"
)

// Code is the kind of an error. The set is closed; every transport has a table of all codes.
type Code string

// The codes. Errors marked (retry) may disappear when the client repeats the request.
const (
	InvalidArgument      Code = "invalid_argument"
	Unauthenticated      Code = "unauthenticated" // no token, or a wrong password
	TokenInvalid         Code = "token_invalid"
	TokenExpired         Code = "token_expired" // refresh it, or log in again
	PermissionDenied     Code = "permission_denied"
	NotFound             Code = "not_found"
	Conflict             Code = "conflict"
	TooLarge             Code = "too_large"
	UnsupportedMediaType Code = "unsupported_media_type"
	ResourceExhausted    Code = "resource_exhausted" // (retry) later
	Internal             Code = "internal"
	Unavailable          Code = "unavailable"       // (retry)
	DeadlineExceeded     Code = "deadline_exceeded" // (retry) a send's outcome is unknown
)

// Codes lists the whole set.
func Codes() []Code {
	return []Code{
		InvalidArgument, Unauthenticated, TokenInvalid, TokenExpired, PermissionDenied, NotFound, Conflict, TooLarge,
		UnsupportedMediaType, ResourceExhausted, Internal, Unavailable, DeadlineExceeded,
	}
}

// Error is the only error type that a Service returns: a code for programs, a message for people, and a cause for the log,
// which never reaches a client.
type Error struct {
	Code    Code
	Message string
	cause   error
}

// Errorf makes an error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error that hides cause behind a message for people.
func Wrap(cause error, code Code, message string) *Error {
	return &Error{Code: code, Message: message, cause: cause}
}

// Error returns the text for the log, including the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.cause.Error()
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// AsError returns err as an *Error. A deadline that passed is DeadlineExceeded, a cancelled request Unavailable;
// anything else that is not an *Error is Internal.
func AsError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return Wrap(err, DeadlineExceeded, "the request took too long")
	case errors.Is(err, context.Canceled):
		return Wrap(err, Unavailable, "the request was cancelled")
	default:
		return Wrap(err, Internal, "internal error; the server's log has the cause under this request's id")
	}
}

// CodeOf returns the code of err, or "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
