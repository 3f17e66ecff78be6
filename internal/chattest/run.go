package chattest

import (
	"context"
	"testing"
)

// Run runs a server, or another program.Part, until the test ends. That it cannot stop fails the test.
func Run(t testing.TB, part interface{ Run(context.Context) error }) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- part.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("stop %T: %v", part, err)
		}
	})
}
