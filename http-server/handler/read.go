package handler

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// readRequest is api.ReadRequest, whose cursor may also be "end".
type readRequest struct {
	Chat   string `json:"chat"`
	Reader string `json:"reader"`
	Cursor *place `json:"cursor"`
	Force  bool   `json:"force"`
}

// reads builds the domain's request from a request or a frame.
func reads(name, reader string, cursor *place, force bool) chat.ReadRequest {
	at := cursor.orZero()
	return chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: reader, Cursor: at.position}, End: at.end, Force: force}
}

// place is a cursor in JSON: a position, or "end".
type place struct {
	position int64
	end      bool
}

// orZero returns the beginning for a missing cursor.
func (p *place) orZero() place {
	if p == nil {
		return place{}
	}
	return *p
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *place) UnmarshalJSON(text []byte) error {
	*p = place{}
	var word string
	if json.Unmarshal(text, &word) == nil && word == "end" {
		p.end = true
		return nil
	}
	if json.Unmarshal(text, &p.position) != nil {
		return &json.UnmarshalTypeError{Value: string(text), Type: reflect.TypeFor[place]()}
	}
	return nil
}

// Read answers POST /api/read.
func (h *Handler) Read(ctx context.Context, c *app.RequestContext) {
	var request readRequest
	if err := h.readJSON(c, &request); err != nil {
		Fail(c, err)
		return
	}
	cursor, err := h.live.Read(ctx, reads(request.Chat, request.Reader, request.Cursor, request.Force))
	if err != nil {
		Fail(c, err)
		return
	}
	reply(c, consts.StatusOK, &api.ReadResponse{Status: success, Cursor: cursor})
}
