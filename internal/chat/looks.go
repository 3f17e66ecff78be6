package chat

import (
	"context"
	"time"
)

// LookStore is the store of FillLooks.
type LookStore interface {
	AccountStore
	// LeaseLooks acquires the lease of FillLooks, and reports whether the caller has it. With again the caller, who holds
	// it, extends it.
	LeaseLooks(ctx context.Context, lasts time.Duration, again bool) (bool, error)
	// ClaimLooks assigns each free look to its user.
	ClaimLooks(context.Context, []ClaimedLook) error
}

// ClaimedLook is a look and its user.
type ClaimedLook struct {
	Look string
	User string
}

const (
	// looksHold is the pause between two runs. looksLease is the lease of a running server.
	looksHold  = 24 * time.Hour
	looksLease = time.Minute
	looksPage  = 200
)

// FillLooks assigns free looks to accounts of earlier releases, which have none. Of two accounts that look alike one gets
// the look. All servers may call it at any time: one of them runs it, once a day.
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

// claimLooks claims the looks of the users with an account.
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
