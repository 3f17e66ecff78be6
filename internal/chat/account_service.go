package chat

import (
	"context"
	"time"
)

// Hasher hashes passwords. Its methods are slow on purpose, and return Unavailable if too many callers wait.
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
	// Verify reports whether a password matches a hash, and whether Hash would make a stronger one now. With the hash ""
	// it does the same work and reports false.
	Verify(ctx context.Context, password, hash string) (right, weak bool, err error)
}

// HashPurpose is the reason for hashing a password. Each purpose has its own queue in a Hasher.
type HashPurpose int

// The purposes.
const (
	HashToLogIn HashPurpose = iota
	HashToRegister
	HashToChange // a password, or to delete an account
	HashPurposes // the number of purposes
)

type hashPurposeKey struct{}

// WithHashPurpose returns a context with the purpose of a hash, for a Hasher.
func WithHashPurpose(ctx context.Context, p HashPurpose) context.Context {
	return context.WithValue(ctx, hashPurposeKey{}, p)
}

// HashPurposeOf returns the context's purpose, HashToLogIn by default.
func HashPurposeOf(ctx context.Context) HashPurpose {
	p, _ := ctx.Value(hashPurposeKey{}).(HashPurpose)
	return p
}

// AccountServiceStore is the store of an AccountService.
type AccountServiceStore interface {
	AccountStore
	SessionStore
}

// AccountOptions are the limits of an AccountService. All are positive.
type AccountOptions struct {
	DefaultLimit, MaxLimit int              // accounts in a page
	SessionLasts           time.Duration    // without a Refresh
	Now                    func() time.Time // nil is time.Now
}

// AccountService implements Accounts and Sessions. It applies every rule before it calls the store.
type AccountService struct {
	store   AccountServiceStore
	hasher  Hasher
	options AccountOptions
	Access  Access  // the access rules
	Deleter Deleter // nil: DeleteAccount is refused
	// IsSuspended reports whether a user is suspended now. nil: no user is.
	IsSuspended func(ctx context.Context, user string) (bool, error)
}

var (
	_ Accounts = (*AccountService)(nil)
	_ Sessions = (*AccountService)(nil)
)

// NewAccountService returns the AccountService over a store.
func NewAccountService(store AccountServiceStore, access Access, hasher Hasher, options AccountOptions) *AccountService {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &AccountService{store: store, Access: access, hasher: hasher, options: options}
}

// Account implements Accounts.
func (s *AccountService) Account(ctx context.Context, user string) (Account, error) {
	by := callerOf(ctx)
	if _, err := s.Access.identified(by); err != nil {
		return Account{}, err
	}
	if err := checkName("user", user); err != nil {
		return Account{}, err
	}
	known, err := s.read(ctx, user)
	if err == nil && known.PasswordHash == "" {
		err = Errorf(NotFound, "there is no user %s", user)
	}
	if err != nil {
		return Account{}, err
	}
	private := by.Service || by.User == user
	if private || !known.HidesLastSeen {
		known.LastSeen, err = s.store.ReadLastSeen(ctx, user)
	}
	known.HidesLastSeen = known.HidesLastSeen && private
	return known.Account, orNil(err)
}

// ChangeAccount implements Accounts.
func (s *AccountService) ChangeAccount(ctx context.Context, c AccountChange) (Account, error) {
	user, err := s.Access.owner("user", c.User, callerOf(ctx))
	if err != nil {
		return Account{}, err
	}
	if c.HideLastSeen == nil {
		return Account{}, Errorf(InvalidArgument, "nothing to change: give hide_last_seen")
	}
	found, err := s.store.HideLastSeen(ctx, user, *c.HideLastSeen)
	switch {
	case err != nil:
		return Account{}, AsError(err)
	case !found:
		return Account{}, Errorf(NotFound, "there is no user %s", user)
	}
	return s.Account(ctx, user)
}

// read returns an account, with an empty PasswordHash if there is none.
func (s *AccountService) read(ctx context.Context, user string) (StoredAccount, error) {
	accounts, err := s.store.ReadAccounts(ctx, []string{user})
	if err != nil {
		return StoredAccount{}, AsError(err)
	}
	return accounts[0], nil
}

