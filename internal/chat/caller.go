package chat

import (
	"context"
	"time"
)

// Caller is who makes a request, as the token says that came with it.
type Caller struct {
	User    string
	Session string    // the login that the token is of; "" for a service
	Service bool      // a back end, which acts for any user; User is its name
	Expires time.Time // when the token ends
	Renews  bool      // goes on with another token: Enter refuses it where the login has ended
}

type callerKey struct{}

// WithCaller returns a context that carries who makes the request that it serves.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who makes a request, and false where nobody has asked.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// ActingUser is the user for whom a request acts that names one, or "". A caller acts for herself, also without being
// named, and for others if she is a service; else the error is PermissionDenied. Where nobody has asked who the caller
// is, she is who she says.
func ActingUser(ctx context.Context, named string) (string, error) {
	c, known := CallerOf(ctx)
	if !known || c.Service {
		return named, nil
	}
	return actFor(named, c)
}

// ActingReader is ActingUser for a reader, "alice" or "alice/phone", whom a request may leave out.
func ActingReader(ctx context.Context, named string) (string, error) {
	user, err := ActingUser(ctx, UserOf(named))
	if err != nil || named != "" {
		return named, err
	}
	return user, nil
}
