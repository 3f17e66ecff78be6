package ratelimit

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// Registrations is a chat.Accounts that limits registrations. It counts all attempts of an address, except those of services.
// WithClient sets the address.
type Registrations struct {
	accounts

	by        string
	addresses *Limiter
}

type accounts = chat.Accounts // chat.Accounts has a method of the same name

// NewRegistrations returns the Registrations over accounts. by is RegistrationOpen, RegistrationClosed or
// RegistrationService; a rate of zero is no limit.
func NewRegistrations(over chat.Accounts, by string, r Rate) Registrations {
	return Registrations{accounts: over, by: by, addresses: New(r)}
}

// Over returns the same Registrations, with the same counts, over other accounts.
func (r Registrations) Over(accounts chat.Accounts) Registrations {
	r.accounts = accounts
	return r
}

// SetRate changes the rate.
func (r Registrations) SetRate(to Rate) { r.addresses.SetRate(to) }

// The policies for registration.
const (
	RegistrationOpen    = "open"    // all clients may register
	RegistrationClosed  = "closed"  // no client may register
	RegistrationService = "service" // services may register users
)

// Register implements chat.Accounts.
func (r Registrations) Register(ctx context.Context, asked chat.Registration) (chat.Account, error) {
	by, _ := chat.CallerOf(ctx)
	switch {
	case r.by == RegistrationClosed:
		return chat.Account{}, chat.Errorf(chat.PermissionDenied, "registration is closed on this server")
	case r.by == RegistrationService && !by.Service:
		return chat.Account{}, chat.Errorf(chat.PermissionDenied, "only a service registers users here, with its token: ask the operator of this server")
	}
	if !by.Service {
		if err := r.addresses.Take(ClientOf(ctx)); err != nil {
			return chat.Account{}, chat.Wrap(err, chat.ResourceExhausted, "too many registrations from this address; wait for Retry-After")
		}
	}
	return r.accounts.Register(ctx, asked)
}
