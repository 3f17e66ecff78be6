package chattest

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

// Silent is a chat.Live where nothing happens, for tests of the log. Its watches confirm nothing.
type Silent struct{}

var _ chat.Live = Silent{}

// Watch returns a watch without events.
func (Silent) Watch() chat.Watch { return silence{events.New()} }

// Signal takes it.
func (Silent) Signal(context.Context, chat.Signal) error { return nil }

// Read echoes its input.
func (Silent) Read(_ context.Context, r chat.ReadRequest) (int64, error) {
	return r.Reading.Cursor, nil
}

// Attend takes it.
func (Silent) ReportPresence(context.Context, string, []chat.Attendance) error { return nil }

// Present returns no readers.
func (Silent) Present(context.Context, string) ([]string, error) { return nil, nil }

type silence struct{ *events.Queue }

func (silence) Add(...chat.ID)    {}
func (silence) Remove(...chat.ID) {}
