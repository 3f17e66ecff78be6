package chat

import "context"

// Register implements Accounts.
func (s *AccountService) Register(ctx context.Context, r Registration) (Account, error) {
	prepared, err := s.checkRegistration(r)
	if err != nil {
		return Account{}, err
	}
	// Looked up first, so that a taken name costs no hash. The store decides between concurrent registrations.
	known, err := s.read(ctx, r.User)
	switch {
	case err != nil:
		return Account{}, err
	case r.External && known.PasswordHash != "":
		return known.Account, checkExternal(r, known)
	case known.PasswordHash != "":
		return Account{}, Errorf(Conflict, "user %s is registered already", r.User)
	case known.Deleted:
		return Account{}, Errorf(Conflict, "user %s was deleted; the name cannot be registered again", r.User)
	}
	looks := s.Access.looks(r.User)
	owners, err := s.store.ReadLooks(ctx, looks)
	if err != nil {
		return Account{}, AsError(err)
	}
	for _, owner := range owners {
		if owner != "" && owner != r.User {
			return Account{}, LooksLike(r.User, owner)
		}
	}
	hash := NoPassword
	if !r.External {
		if hash, err = s.hasher.Hash(WithHashPurpose(ctx, HashToRegister), prepared); err != nil {
			return Account{}, AsError(err)
		}
	}
	account, err := s.store.AddAccount(ctx, StoredAccount{
		Account: Account{User: r.User, Name: r.Name}, PasswordHash: hash, Looks: looks,
	})
	if r.External && CodeOf(err) == Conflict { // another gateway may have registered the user at the same time
		if known, err := s.read(ctx, r.User); err == nil && known.PasswordHash != "" {
			return known.Account, checkExternal(r, known)
		}
	}
	return account, orNil(err)
}

// checkExternal returns nil if the account is that of the identity provider's user.
func checkExternal(r Registration, known StoredAccount) error {
	if known.PasswordHash == NoPassword || r.Adopt {
		return nil
	}
	return Errorf(Conflict, "user %s has an account with a password on this server, which may be another person's", r.User)
}

// LooksLike is the error for a user's name that looks like another one.
func LooksLike(user, other string) error {
	return Errorf(Conflict, "user %s looks like %s, whose name is taken; choose another one", user, other)
}

// checkRegistration returns the form in which the password is hashed.
func (s *AccountService) checkRegistration(r Registration) (prepared string, err error) {
	err = checkName("user", r.User)
	if err == nil {
		err = s.Access.checkNew("user", r.User)
	}
	if err == nil {
		err = s.Access.checkUnreserved("user", r.User)
	}
	if err == nil {
		err = checkLabel(r.Name, MaxNameBytes)
	}
	if err != nil || r.External {
		return "", err
	}
	return s.Access.newPassword("password", r.Password)
}
