package chat

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// UserSessions implements Moderation.
func (s *ModerationService) UserSessions(ctx context.Context, user string) ([]UserSession, error) {
	_, err := s.service(ctx)
	if err == nil {
		err = checkName("user", user)
	}
	if err != nil {
		return nil, err
	}
	stored, err := s.store.ReadSessions(ctx, user)
	if err != nil {
		return nil, AsError(err)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	sessions := []UserSession{}
	for id, session := range stored {
		if session.Expires > now().UnixMilli() {
			sessions = append(sessions, UserSession{ID: sessionName(id), Used: session.Begun * 1000, Expires: session.Expires * 1000})
		}
	}
	slices.SortFunc(sessions, func(a, b UserSession) int { return cmp.Or(cmp.Compare(a.Used, b.Used), cmp.Compare(a.ID, b.ID)) })
	return sessions, nil
}

// EndSessions implements Moderation. The entry is kept first, so that no session ends without one.
func (s *ModerationService) EndSessions(ctx context.Context, a UserAction, session string) error {
	do := AuditEndSessions
	if session != "" {
		do = AuditEndSession
	}
	entry, err := s.act(ctx, do, a)
	if err == nil && session != "" && !isRandom(session, 16) {
		err = Errorf(InvalidArgument, "session is not an id of a session")
	}
	if err != nil {
		return err
	}
	ids, err := s.store.ReadSessions(ctx, a.User)
	if err != nil {
		return AsError(err)
	}
	for id := range ids {
		if session != "" && !sameHash(sessionName(id), session) {
			delete(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := s.store.Record(ctx, entry); err != nil {
		return AsError(err)
	}
	if session == "" { // also those that began meanwhile
		return orNil(s.store.EndSessions(ctx, a.User))
	}
	for id := range ids {
		if err := s.store.EndSession(ctx, a.User, id); err != nil {
			return AsError(err)
		}
	}
	return nil
}

// ResetPassword implements Moderation. The entry is kept first, so that no password changes without one.
func (s *ModerationService) ResetPassword(ctx context.Context, a UserAction, password string) error {
	entry, err := s.act(ctx, AuditResetPassword, a)
	var prepared string
	if err == nil {
		prepared, err = s.Access.newPassword("password", password)
	}
	var known StoredAccount
	if err == nil {
		known, err = s.account(ctx, a.User)
	}
	if err == nil && known.PasswordHash == NoPassword {
		err = Errorf(Conflict, "user %s has no password, but logs in at the identity provider", a.User)
	}
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(WithHashPurpose(ctx, HashToChange), prepared)
	if err == nil {
		err = s.store.Record(ctx, entry)
	}
	if err != nil {
		return AsError(err)
	}
	replaced, err := s.store.ReplacePassword(ctx, a.User, known.PasswordHash, hash, Keep{})
	switch {
	case err != nil:
		return AsError(err)
	case !replaced:
		return Errorf(Conflict, "the password of %s was changed at the same time; try again", a.User)
	}
	return nil
}
