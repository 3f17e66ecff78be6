package chat

import "context"

// Limits of an account.
const (
	MinPasswordCharacters = 8
	MaxPasswordBytes      = 1024
	MaxNameBytes          = 128
)

// MaxKnown is the maximum number of users in one call of Known.
const MaxKnown = 1000

// Account is a registered user, without the password.
type Account struct {
	User    string
	Name    string // the display name; may be empty
	Created int64  // microseconds since 1970, by the store's clock

	// LastSeen is about when the user was connected last, in microseconds since 1970, to the minute; 0 is unknown, or hidden from
	// the caller. HidesLastSeen is known to the user and to services. Only Account and ChangeAccount return both.
	LastSeen      int64
	HidesLastSeen bool
}

// Registration asks for an account.
type Registration struct {
	User     string
	Password string // from MinPasswordCharacters of UTF-8 to MaxPasswordBytes
	Name     string // up to MaxNameBytes of legible UTF-8
	// External registers a user of an identity provider, without a password. If the user has an account without a password,
	// Register returns it unchanged. Only gateways set it, after they have verified a token of the provider.
	External bool
	// Adopt accepts an External user's account with a password too. Without it such an account is a Conflict: another
	// person may have registered the name.
	Adopt bool
}

// NoPassword is the PasswordHash of an account without a password. No password matches it.
const NoPassword = "none"

// AccountsRequest asks for a page of all accounts, sorted by the bytes of their users' ids.
type AccountsRequest struct {
	Prefix string // of the user's id
	Cursor string // the first user, inclusive, registered or not; "" is the beginning
	Limit  int64  // 0 means the default; above the maximum means the maximum
}

// AccountPage answers an AccountsRequest. It may have fewer accounts than the limit although there are more.
type AccountPage struct {
	Accounts   []Account
	HasMore    bool
	NextCursor string // "" at the end
}

// AccountChange changes an account.
type AccountChange struct {
	User         string // "" is the caller
	HideLastSeen *bool  // from other users; nil: unchanged
}

// Accounts registers and reads users. AccountService implements it, and the RPC client does over the network. Its methods
// are safe for concurrent use and return an *Error or nil.
type Accounts interface {
	// Register creates an account. The error is Conflict if the user has one, which stays unchanged.
	Register(context.Context, Registration) (Account, error)
	// Account returns a user's account, or NotFound.
	Account(ctx context.Context, user string) (Account, error)
	// ChangeAccount changes an account, and returns it.
	ChangeAccount(context.Context, AccountChange) (Account, error)
	// Accounts returns a page of all accounts.
	Accounts(context.Context, AccountsRequest) (AccountPage, error)
	// Known returns the accounts that exist among up to MaxKnown users, in the order of users.
	Known(ctx context.Context, users []string) ([]Account, error)
}

// StoredAccount is the stored form of an account.
type StoredAccount struct {
	Account
	PasswordHash string
	Looks        []string // forms of the user's id, which no other account shares
	Kept         bool     // it was deleted, and the server no longer knows the user's chats
	Deleted      bool     // it was deleted, and the name stays taken, because messages still have it
}

// AccountStore is the store of Accounts. It applies no rules: its arguments have been checked.
type AccountStore interface {
	// AddAccount stores an account and sets Created. It is Conflict if the user has one, or another user has one of its
	// Looks. From then on ListUsers returns the user, also after a crash. The Looks are never released.
	AddAccount(context.Context, StoredAccount) (Account, error)
	// ReadAccounts returns the account of each user, in order. A missing or deleted account has an empty PasswordHash.
	ReadAccounts(ctx context.Context, users []string) ([]StoredAccount, error)
	// ReadLastSeen returns when a user was connected last, in microseconds since 1970; 0 is unknown.
	ReadLastSeen(ctx context.Context, user string) (int64, error)
	// HideLastSeen sets HidesLastSeen of an account. It reports whether there is one.
	HideLastSeen(ctx context.Context, user string, hide bool) (bool, error)
	// ReadLooks returns the user of each look, "" for a free one.
	ReadLooks(ctx context.Context, looks []string) ([]string, error)
	// ListUsers returns users with a prefix, from one on, inclusive, sorted by the bytes of their ids. Some may have no
	// account.
	ListUsers(ctx context.Context, prefix, from string, limit int) ([]string, error)
	// ReplacePassword replaces a hash if it is still the old one, and ends all sessions that keep does not name. It reports
	// whether it did.
	ReplacePassword(ctx context.Context, user, oldHash, newHash string, keep Keep) (bool, error)
}

// Keep names the sessions that survive a password change.
type Keep struct {
	All     bool
	Session string // or this one; "" is none of them
}

// checkNamePart refuses a prefix that no user's id can have.
func checkNamePart(what, part string) error {
	if part == "" {
		return nil
	}
	return checkWord(what, part)
}
