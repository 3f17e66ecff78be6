package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// AddSession implements chat.SessionStore with login.lua.
func (s *Store) AddSession(
	ctx context.Context, user, passwordHash, id string, session chat.StoredSession, limit int,
) (bool, error) {
	did, err := s.runUser(ctx, loginScript, []string{s.keys.Account(user), s.keys.Sessions(user)},
		passwordHash, id, layout.FormatSession(session), session.Begun, session.Expires-session.Begun, limit)
	return did == 1, userError("begin a session of "+user, err)
}

// ReadSession implements chat.SessionStore.
func (s *Store) ReadSession(ctx context.Context, user, id string) (chat.StoredSession, bool, error) {
	key, tried := s.keys.Sessions(user), "read a session of "+user
	var call *redis.StringCmd
	err := s.callOne(ctx, tried, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HGet(ctx, key, id)
		return call
	})
	switch {
	case errors.Is(err, redis.Nil):
		return chat.StoredSession{}, false, nil
	case err != nil:
		return chat.StoredSession{}, false, err
	}
	session, err := layout.ParseSession(call.Val())
	if err != nil {
		return chat.StoredSession{}, false, fmt.Errorf("%s: %w", tried, err)
	}
	return session, true, nil
}

// ReplaceSession implements chat.SessionStore with refresh.lua.
func (s *Store) ReplaceSession(ctx context.Context, user, id string, old, with chat.StoredSession) (bool, error) {
	did, err := s.runUser(ctx, refreshScript, []string{s.keys.Sessions(user)},
		id, layout.FormatSession(old), layout.FormatSession(with), with.Expires-with.Begun)
	return did == 1, userError("refresh a session of "+user, err)
}

// SessionIDs implements chat.SessionStore.
func (s *Store) SessionIDs(ctx context.Context, user string) ([]string, error) {
	key := s.keys.Sessions(user)
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "list the sessions of "+user, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HKeys(ctx, key)
		return call
	})
	if err != nil {
		return nil, err
	}
	return call.Val(), nil
}

// EndSession implements chat.SessionStore.
func (s *Store) EndSession(ctx context.Context, user, id string) error {
	key := s.keys.Sessions(user)
	err := s.write(ctx, key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		return pipeline.HDel(ctx, key, id)
	})
	return userError("end a session of "+user, err)
}
