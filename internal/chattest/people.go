package chattest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pullchat/pullchat/internal/chat"
)

// AccountServiceStore is a chat.AccountServiceStore in memory, as simple as it can be.
type AccountServiceStore struct {
	mutex    sync.Mutex
	accounts map[string]chat.StoredAccount
	sessions map[string]map[string]chat.StoredSession
	looks    map[string]string // to users
}

var _ chat.AccountServiceStore = (*AccountServiceStore)(nil)

// NewPeopleStore returns an empty one.
func NewPeopleStore() *AccountServiceStore {
	return &AccountServiceStore{accounts: map[string]chat.StoredAccount{}, sessions: map[string]map[string]chat.StoredSession{}, looks: map[string]string{}}
}

// AddAccount implements chat.AccountStore.
func (s *AccountServiceStore) AddAccount(_ context.Context, a chat.StoredAccount) (chat.Account, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, taken := s.accounts[a.User]; taken {
		return chat.Account{}, chat.Errorf(chat.Conflict, "user %s is registered already", a.User)
	}
	for _, look := range a.Looks {
		if owner, taken := s.looks[look]; taken && owner != a.User {
			return chat.Account{}, chat.LooksLike(a.User, owner)
		}
	}
	for _, look := range a.Looks {
		s.looks[look] = a.User
	}
	a.Created = int64(len(s.accounts) + 1)
	s.accounts[a.User] = a
	s.sessions[a.User] = map[string]chat.StoredSession{}
	return a.Account, nil
}

// ReadAccounts implements chat.AccountStore.
func (s *AccountServiceStore) ReadAccounts(_ context.Context, users []string) ([]chat.StoredAccount, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := make([]chat.StoredAccount, len(users))
	for i, user := range users {
		found[i] = s.accounts[user]
	}
	return found, nil
}

// ReadLooks implements chat.AccountStore.
func (s *AccountServiceStore) ReadLooks(_ context.Context, looks []string) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	owners := make([]string, len(looks))
	for i, look := range looks {
		owners[i] = s.looks[look]
	}
	return owners, nil
}

// ListUsers implements chat.AccountStore.
func (s *AccountServiceStore) ListUsers(_ context.Context, prefix, from string, limit int) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var users []string
	for user := range s.accounts {
		if strings.HasPrefix(user, prefix) && user >= from {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users[:min(limit, len(users))], nil
}

// ReplacePassword implements chat.AccountStore.
func (s *AccountServiceStore) ReplacePassword(_ context.Context, user, oldHash, newHash string, keep chat.Keep) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	a := s.accounts[user]
	if a.PasswordHash != oldHash {
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

// AddSession implements chat.SessionStore.
func (s *AccountServiceStore) AddSession(
	_ context.Context, user, passwordHash, id string, session chat.StoredSession, limit int,
) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.accounts[user].PasswordHash != passwordHash {
		return false, nil
	}
	all := s.sessions[user]
	maps.DeleteFunc(all, func(_ string, kept chat.StoredSession) bool { return kept.Expires <= session.Begun })
	for len(all) >= limit {
		first := ""
		for other, kept := range all {
			if first == "" || kept.Expires < all[first].Expires {
				first = other
			}
		}
		delete(all, first)
	}
	all[id] = session
	return true, nil
}

// ReadSession implements chat.SessionStore.
func (s *AccountServiceStore) ReadSession(_ context.Context, user, id string) (chat.StoredSession, bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	session, found := s.sessions[user][id]
	return session, found, nil
}

// ReplaceSession implements chat.SessionStore.
func (s *AccountServiceStore) ReplaceSession(_ context.Context, user, id string, old, with chat.StoredSession) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if kept, found := s.sessions[user][id]; !found || kept != old {
		return false, nil
	}
	s.sessions[user][id] = with
	return true, nil
}

// SessionIDs implements chat.SessionStore.
func (s *AccountServiceStore) SessionIDs(_ context.Context, user string) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Collect(maps.Keys(s.sessions[user])), nil
}

// EndSession implements chat.SessionStore.
func (s *AccountServiceStore) EndSession(_ context.Context, user, id string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.sessions[user], id)
	return nil
}

// PlainHasher is a chat.Hasher that costs nothing, hides nothing, and counts.
type PlainHasher struct {
	Generation       string // hashes of another one are weak
	Hashes, Verifies atomic.Int64
}

// Hash implements chat.Hasher.
func (h *PlainHasher) Hash(_ context.Context, password string) (string, error) {
	h.Hashes.Add(1)
	return "plain" + h.Generation + "$" + password, nil
}

// Verify implements chat.Hasher.
func (h *PlainHasher) Verify(_ context.Context, password, hash string) (right, weak bool, err error) {
	h.Verifies.Add(1)
	generation, known, found := strings.Cut(hash, "$")
	return found && known == password, found && generation != "plain"+h.Generation, nil
}
