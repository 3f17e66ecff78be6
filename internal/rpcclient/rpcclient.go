// Package rpcclient implements chat.Service and chat.Live over Kitex. Gateways use it in place of a store.
package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/kerrors"
	"golang.org/x/sync/singleflight"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/internal/wire"
)

// Config says where the rpc-servers are.
type Config struct {
	RPCServers []string `name:"rpc-servers" env:"RPC_SERVERS" default:"127.0.0.1:8888" placeholder:"HOST:PORT" help:"Addresses of the rpc-servers; a DNS name may stand for many."`
	RPCSecret  string   `name:"rpc-secret" env:"RPC_SECRET" secret:"" placeholder:"TEXT" help:"Secret that the rpc-servers require; empty for none."`

	Metrics *metrics.Client  `kong:"-"` // nil: off
	Traces  *tracing.Tracing `kong:"-"` // nil: off
}

const (
	// callTimeout leaves an rpc-server the time to report an error: it gives up on Redis after 1.2 s.
	callTimeout    = 1700 * time.Millisecond
	connectTimeout = 500 * time.Millisecond
)

// answerWithin bounds the whole of a call, on however many servers it is tried.
const answerWithin = 1900 * time.Millisecond

// Client is a chat.Service behind which there are rpc-servers. It gathers concurrent calls into batches, and sends each
// batch to a server that answers. A call that never reached a server goes to another one. A call that may have arrived is
// repeated only if it is a read, or a message with an id.
type Client struct {
	servers *servers
	asking  singleflight.Group // of Ready
	ready   atomic.Pointer[readiness]
}

// readiness is an answer to Ready. It is good for readyFor.
type readiness struct {
	at  time.Time
	err error
}

const readyFor = 50 * time.Millisecond

var _ chat.Service = (*Client)(nil)

// Services are all that rpc-servers offer, through this Client.
func (c *Client) Services() chat.Services {
	return chat.Services{
		Messages: c, Live: c, Accounts: c, Sessions: c, Rooms: c, Admission: c, Inboxes: c, Projections: c, Words: c, Webhooks: c, Pushes: c, Changes: c, Moderation: c, Attachments: c, Deliveries: c,
	}
}

// New returns a Client. No rpc-server need be there yet. The error names the invalid address.
func New(config Config) (*Client, error) {
	servers, err := newServers(config)
	if err != nil {
		return nil, err
	}
	config.Metrics.Servers(servers.count)
	return &Client{servers: servers}, nil
}

// Close waits for the calls under way and ends the Client's goroutines and watches. Calls that come later are
// Unavailable.
func (c *Client) Close() { c.servers.close() }

// Send implements chat.Service.
func (c *Client) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	sending := wire.Sending{Message: m, By: caller(ctx), RequestID: logging.RequestID(ctx)}
	response, lost, err := try(ctx, c.servers, m.ID != "", func(ctx context.Context, s *server) (*rpc.SendResponse, error) {
		return s.sends.Do(ctx, sending)
	})
	if err != nil {
		return chat.Receipt{}, callError(err, sendError)
	}
	receipt, err := wire.ReceiptOf(response)
	if lost != nil && temporary(err) { // this server did nothing, but another may have stored the message
		return chat.Receipt{}, sendError(errors.Join(lost, err))
	}
	return receipt, err
}

// temporary: the server could not say more than that it has not stored the message itself.
func temporary(err error) bool {
	code := chat.CodeOf(err)
	return code == chat.Unavailable || code == chat.DeadlineExceeded || code == chat.Internal
}

// Pull implements chat.Service.
func (c *Client) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	request := wire.PullRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.PullResponse, error) {
		return s.pulls.Do(ctx, request)
	})
	if err != nil {
		return chat.Page{}, callError(err, readError)
	}
	return wire.PageOf(response)
}

