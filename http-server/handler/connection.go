package handler

import (
	"context"
	"net"

	"github.com/cloudwego/hertz/pkg/app"
)

// Connection is what a handler that answers for long needs of the connection below it.
type Connection interface {
	// AwaitClose waits until the client has closed the connection, or it is lost, or Wake is called, also before. What
	// the client sends meanwhile is kept for the next request. Nothing else may read meanwhile.
	AwaitClose()
	// Wake lets AwaitClose return, now or when it is called. What is written to a connection that was taken has a second
	// from now.
	Wake()
	// Take returns the connection, for the handler to write the whole answer, and whatever follows, by itself. It sets
	// its own deadlines.
	Take() net.Conn
	// Leave has serve run, in a goroutine of its own, when the handler has returned: c is not valid any more then. The
	// connection, which must have been taken, is closed when serve returns.
	Leave(c *app.RequestContext, serve func())
	// Linger ends a connection that was given to Take: it sends the end, and waits a little for the client's, so that
	// what the client has sent and nobody reads does not keep it from reading what was written last.
	Linger()
}

type connectionKey struct{}

// OnConnection is the context of everything on a connection.
func OnConnection(ctx context.Context, c Connection) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

func connection(ctx context.Context) Connection {
	return ctx.Value(connectionKey{}).(Connection) //nolint:errcheck // every request comes on a connection
}

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
