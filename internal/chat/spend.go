package chat

import (
	"context"
	"fmt"
	"time"
)

// Bounds are a user's limits for one kind of action. 0 is no limit.
type Bounds struct {
	PerHour int
	PerDay  int
}

// Charge is an amount to spend of a limit.
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

// charges returns the charges for an amount of a kind.
func (b Bounds) charges(kind string, amount int) (charges []Charge) {
	if b.PerHour > 0 && amount > 0 {
		charges = append(charges, Charge{kind, amount, b.PerHour, time.Hour})
	}
	if b.PerDay > 0 && amount > 0 {
		charges = append(charges, Charge{kind, amount, b.PerDay, 24 * time.Hour})
	}
	return charges
}

// NewChats returns the charges of one new chat.
func (b Bounds) NewChats() []Charge { return b.charges(newChats, 1) }

// Spender charges users.
type Spender interface {
	// Spend charges a user. If a limit is exhausted it charges nothing and returns the time to wait.
	Spend(ctx context.Context, user string, charges []Charge) (wait time.Duration, err error)
}

// Spent is the error for an exhausted limit.
func Spent(user string, wait time.Duration) error {
	return Wrap(RetryIn(wait), ResourceExhausted, fmt.Sprintf("user %s begins chats or adds members too often; try again in %v", user, wait))
}

// spend charges the acting user, if it is a user with a token.
func (s *RoomService) spend(ctx context.Context, who acting, charges []Charge) error {
	if !who.real || s.Access.Spender == nil || len(charges) == 0 {
		return nil
	}
	wait, err := s.Access.Spender.Spend(ctx, who.user, charges)
	switch {
	case err != nil:
		return AsError(err)
	case wait > 0:
		return Spent(who.user, wait)
	}
	return nil
}