// Ready implements chat.Service: it asks one server that answers. Callers meanwhile, and for a moment after, get the
// same answer, so that any number of health checks costs no more than one.
func (c *Client) Ready(ctx context.Context) error {
	answer := c.asking.DoChan("", func() (any, error) {
		if last := c.ready.Load(); last != nil && time.Since(last.at) < readyFor {
			return nil, last.err
		}
		err := c.askReady(context.WithoutCancel(ctx))
		c.ready.Store(&readiness{at: time.Now(), err: err})
		return nil, err
	})
	select {
	case result := <-answer:
		return result.Err
	case <-ctx.Done():
		return readError(ctx.Err())
	}
}

func (c *Client) askReady(ctx context.Context) error {
	request := wire.ReadyRequest(logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.ReadyResponse, error) {
		return s.kitex.Ready(ctx, request)
	})
	if err != nil {
		return callError(err, readError)
	}
	return wire.ReadyOf(response)
}

var errNoServer = errors.New("the names of the rpc-servers resolve to no address at the moment")

// try makes a call on one server after the other until one answers, whatever it says. A call that may have arrived is
// made again only if it is repeatable; lost is then the error of the first one that may have. Where no server answers,
// err is that error, or the last one where none may have arrived.
func try[Response any](ctx context.Context, servers *servers, repeatable bool,
	call func(context.Context, *server) (Response, error),
) (response Response, lost, err error) {
	until := time.Now().Add(answerWithin)
	var tried []*server
	err = errNoServer
	for s := servers.pick(nil); s != nil; s = servers.pick(tried) {
		s.calls.Add(1)
		response, err = call(ctx, s)
		s.calls.Add(-1)
		if err == nil {
			return response, lost, nil
		}
		if errors.Is(err, batch.ErrFull) || errors.Is(err, batch.ErrPanic) {
			break
		}
		if ctx.Err() == nil {
			s.leave()
		}
		if !neverArrived(err) {
			if lost == nil {
				lost = err
			}
			if !repeatable {
				break
			}
		}
		if tried == nil { // the remaining time is for all other servers
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, until)
			defer cancel()
		}
		if ctx.Err() != nil {
			break
		}
		tried = append(tried, s)
	}
	if lost != nil {
		err = lost
	}
	return response, lost, err
}

// neverArrived: no server has seen the call.
func neverArrived(err error) bool {
	return errors.Is(err, kerrors.ErrGetConnection) || errors.Is(err, batch.ErrNotStarted) ||
		errors.Is(err, batch.ErrClosed) || errors.Is(err, errNoServer)
}

// callError gives a batcher's own errors their codes; called does it for those of a call.
func callError(err error, called func(error) error) error {
	switch {
	case errors.Is(err, batch.ErrPanic):
		return err
	case refusesSecret(err):
		return chat.Wrap(err, chat.Unavailable, "the rpc-server asks for another RPC_SECRET than this http-server has")
	case errors.Is(err, batch.ErrFull):
		return chat.Errorf(chat.Unavailable, "more requests at once than can be served; nothing was done, try again")
	case neverArrived(err):
		return chat.Wrap(err, chat.Unavailable, "no rpc-server answers; nothing was done, try again")
	case errors.Is(err, batch.ErrAbandoned):
		return called(fmt.Errorf("%w: %w", kerrors.ErrRPCTimeout, err))
	default:
		return called(err)
	}
}

func readError(err error) error {
	return chat.Wrap(err, chat.Unavailable, "no rpc-server answers; try again")
}

// sendError tells a call that never left from one whose outcome is unknown.
func sendError(err error) error {
	const settle = "it is unknown whether the message was stored; send it again with the same id to be sure"
	switch {
	case errors.Is(err, kerrors.ErrRPCTimeout):
		return chat.Wrap(err, chat.DeadlineExceeded, "the rpc-server took too long; "+settle)
	default:
		return chat.Wrap(err, chat.Unavailable, "the connection to the rpc-server broke; "+settle)
	}
}
