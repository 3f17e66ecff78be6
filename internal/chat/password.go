package chat

import (
	"context"
	"unicode/utf8"
)

// prepare returns the form of a password to hash, as Names defines it, so that every keyboard yields the same one.
func (a Access) prepare(password string) (string, bool) {
	if a.Names == nil {
		return password, true
	}
	return a.Names.Password(password)
}

// newPassword checks a new password and returns the form to hash.
func (a Access) newPassword(what, password string) (string, error) {
	switch {
	case len(password) > MaxPasswordBytes:
		return "", Errorf(InvalidArgument, "%s is %d bytes; the limit is %d", what, len(password), MaxPasswordBytes)
	case !utf8.ValidString(password):
		return "", Errorf(InvalidArgument, "%s is not valid UTF-8", what)
	case password == "":
		return "", Errorf(InvalidArgument, "%s is empty; it needs %d characters at least", what, MinPasswordCharacters)
	}
	prepared, allowed := a.prepare(password)
	if !allowed {
		return "", Errorf(InvalidArgument, "%s contains a character that no password may have, such as a control character", what)
	}
	if n := utf8.RuneCountInString(prepared); n < MinPasswordCharacters {
		return "", Errorf(InvalidArgument, "%s is %d characters; it needs %d at least", what, n, MinPasswordCharacters)
	}
	return prepared, nil
}

// verify returns the account of credentials. It does the same work for every failure.
func (s *AccountService) verify(ctx context.Context, c Credentials) (StoredAccount, error) {
	if err := checkName("user", c.User); err != nil {
		return StoredAccount{}, err
	}
	if len(c.Password) > MaxPasswordBytes || !utf8.ValidString(c.Password) {
		return StoredAccount{}, Errorf(InvalidArgument, "password is not up to %d bytes of UTF-8", MaxPasswordBytes)
	}
	known, err := s.read(ctx, c.User)
	if err != nil {
		return StoredAccount{}, err
	}
	prepared, allowed := s.Access.prepare(c.Password)
	if !allowed {
		prepared = c.Password // a hash of an earlier release may be of the unprepared password
	}
	if known.PasswordHash == NoPassword {
		known.PasswordHash = ""
	}
	right, weak, err := s.hasher.Verify(ctx, prepared, known.PasswordHash)
	if err == nil && !right && prepared != c.Password {
		right, _, err = s.hasher.Verify(ctx, c.Password, known.PasswordHash)
		weak = true
	}
	switch {
	case err != nil:
		return StoredAccount{}, AsError(err)
	case !right || known.PasswordHash == "":
		return StoredAccount{}, wrongCredentials()
	case !weak:
		return known, nil
	}
	return s.strengthen(ctx, c.User, prepared, known)
}

// strengthen replaces a hash with older parameters, or of an unprepared password, while the password is known.
func (s *AccountService) strengthen(ctx context.Context, user, prepared string, known StoredAccount) (StoredAccount, error) {
	hash, err := s.hasher.Hash(ctx, prepared)
	if err != nil {
		return StoredAccount{}, AsError(err)
	}
	replaced, err := s.store.ReplacePassword(ctx, user, known.PasswordHash, hash, Keep{All: true})
	switch {
	case err != nil:
		return StoredAccount{}, AsError(err)
	case !replaced: // another request replaced it
		return s.read(ctx, user)
	}
	known.PasswordHash = hash
	return known, nil
}
