// Package handler has one file per resource. A handler reads its request, calls chat.Service, and answers; the rules
// are the service's.
package handler

import (
	"context"
	"log/slog"
	"time"

	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/tracing"
)

// Handler answers the routes from a chat.Service, a chat.Live and a live.Hub over both.
type Handler struct {
	service chat.Service
	live    chat.Live
	hub     *live.Hub
	config  Config

	receiving receiving
}

var _ live.Share = (*ratelimit.Seat)(nil)

// Config is the configuration of the handlers.
type Config struct {
	MaxBodyBytes   int
	MaxHeaderBytes int // of a request
	Log            *slog.Logger
	Access         *logging.Access // whether streams and WebSockets have a line when they end; nil: they have
	AllowedOrigins *request.List   // of web pages that may open a WebSocket, beside those of the server's own; "*" is all
	// Silence is how long a WebSocket's client may send nothing, not even a pong. Pings come more often.
	Silence time.Duration
	// Verify returns the caller of a token; nil with AUTH off.
	Verify func(ctx context.Context, token string) (chat.Caller, error)
	// Quota bounds the open streams of one client; nil does not.
	Quota   *ratelimit.Quota
	Metrics *metrics.Gateway // or nil
	Traces  *tracing.Tracing // or nil
	// Part bounds how long a follower may take to read a write.
	Part time.Duration

	Deliveries chat.Deliveries // nil: there are no receipts

	VAPIDPublicKey string // for browsers, or ""
}

// New returns a Handler. The Hub must run.
func New(service chat.Service, calls chat.Live, hub *live.Hub, config Config) *Handler {
	return &Handler{service: service, live: calls, hub: hub, config: config}
}
