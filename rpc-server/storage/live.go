package storage

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/events"
)

var _ chat.LiveStore = (*Store)(nil)

var errBase = chat.Errorf(chat.Unavailable, "base")

type baseWatch struct{ *events.Queue }

func (baseWatch) Add(...chat.ID)    {}
func (baseWatch) Remove(...chat.ID) {}

func (s *Store) Watch() chat.Watch { return baseWatch{events.New()} }

func (s *Store) Tell(context.Context, chat.Event) error { return errBase }

func (s *Store) Advance(context.Context, chat.ID, chat.Reading) (int64, error) { return 0, errBase }

func (s *Store) Attend(context.Context, string, map[chat.ID][]string) error { return errBase }

func (s *Store) Present(context.Context, chat.ID) ([]string, error) { return nil, errBase }
