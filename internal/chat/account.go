package chat

import "context"

// Bounds of what an account may have.
const (
	MinPasswordCharacters = 8
	MaxPasswordBytes      = 1024
	MaxNameBytes          = 128
)

// MaxKnown is how many users one Known may ask for.
const MaxKnown = 1000

// Account is a user who has registered. Her password is told to nobody.
type Account struct {
	User    string
	Name    string // for people; may be empty
	Created int64  // microseconds since 1970, by the store's clock
}

// Registration asks for an account.
type Registration struct {
	User     string
	Password string // from MinPasswordCharacters of UTF-8 to MaxPasswordBytes
	Name     string // up to MaxNameBytes of UTF-8 that can be read
}

// AccountsRequest asks for a page of all accounts, ordered by the bytes of their users' ids.
type AccountsRequest struct {
	Prefix string // of the user's id
	Cursor string // a user to begin with, inclusive, whether there is one or not; "" is the beginning
	Limit  int64  // 0 asks for the default, more than the maximum for the maximum
}

// AccountPage is an answer to an AccountsRequest. It may have fewer accounts than the limit although there are more.
type AccountPage struct {
	Accounts   []Account
	HasMore    bool
	NextCursor string // "" at the end
}

// Accounts is who has registered. Like Service, AccountService implements it, and the RPC client over the network; its methods
// are safe for concurrent use and return an *Error or nil.
type Accounts interface {
	// Register makes an account. The error is a Conflict where the user has one, which stays as it is.
	Register(context.Context, Registration) (Account, error)
	// Account returns one, or a NotFound.
	Account(ctx context.Context, user string) (Account, error)
	// Accounts returns a page of all.
	Accounts(context.Context, AccountsRequest) (AccountPage, error)
	// Known returns the accounts of those among up to MaxKnown users who have one, in the order asked.
	Known(ctx context.Context, users []string) ([]Account, error)
}

// StoredAccount is an account as it is kept.
type StoredAccount struct {
	Account
	PasswordHash string
	Looks        []string // forms of the user's id of which no other account has any
	Kept         bool     // it was deleted, and where the user's texts are is not known any more
	Deleted      bool     // there was one, and there will not be another: with it went messages that are under the name
}

// AccountStore is Store's counterpart to Accounts: it knows nothing of the rules, and what it is given has been checked.
type AccountStore interface {
	// AddAccount keeps an account unless the user has one, or another user has one of its Looks, which is then a Conflict.
	// It sets Created. Whoever has an account is in ListUsers, also after a crash, and keeps the Looks for ever.
	AddAccount(context.Context, StoredAccount) (Account, error)
	// ReadAccounts returns the account of each user, in the order asked; one who has none, or none any more, has
	// an empty PasswordHash.
	ReadAccounts(ctx context.Context, users []string) ([]StoredAccount, error)
	// ReadLooks returns the user of each of some looks, "" where it is nobody's.
	ReadLooks(ctx context.Context, looks []string) ([]string, error)
	// ListUsers returns users with a prefix from one on, inclusive, by the bytes of their ids. Some may have no account.
	ListUsers(ctx context.Context, prefix, from string, limit int) ([]string, error)
	// ReplacePassword replaces a hash, if it is still the old one, and ends all sessions but the one that is kept; with
	// keepAll none. It returns whether it did.
	ReplacePassword(ctx context.Context, user, oldHash, newHash string, keep Keep) (bool, error)
}

// Keep says which sessions survive a new password.
type Keep struct {
	All     bool
	Session string // or this one; "" is none
}

// checkNamePart refuses what no user's id begins with.
func checkNamePart(what, part string) error {
	if part == "" {
		return nil
	}
	return checkWord(what, part)
}
