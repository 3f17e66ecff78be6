package chattest

import (
	"context"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// AddAccount implements chat.AccountStore.
func (s *Store) AddAccount(_ context.Context, a chat.StoredAccount) (chat.Account, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, look := range a.Looks {
		if owner, taken := s.looks[look]; taken && owner != a.User {
			return chat.Account{}, chat.LooksLike(a.User, owner)
		}
	}
	if _, taken := s.accounts[a.User]; taken {
		return chat.Account{}, chat.Errorf(chat.Conflict, "user %s is registered already", a.User)
	}
	for _, look := range a.Looks {
		s.looks[look] = a.User
	}
	a.Created = s.now()
	s.accounts[a.User] = a
	return a.Account, nil
}

// ReadAccounts implements chat.AccountStore.
func (s *Store) ReadAccounts(_ context.Context, users []string) ([]chat.StoredAccount, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := make([]chat.StoredAccount, len(users))
	for i, user := range users {
		found[i] = s.accounts[user]
		found[i].User = user
	}
	return found, nil
}

// ReadLastSeen implements chat.AccountStore.
func (s *Store) ReadLastSeen(_ context.Context, user string) (int64, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.seen[user], nil
}

// HideLastSeen implements chat.AccountStore.
func (s *Store) HideLastSeen(_ context.Context, user string, hide bool) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	account, known := s.accounts[user]
	if !known || account.Deleted {
		return false, nil
	}
	account.HidesLastSeen = hide
	s.accounts[user] = account
	return true, nil
}

// ReadLooks implements chat.AccountStore.
func (s *Store) ReadLooks(_ context.Context, looks []string) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	owners := make([]string, len(looks))
	for i, look := range looks {
		owners[i] = s.looks[look]
	}
	return owners, nil
}

// ListUsers implements chat.AccountStore.
func (s *Store) ListUsers(_ context.Context, prefix, from string, limit int) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var users []string
	for user, a := range s.accounts {
		if !a.Deleted && strings.HasPrefix(user, prefix) {
			users = append(users, user)
		}
	}
	return pageFrom(users, from, limit), nil
}

// ReplacePassword implements chat.AccountStore.
func (s *Store) ReplacePassword(_ context.Context, user, oldHash, newHash string, keep chat.Keep) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	a := s.accounts[user]
	if a.PasswordHash == "" || a.PasswordHash != oldHash {
		return false, nil
	}
	a.PasswordHash = newHash
	s.accounts[user] = a
	for id := range s.sessions[user] {
		if !keep.All && id != keep.Session {
			delete(s.sessions[user], id)
		}
	}
	return true, nil
}

// LeaseLooks implements chat.LookStore.
func (s *Store) LeaseLooks(_ context.Context, lasts time.Duration, again bool) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.options.Clock()
	if !again && now.Before(s.leased) {
		return false, nil
	}
	s.leased = now.Add(lasts)
	return true, nil
}

// ClaimLooks implements chat.LookStore.
func (s *Store) ClaimLooks(_ context.Context, claims []chat.ClaimedLook) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range claims {
		if s.looks[c.Look] == "" {
			s.looks[c.Look] = c.User
		}
	}
	return nil
}
