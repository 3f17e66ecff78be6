package handler

import (
	"testing"

	"github.com/pullchat/pullchat/internal/command"
)

// TestEveryFrameCountsAsARoute: a new command must say which.
func TestEveryFrameCountsAsARoute(t *testing.T) {
	t.Parallel()
	for _, name := range command.Names() {
		if frameRoutes[name] == "" {
			t.Errorf("a frame %q counts as no route", name)
		}
	}
	if len(frameRoutes) != len(command.Names()) {
		t.Errorf("frameRoutes has %v, want only %v", frameRoutes, command.Names())
	}
}
