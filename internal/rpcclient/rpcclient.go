// Package rpcclient is chat.Service over Kitex: what gateways hold instead of a store.
package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/transport"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

// Config says where the rpc-servers are.
type Config struct {
	RPCServers []string `name:"rpc-servers" env:"RPC_SERVERS" default:"127.0.0.1:8888" placeholder:"HOST:PORT,…" help:"Addresses of the rpc-servers; a DNS name may stand for many."`
}

const (
	// callTimeout leaves an rpc-server, which gives up on Redis after 1.2 s, the time to say what was wrong.
	callTimeout    = 1700 * time.Millisecond
	connectTimeout = 500 * time.Millisecond
)

// Client is a chat.Service that calls rpc-servers.
type Client struct {
	kitex imservice.Client
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
		client.WithMetaHandler(transmeta.ClientTTHeaderHandler),
		client.WithRPCTimeout(callTimeout),
		client.WithConnectTimeout(connectTimeout),
		client.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: 256, MaxIdleGlobal: 1024, MaxIdleTimeout: time.Minute}),
	)
	if err != nil {
		return nil, fmt.Errorf("rpc client: %w", err)
	}
	return &Client{kitex}, nil
}

// Send implements chat.Service. It is never repeated here: the first try may have stored the message.
func (c *Client) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	response, err := c.kitex.Send(withRequestID(ctx), wire.SendRequest(m))
	if err != nil {
		return chat.Receipt{}, sendError(err)
	}
	return wire.ReceiptOf(response)
}

// Pull implements chat.Service.
func (c *Client) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	response, err := c.kitex.Pull(withRequestID(ctx), wire.PullRequest(r))
	if err != nil {
		return chat.Page{}, readError(err)
	}
	return wire.PageOf(response)
}

// Ready implements chat.Service.
func (c *Client) Ready(ctx context.Context) error {
	response, err := c.kitex.Ready(withRequestID(ctx), nil)
	if err != nil {
		return readError(err)
	}
	return wire.ReadyOf(response)
}

// withRequestID lets the id of the request travel in the call's TTHeader.
func withRequestID(ctx context.Context) context.Context {
	if id := logging.RequestID(ctx); id != "" {
		return metainfo.WithValue(ctx, logging.RequestIDKey, id)
	}
	return ctx
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
