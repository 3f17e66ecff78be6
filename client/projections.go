package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Projection is a consumer of all chats, which workers run. Its methods need a service's token where the server has
// AUTH=on.
type Projection struct {
	Name         string         `json:"name"`
	Created      int64          `json:"created"` // microseconds since 1970
	Paused       bool           `json:"paused"`
	LagMS        int64          `json:"lag_ms"`                  // age of the oldest position that may not have been handled, in milliseconds
	Behind       int64          `json:"behind"`                  // chats that may have such positions
	Handled      int64          `json:"handled"`                 // events, since its beginning
	DeadLetters  int64          `json:"dead_letters"`            // events that could not be handled
	FailingSince int64          `json:"failing_since,omitempty"` // microseconds since 1970; 0: it is not failing
	Error        string         `json:"error,omitempty"`         // the last one, while it fails
	Owners       map[string]int `json:"owners"`                  // worker → partitions
}

// ProjectionChange is a request of ChangeProjection.
type ProjectionChange struct {
	Action string `json:"action"`          // pause, resume, replay, skip, revive or remove
	Start  int64  `json:"start,omitempty"` // of replay: where each chat begins again, in microseconds since 1970; 0 is its oldest message
	Chat   string `json:"chat,omitempty"`  // of skip: the only chat
}

// DeadLetter is an event that a projection could not handle, and left out.
type DeadLetter struct {
	Event string `json:"event"` // "<chat>@<send_time>"
	Error string `json:"error"`
	At    int64  `json:"at"` // microseconds since 1970
}

// Projections returns all projections, sorted by name.
func (c *Client) Projections(ctx context.Context) ([]Projection, error) {
	var answer struct{ Projections []Projection }
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/projections"}, &answer)
	return answer.Projections, err
}

// Projection returns one. The error is a not_found *Error if no worker has ever run it.
func (c *Client) Projection(ctx context.Context, name string) (Projection, error) {
	var answer Projection
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/projections/" + url.PathEscape(name)}, &answer)
	return answer, err
}

// ChangeProjection pauses a projection, or moves its cursors. Each action may be repeated.
func (c *Client) ChangeProjection(ctx context.Context, name string, change ProjectionChange) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return c.call(ctx, request{method: http.MethodPost, path: "/api/projections/" + url.PathEscape(name), body: body}, nil)
}

// DeadLetters returns the events that a projection could not handle, oldest first. A limit of 0 is 100.
func (c *Client) DeadLetters(ctx context.Context, name string, limit int) ([]DeadLetter, error) {
	var answer struct {
		DeadLetters []DeadLetter `json:"dead_letters"`
	}
	path := "/api/projections/" + url.PathEscape(name) + "/dead?limit=" + strconv.Itoa(limit)
	err := c.call(ctx, request{method: http.MethodGet, path: path}, &answer)
	return answer.DeadLetters, err
}