// Accounts implements Accounts.
func (s *AccountService) Accounts(ctx context.Context, r AccountsRequest) (AccountPage, error) {
	if _, err := s.Access.identified(callerOf(ctx)); err != nil {
		return AccountPage{}, err
	}
	if err := checkNamePart("prefix", r.Prefix); err != nil {
		return AccountPage{}, err
	}
	if err := checkNamePart("cursor", r.Cursor); err != nil {
		return AccountPage{}, err
	}
	if err := CheckLimit(r.Limit); err != nil {
		return AccountPage{}, err
	}
	limit := s.options.DefaultLimit
	if r.Limit > 0 {
		limit = int(min(r.Limit, int64(s.options.MaxLimit)))
	}
	users, err := s.store.ListUsers(ctx, r.Prefix, max(r.Cursor, r.Prefix), limit+1)
	if err != nil {
		return AccountPage{}, AsError(err)
	}
	var page AccountPage
	if len(users) > limit {
		page.HasMore, page.NextCursor = true, users[limit]
		users = users[:limit]
	}
	page.Accounts, err = s.existing(ctx, users)
	return page, err
}

// existing returns the accounts that exist among users.
func (s *AccountService) existing(ctx context.Context, users []string) ([]Account, error) {
	if len(users) == 0 {
		return nil, nil
	}
	stored, err := s.store.ReadAccounts(ctx, users)
	if err != nil {
		return nil, AsError(err)
	}
	accounts := make([]Account, 0, len(stored))
	for _, a := range stored {
		if a.PasswordHash != "" {
			a.HidesLastSeen = false // lists do not tell
			accounts = append(accounts, a.Account)
		}
	}
	return accounts, nil
}

// Known implements Accounts.
func (s *AccountService) Known(ctx context.Context, users []string) ([]Account, error) {
	if _, err := s.Access.identified(callerOf(ctx)); err != nil {
		return nil, err
	}
	if len(users) > MaxKnown {
		return nil, Errorf(InvalidArgument, "%d users are too many; the limit is %d", len(users), MaxKnown)
	}
	asked := make([]string, 0, len(users))
	seen := make(map[string]struct{}, len(users))
	for _, user := range users {
		if err := checkName("user", user); err != nil {
			return nil, err
		}
		if _, again := seen[user]; !again {
			seen[user] = struct{}{}
			asked = append(asked, user)
		}
	}
	return s.existing(ctx, asked)
}

// wrongCredentials does not reveal whether the user is registered.
func wrongCredentials() error {
	return Errorf(Unauthenticated, "the user or the password is wrong")
}

// Login implements Sessions.
func (s *AccountService) Login(ctx context.Context, c Credentials) (Session, error) {
	known, err := s.verify(ctx, c)
	if err != nil {
		return Session{}, err
	}
	now := s.options.Now()
	session, id, stored := newSession(c.User, now, s.options.SessionLasts)
	added, err := s.store.AddSession(ctx, c.User, known.PasswordHash, id, stored, MaxSessions)
	switch {
	case err != nil:
		return Session{}, AsError(err)
	case !added: // the password was changed at the same time
		return Session{}, wrongCredentials()
	}
	// Last, because Suspend ends the sessions that exist by then.
	if err := s.refuseSuspended(ctx, c.User); err != nil {
		if ended := s.store.EndSession(ctx, c.User, id); ended != nil {
			return Session{}, AsError(ended)
		}
		return Session{}, err
	}
	return session, nil
}

// refreshAttempts bounds the retries of a Refresh that loses a race with another one.
const refreshAttempts = 5

