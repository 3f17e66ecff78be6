package handler

import "context"

// Connection is what a handler that answers for long needs of the connection below it.
type Connection interface {
	// Stream says that the answer has no end: each part of it may take long.
	Stream()
	// Take says that what follows the answer is another protocol, which sets its own deadlines.
	Take()
	// AwaitClose waits until the client has closed the connection, or it is lost, or Wake is called, also before. What
	// the client sends meanwhile is kept for the next request. Nothing else may read meanwhile.
	AwaitClose()
	// Wake lets AwaitClose return, now or when it is called; what is written to a connection that was given to Stream or
	// Take has a second from now.
	Wake()
}

type connectionKey struct{}

// OnConnection is the context of everything on a connection.
func OnConnection(ctx context.Context, c Connection) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

func connection(ctx context.Context) Connection { return ctx.Value(connectionKey{}).(Connection) }

// whileConnected returns a context that ends when the client goes away, and what to call when that does not matter any
// more: it returns when nothing waits for the client.
func whileConnected(ctx context.Context) (connected context.Context, over func()) {
	connected, cancel := context.WithCancel(ctx)
	c, ended := connection(ctx), make(chan struct{})
	go func() {
		defer close(ended)
		c.AwaitClose()
		cancel()
	}()
	return connected, func() {
		c.Wake()
		<-ended
	}
}

type limitKey struct{}

// WithLimit is the context of a request whose client may only ask so often: take counts a further request of a route,
// and returns why it is refused.
func WithLimit(ctx context.Context, take func(route string) error) context.Context {
	return context.WithValue(ctx, limitKey{}, take)
}

// limit counts what comes in a frame as a request of a route.
func limit(ctx context.Context, route string) error {
	if take, ok := ctx.Value(limitKey{}).(func(string) error); ok {
		return take(route)
	}
	return nil
}
