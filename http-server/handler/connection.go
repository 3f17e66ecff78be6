package handler

import (
	"context"
	"net"

	"github.com/cloudwego/hertz/pkg/app"
)

// Connection is the interface of the connection below, for handlers with long answers.
type Connection interface {
	// AwaitClose waits until the client closes the connection, the connection is lost, or Wake is or was called. Data that
	// the client sends meanwhile is kept for the next request. Nothing else may read meanwhile.
	AwaitClose()
	// Wake makes a current or later AwaitClose return. Writes to a taken connection have a second from now.
	Wake()
	// Take returns the connection to a handler that writes the whole answer, and all later data, itself. The handler sets
	// its own deadlines.
	Take() net.Conn
	// Leave runs serve in its own goroutine after the handler has returned, when c is invalid. The connection, which must
	// have been taken, is closed when serve returns.
	Leave(c *app.RequestContext, serve func())
	// Linger ends a taken connection: it sends the end and briefly waits for the client's. Otherwise unread data of the
	// client would reset the connection, and the client would lose the last writes. The error is that the connection was
	// lost, and the last writes with it perhaps.
	Linger() error
}

type connectionKey struct{}

// OnConnection is the context of everything on a connection.
func OnConnection(ctx context.Context, c Connection) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

func connection(ctx context.Context) Connection {
	return ctx.Value(connectionKey{}).(Connection) //nolint:errcheck // every request comes on a connection
}

// whileConnected returns a context that ends when the client disconnects. over stops the watch, and returns when it has
// stopped.
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