// Refresh implements Sessions.
func (s *AccountService) Refresh(ctx context.Context, r RefreshRequest) (Session, error) {
	if len(r.Key) > MaxKeyBytes {
		return Session{}, Errorf(InvalidArgument, "key is %d bytes; the limit is %d", len(r.Key), MaxKeyBytes)
	}
	user, id, secret, err := splitToken(r.Token)
	if err != nil {
		return Session{}, err
	}
	for range refreshAttempts {
		now := s.options.Now()
		stored, found, err := s.store.ReadSession(ctx, user, id)
		switch {
		case err != nil:
			return Session{}, AsError(err)
		case !found:
			return Session{}, Errorf(TokenInvalid, "this session has ended; log in again")
		case now.UnixMilli() >= stored.Expires:
			return Session{}, Errorf(TokenExpired, "this session has expired; log in again")
		}
		next := nextSecret(stored.Seed, secret, r.Key)
		session := sessionOf(user, id, next)
		used := hashToken(secret)
		if r.Key != "" && sameHash(used, stored.Previous) && sameHash(hashToken(next), stored.Current) {
			return session, nil // the same request again
		}
		if !sameHash(used, stored.Current) {
			return Session{}, s.endReused(ctx, user, id)
		}
		with := StoredSession{
			Begun: now.UnixMilli(), Expires: now.Add(s.options.SessionLasts).UnixMilli(),
			Seed: stored.Seed, Current: hashToken(next), Previous: used,
		}
		replaced, err := s.store.ReplaceSession(ctx, user, id, stored, with)
		if err != nil {
			return Session{}, AsError(err)
		}
		if replaced {
			return session, nil
		}
	}
	return Session{}, Errorf(Unavailable, "this session is being refreshed by another request; try again")
}

// endReused ends a session whose refresh token was used twice, because one of the two holders has stolen it.
func (s *AccountService) endReused(ctx context.Context, user, id string) error {
	if err := s.store.EndSession(ctx, user, id); err != nil {
		return AsError(err)
	}
	return Errorf(TokenInvalid, "this refresh token is not the session's latest, so the session was ended; log in again")
}

// Logout implements Sessions.
func (s *AccountService) Logout(ctx context.Context, r LogoutRequest) error {
	if r.RefreshToken == "" {
		if checkName("user", r.User) != nil || !isRandom(r.Session, 16) {
			return Errorf(InvalidArgument, "no session is named: give refresh_token")
		}
		id, err := s.sessionID(ctx, r.User, r.Session)
		if err != nil || id == "" {
			return err
		}
		return orNil(s.store.EndSession(ctx, r.User, id))
	}
	user, id, secret, err := splitToken(r.RefreshToken)
	if err != nil {
		return err
	}
	stored, found, err := s.store.ReadSession(ctx, user, id)
	if err != nil || !found {
		return orNil(err)
	}
	if used := hashToken(secret); !sameHash(used, stored.Current) && !sameHash(used, stored.Previous) {
		return Errorf(TokenInvalid, "this is not the session's refresh token")
	}
	return orNil(s.store.EndSession(ctx, user, id))
}

// sessionID returns the storage id of a session, or "". Tokens of earlier releases contain the storage id itself.
func (s *AccountService) sessionID(ctx context.Context, user, session string) (string, error) {
	ids, err := s.store.SessionIDs(ctx, user)
	if err != nil {
		return "", AsError(err)
	}
	for _, id := range ids {
		if sameHash(id, session) || sameHash(sessionName(id), session) {
			return id, nil
		}
	}
	return "", nil
}

// CheckSession returns nil if a session exists, or the error.
func (s *AccountService) CheckSession(ctx context.Context, user, session string) error {
	id, err := s.sessionID(ctx, user, session)
	if err != nil {
		return err
	}
	stored, found, err := s.store.ReadSession(ctx, user, id)
	switch {
	case err != nil:
		return AsError(err)
	case !found || s.options.Now().UnixMilli() >= stored.Expires:
		return Errorf(TokenInvalid, "this session has ended; log in again")
	}
	return nil
}

// ChangePassword implements Sessions.
func (s *AccountService) ChangePassword(ctx context.Context, c PasswordChange) error {
	prepared, err := s.Access.newPassword("new_password", c.NewPassword)
	if err != nil {
		return err
	}
	ctx = WithHashPurpose(ctx, HashToChange)
	known, err := s.verify(ctx, Credentials{User: c.User, Password: c.Password})
	if err == nil {
		err = s.refuseSuspended(ctx, c.User)
	}
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, prepared)
	if err != nil {
		return AsError(err)
	}
	var keep Keep
	if c.Session != "" {
		if keep.Session, err = s.sessionID(ctx, c.User, c.Session); err != nil {
			return err
		}
	}
	replaced, err := s.store.ReplacePassword(ctx, c.User, known.PasswordHash, hash, keep)
	switch {
	case err != nil:
		return AsError(err)
	case !replaced: // changed concurrently: the password is not the current one any more
		return wrongCredentials()
	}
	return nil
}
