// Package request has what the middleware and the handlers of HTTP both know of a request: where it comes from, whether it
// changes something, and what it counts towards.
package request

import "context"

type limitKey struct{}

// WithLimit returns a context with a rate limit: take counts a further request of a route, and returns the error of a
// refused one.
func WithLimit(ctx context.Context, take func(route string) error) context.Context {
	return context.WithValue(ctx, limitKey{}, take)
}

// Limit counts a frame as a request of a route.
func Limit(ctx context.Context, route string) error {
	if take, ok := ctx.Value(limitKey{}).(func(string) error); ok {
		return take(route)
	}
	return nil
}
