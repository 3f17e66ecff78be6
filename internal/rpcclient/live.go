package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Live = (*Client)(nil)

// Watch implements chat.Live. It needs no rpc-server: what is added waits for one.
func (c *Client) Watch() chat.Watch { return newWatch(c.servers) }

// Signal implements chat.Live. One that may have arrived is not repeated: it would be heard twice.
func (c *Client) Signal(ctx context.Context, s chat.Signal) error {
	request := wire.SignalRequest(s, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, false, func(ctx context.Context, s *server) (*rpc.SignalResponse, error) {
		return s.kitex.Signal(ctx, request)
	})
	if err != nil {
		return callError(err, readError)
	}
	return wire.SignalledOf(response)
}

// Read implements chat.Live.
func (c *Client) Read(ctx context.Context, r chat.ReadRequest) (int64, error) {
	request := wire.ReadRequest(r, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.ReadResponse, error) {
		return s.kitex.Read(ctx, request)
	})
	if err != nil {
		return 0, callError(err, readError)
	}
	return wire.CursorOf(response)
}

// Attend implements chat.Live.
func (c *Client) Attend(ctx context.Context, gateway string, present []chat.Attendance) error {
	request := wire.AttendRequest(gateway, present, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.AttendResponse, error) {
		return s.kitex.Attend(ctx, request)
	})
	if err != nil {
		return callError(err, readError)
	}
	return wire.AttendedOf(response)
}

// Present implements chat.Live.
func (c *Client) Present(ctx context.Context, id string) ([]string, error) {
	request := wire.PresentRequest(id, caller(ctx), logging.RequestID(ctx))
	response, _, err := try(ctx, c.servers, true, func(ctx context.Context, s *server) (*rpc.PresentResponse, error) {
		return s.kitex.Present(ctx, request)
	})
	if err != nil {
		return nil, callError(err, readError)
	}
	return wire.ReadersOf(response)
}
