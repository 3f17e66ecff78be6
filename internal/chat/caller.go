package chat

import (
	"context"
	"time"
)

// Caller is the identity behind a request, from its token. The zero Caller is anonymous.
type Caller struct {
	User    string
	Session string    // the login that the token is of; "" for a service, and for a token of an identity provider
	Service bool      // a service, which may act for any user; User is its name
	Expires time.Time // the token's expiry
	Renews  bool      // the caller replaces a token: Enter refuses it if the login has ended
}

type callerKey struct{}

// WithCaller returns a context with the caller of the request.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the context's caller, and false if there is none.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// ActingUser returns the acting user of a request. named is the user in the request, or "". A user acts as that user
// only, named or not; a service acts for any user. Any other name is PermissionDenied. With AUTH off, any name is
// accepted.
func ActingUser(ctx context.Context, named string) (string, error) {
	c, known := CallerOf(ctx)
	if !known || c.Service {
		return named, nil
	}
	return actFor(named, c)
}

// ActingReader is ActingUser for an optional reader, "alice" or "alice/phone".
func ActingReader(ctx context.Context, named string) (string, error) {
	user, err := ActingUser(ctx, UserOf(named))
	if err != nil || named != "" {
		return named, err
	}
	return user, nil
}
