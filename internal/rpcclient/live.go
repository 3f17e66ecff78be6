package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Live = (*Client)(nil)

// Watch implements chat.Live. It needs no rpc-server: added chats wait for one.
func (c *Client) Watch() chat.Watch { return newWatch(c.servers) }

// Signal implements chat.Live. One that may have arrived is not repeated: it would be heard twice.
func (c *Client) Signal(ctx context.Context, s chat.Signal) error {
	return tell(ctx, c, kind{false, readError}, imservice.Client.Signal,
		wire.SignalRequest(s, caller(ctx), logging.RequestID(ctx)), wire.SignalledOf)
}

// Read implements chat.Live.
func (c *Client) Read(ctx context.Context, r chat.ReadRequest) (int64, error) {
	return ask(ctx, c, reads, imservice.Client.Read,
		wire.ReadRequest(r, caller(ctx), logging.RequestID(ctx)), wire.CursorOf)
}

// ReportPresence implements chat.Live.
func (c *Client) ReportPresence(ctx context.Context, gateway string, present []chat.Attendance) error {
	return tell(ctx, c, reads, imservice.Client.Attend,
		wire.AttendRequest(gateway, present, caller(ctx), logging.RequestID(ctx)), wire.AttendedOf)
}

// Present implements chat.Live.
func (c *Client) Present(ctx context.Context, id string) ([]string, error) {
	return ask(ctx, c, reads, imservice.Client.Present,
		wire.PresentRequest(id, caller(ctx), logging.RequestID(ctx)), wire.ReadersOf)
}
