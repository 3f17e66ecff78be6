package chat

import (
	"context"
	"time"
)

// Bounds are how often a user may do something. 0 is no bound.
type Bounds struct {
	PerHour int
	PerDay  int
}

// Charge is what a user spends of a bound.
type Charge struct {
	Kind   string
	Amount int
	Limit  int
	Window time.Duration
}

// Kinds of charges: beginning a two-person chat or creating a room, and adding a member to a room.
const (
	newChats     = "chats"
	addedMembers = "members"
)

// Charges are those of some of a kind.
func (b Bounds) charges(kind string, amount int) (charges []Charge) {
	if b.PerHour > 0 && amount > 0 {
		charges = append(charges, Charge{kind, amount, b.PerHour, time.Hour})
	}
	if b.PerDay > 0 && amount > 0 {
		charges = append(charges, Charge{kind, amount, b.PerDay, 24 * time.Hour})
	}
	return charges
}

// NewChats are the charges of one new chat.
func (b Bounds) NewChats() []Charge { return b.charges(newChats, 1) }

// Spender charges users.
type Spender interface {
	// Spend charges a user, or does nothing and returns how long it takes until something can be spent again.
	Spend(ctx context.Context, user string, charges []Charge) (wait time.Duration, err error)
}

// Spent is the error where a user has done something too often.
func Spent(user string, wait time.Duration) error {
	return Errorf(ResourceExhausted, "user %s begins chats or adds members too often; try again in %v", user, wait)
}

// spend charges who acts, where it is a user with a token.
func (l *RoomService) spend(ctx context.Context, who acting, charges []Charge) error {
	if !who.real || l.access.Spender == nil || len(charges) == 0 {
		return nil
	}
	wait, err := l.access.Spender.Spend(ctx, who.user, charges)
	switch {
	case err != nil:
		return AsError(err)
	case wait > 0:
		return Spent(who.user, wait)
	}
	return nil
}
