// Package request has the properties of an HTTP request that both middleware and handlers need: its address and origin,
// whether it changes data, and the limits that it counts towards.
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
