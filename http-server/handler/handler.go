// Package handler has one file per route. A handler reads its request, calls chat.Service, and answers; the rules
// are the service's.
package handler

import (
	"github.com/pullchat/pullchat/internal/chat"
)

// Handler answers the routes from a chat.Service.
type Handler struct {
	service      chat.Service
	maxBodyBytes int
}

// New returns a Handler that refuses bodies of more than maxBodyBytes.
func New(service chat.Service, maxBodyBytes int) *Handler {
	return &Handler{service: service, maxBodyBytes: maxBodyBytes}
}
