// Package rpcclient is chat.Service over Kitex: what gateways hold instead of a store.
package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/transport"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

// Config says where the rpc-servers are.
type Config struct {
	RPCServers []string `name:"rpc-servers" env:"RPC_SERVERS" default:"127.0.0.1:8888" placeholder:"HOST:PORT" help:"Addresses of the rpc-servers; a DNS name may stand for many."`
}

const (
	// callTimeout leaves an rpc-server, which gives up on Redis after 1.2 s, the time to say what was wrong.
	callTimeout    = 1700 * time.Millisecond
	connectTimeout = 500 * time.Millisecond
)

// batching gathers the calls of concurrent requests. Two under way keep an rpc-server busy while answers travel; a
// request is answered within two seconds. A burst may queue up; under an overload that lasts, the queue is two batches
// long and the rest is refused at once, so that what is accepted keeps its latency.
var batching = batch.Options{
	InFlight: 2, MaxBatch: 128, MaxQueue: 256, MaxBurst: 8192, MaxWait: 1900 * time.Millisecond,
}

// Client is a chat.Service that calls rpc-servers. Concurrent sends share one call, and so do concurrent pulls.
type Client struct {
	kitex imservice.Client
	sends *batch.Batcher[*rpc.SendRequest, *rpc.SendResponse]
	pulls *batch.Batcher[*rpc.PullRequest, *rpc.PullResponse]
}

var _ chat.Service = (*Client)(nil)

// New returns a Client. It does not connect: calls are Unavailable while no rpc-server can be reached.
func New(config Config) (*Client, error) {
	resolver, err := newResolver(config.RPCServers)
	if err != nil {
		return nil, err
	}
	kitex, err := imservice.NewClient("pullchat",
		client.WithResolver(resolver),
		client.WithTransportProtocol(transport.TTHeader),
		client.WithRPCTimeout(callTimeout),
		client.WithConnectTimeout(connectTimeout),
		client.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: 256, MaxIdleGlobal: 1024, MaxIdleTimeout: time.Minute}),
	)
	if err != nil {
		return nil, fmt.Errorf("rpc client: %w", err)
	}
	c := &Client{kitex: kitex}
	options := batching
	options.InFlight *= len(config.RPCServers)
	c.sends = batch.New(options, c.flushSends)
	c.pulls = batch.New(options, c.flushPulls)
	return c, nil
}

// Send implements chat.Service. It is never repeated here: the first try may have stored the message.
func (c *Client) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	response, err := c.sends.Do(ctx, wire.SendRequest(m, logging.RequestID(ctx)))
	if err != nil {
		return chat.Receipt{}, queueError(err, sendError)
	}
	return wire.ReceiptOf(response)
}

// Pull implements chat.Service.
func (c *Client) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	response, err := c.pulls.Do(ctx, wire.PullRequest(r, logging.RequestID(ctx)))
	if err != nil {
		return chat.Page{}, queueError(err, readError)
	}
	return wire.PageOf(response)
}

// Ready implements chat.Service.
func (c *Client) Ready(ctx context.Context) error {
	id := logging.RequestID(ctx)
	response, err := c.kitex.Ready(ctx, &rpc.ReadyRequest{RequestId: &id})
	if err != nil {
		return readError(err)
	}
	return wire.ReadyOf(response)
}

// flushSends makes one call. It clones the requests because Kitex may still read them after it has given up waiting.
func (c *Client) flushSends(requests []*rpc.SendRequest, out []batch.Result[*rpc.SendResponse]) {
	if len(requests) == 1 { // a batch of one costs more than the request alone
		out[0].Value, out[0].Err = c.kitex.Send(context.Background(), requests[0])
		return
	}
	response, err := c.kitex.SendBatch(context.Background(), &rpc.SendBatchRequest{Requests: slices.Clone(requests)})
	if err != nil {
		fail(out, err)
		return
	}
	deliver(response.Responses, out)
}

func (c *Client) flushPulls(requests []*rpc.PullRequest, out []batch.Result[*rpc.PullResponse]) {
	if len(requests) == 1 {
		out[0].Value, out[0].Err = c.kitex.Pull(context.Background(), requests[0])
		return
	}
	response, err := c.kitex.PullBatch(context.Background(), &rpc.PullBatchRequest{Requests: slices.Clone(requests)})
	if err != nil {
		fail(out, err)
		return
	}
	deliver(response.Responses, out)
}

// deliver gives every request of a batch its own response.
func deliver[R any](responses []R, out []batch.Result[R]) {
	if len(responses) != len(out) {
		fail(out, fmt.Errorf("%d responses to %d requests", len(responses), len(out)))
		return
	}
	for i := range out {
		out[i].Value = responses[i]
	}
}

func fail[R any](out []batch.Result[R], err error) {
	for i := range out {
		out[i].Err = err
	}
}

// queueError gives the batcher's own errors their codes, and leaves those of calls to called.
func queueError(err error, called func(error) error) error {
	switch {
	case errors.Is(err, batch.ErrPanic):
		return err
	case errors.Is(err, batch.ErrFull):
		return chat.Errorf(chat.Unavailable, "more requests at once than can be served; nothing was done, try again")
	case errors.Is(err, batch.ErrNotStarted), errors.Is(err, batch.ErrClosed):
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
	case errors.Is(err, kerrors.ErrGetConnection), errors.Is(err, kerrors.ErrServiceDiscovery), errors.Is(err, kerrors.ErrLoadbalance),
		errors.Is(err, kerrors.ErrNoMoreInstance):
		return chat.Wrap(err, chat.Unavailable, "no rpc-server answers; nothing was stored, try again")
	case errors.Is(err, kerrors.ErrRPCTimeout):
		return chat.Wrap(err, chat.DeadlineExceeded, "the rpc-server took too long; "+settle)
	default:
		return chat.Wrap(err, chat.Unavailable, "the connection to the rpc-server broke; "+settle)
	}
}
