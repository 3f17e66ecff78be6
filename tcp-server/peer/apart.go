package peer

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is a panic in the goroutine of a connection, or in a function that Apart ran.
type PanicError struct {
	Cause any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprint("panic: ", e.Cause) }

// Apart runs work in a goroutine of its own, and waits for it. The deep stack of a call over RPC ends with it, so that the
// connection's own goroutine stays small while it waits for the client.
func Apart(work func() error) error {
	done := make(chan error)
	go func() {
		var err error
		defer func() {
			if cause := recover(); cause != nil {
				err = &PanicError{cause, debug.Stack()}
			}
			done <- err
		}()
		err = work()
	}()
	return <-done
}

// Recovered is deferred. After a panic, here or in a function that Apart ran, it replaces the error.
func Recovered(err *error, replace func(*PanicError) error) {
	if cause := recover(); cause != nil {
		*err = &PanicError{cause, debug.Stack()}
	}
	if failed, ok := errors.AsType[*PanicError](*err); ok {
		*err = replace(failed)
	}
}
