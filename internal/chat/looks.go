package chat

import (
	"context"
	"time"
)

// LookStore is what FillLooks needs of a store.
type LookStore interface {
	AccountStore
	// LeaseLooks has nobody else fill looks for a time, and returns whether that is the caller's to do: always with again,
	// for who has begun.
	LeaseLooks(ctx context.Context, lasts time.Duration, again bool) (bool, error)
	// ClaimLooks gives each look that is nobody's to its user.
	ClaimLooks(context.Context, []ClaimedLook) error
}

// ClaimedLook is a look, and the user to whom it is given.
type ClaimedLook struct {
	Look string
	User string
}

const (
	// looksHold is for how long nobody looks through the accounts again, and looksLease for how long the one who does
	// may be silent.
	looksHold  = 24 * time.Hour
	looksLease = time.Minute
	looksPage  = 200
)

// FillLooks gives the looks that are nobody's to the accounts that have them: accounts of earlier releases have none, and
// of two that look alike one keeps the look. All servers may call it as often as they like: one does it, once a day.
func FillLooks(ctx context.Context, store LookStore, names Names) error {
	access := Access{Names: names}
	if mine, err := store.LeaseLooks(ctx, looksLease, false); err != nil || !mine {
		return err
	}
	for from := ""; ; {
		users, err := store.ListUsers(ctx, "", from, looksPage+1)
		if err != nil {
			return err
		}
		more := len(users) > looksPage
		if more {
			users, from = users[:looksPage], users[looksPage]
		}
		if err := claimLooks(ctx, store, access, users); err != nil {
			return err
		}
		if !more {
			_, err := store.LeaseLooks(ctx, looksHold, true)
			return err
		}
		if _, err := store.LeaseLooks(ctx, looksLease, true); err != nil {
			return err
		}
	}
}

// claimLooks claims the looks of those who have an account.
func claimLooks(ctx context.Context, store LookStore, access Access, users []string) error {
	accounts, err := store.ReadAccounts(ctx, users)
	if err != nil {
		return err
	}
	var claims []ClaimedLook
	for _, a := range accounts {
		if a.PasswordHash == "" {
			continue
		}
		for _, look := range access.looks(a.User) {
			claims = append(claims, ClaimedLook{Look: look, User: a.User})
		}
	}
	return store.ClaimLooks(ctx, claims)
}
