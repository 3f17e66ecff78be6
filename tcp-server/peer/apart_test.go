package peer

import (
	"errors"
	"strings"
	"testing"
)

// TestPanics: a panic of a connection is an error with its stack, wherever it happens, and anything else stays as it is.
func TestPanics(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	fails := func() error { panic("here") }
	for name, c := range map[string]struct {
		serve func() error
		cause any
		want  error
	}{
		"apart":    {func() error { return Apart(fails) }, "here", nil},
		"here":     {fails, "here", nil},
		"an error": {func() error { return Apart(func() error { return plain }) }, nil, plain},
		"nothing":  {func() error { return Apart(func() error { return nil }) }, nil, nil},
	} {
		var seen *PanicError
		got := func() (err error) {
			defer Recovered(&err, func(p *PanicError) error {
				seen = p
				return nil
			})
			return c.serve()
		}()
		if !errors.Is(got, c.want) || (seen != nil) != (c.cause != nil) {
			t.Errorf("%s: the error is %v, and the panic %v", name, got, seen)
		}
		if seen != nil && (seen.Cause != c.cause || !strings.Contains(string(seen.Stack), "TestPanics")) {
			t.Errorf("%s: the panic is %v, with the stack %s", name, seen.Cause, seen.Stack)
		}
	}
}
