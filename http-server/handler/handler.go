// Package handler has one file per route. A handler reads its request, calls chat.Service, and answers; the rules
// are the service's.
package handler

import (
	"log/slog"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

// Handler answers the routes from a chat.Service, a chat.Live and a live.Hub over both.
type Handler struct {
	service chat.Service
	live    chat.Live
	hub     *live.Hub
	config  Config
}

// Config is what handlers are set up with.
type Config struct {
	MaxBodyBytes   int
	MaxHeaderBytes int // of a request
	Log            *slog.Logger
	AllowedOrigins []string // of web pages that may open a WebSocket, beside those of the server's own; "*" is all
	// Silence is how long a WebSocket's client may say nothing, not even that it got a ping. Pings come more often.
	Silence time.Duration
	// Verify returns whose a token is; nil where nobody is asked for one.
	Verify func(token string) (chat.Caller, error)
	// Quota bounds what one client has open; nil does not.
	Quota *Quota
	// Part bounds how long a client that follows takes to take what is written.
	Part time.Duration
}

// New returns a Handler. The Hub must run.
func New(service chat.Service, calls chat.Live, hub *live.Hub, config Config) *Handler {
	return &Handler{service: service, live: calls, hub: hub, config: config}
}
