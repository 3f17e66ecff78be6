package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Projections answers the routes of projections, which are for services.
type Projections struct {
	*Handler
	projections chat.Projections
}

// NewProjections returns the routes over projections.
func NewProjections(h *Handler, projections chat.Projections) *Projections {
	return &Projections{Handler: h, projections: projections}
}

// List answers GET /api/projections.
func (p *Projections) List(ctx context.Context, c *app.RequestContext) {
	states, err := p.projections.Projections(ctx, "")
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.ProjectionsResponse{Projections: make([]*api.Projection, len(states))}
	for i, s := range states {
		answer.Projections[i] = projectionState(s)
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// Show answers GET /api/projections/{name}.
func (p *Projections) Show(ctx context.Context, c *app.RequestContext) {
	states, err := p.projections.Projections(ctx, c.Param("name"))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, projectionState(states[0]))
}

func projectionState(s chat.ProjectionState) *api.Projection {
	state := &api.Projection{
		Name: s.Name, Created: s.Created, Paused: s.Paused, LagMs: s.Lag.Milliseconds(), Behind: s.Behind, Handled: s.Handled,
		DeadLetters: s.DeadLetters, Owners: make(map[string]int64, len(s.Owners)),
	}
	if s.FailingSince != 0 {
		state.FailingSince, state.Error = &s.FailingSince, &s.Error
	}
	for worker, partitions := range s.Owners {
		state.Owners[worker] = int64(partitions)
	}
	return state
}

// Change answers POST /api/projections/{name}.
func (p *Projections) Change(ctx context.Context, c *app.RequestContext) {
	var request api.ChangeProjectionRequest
	if err := p.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	err := p.projections.ChangeProjection(ctx, chat.ProjectionChange{
		Name: c.Param("name"), Action: chat.ProjectionAction(request.Action), Start: request.Start, Chat: request.Chat,
	})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// DeadLetters answers GET /api/projections/{name}/dead.
func (p *Projections) DeadLetters(ctx context.Context, c *app.RequestContext) {
	var limit int64
	if asked := query(c, "limit"); asked != "" {
		var err error
		if limit, err = queryInt("limit", []byte(asked)); err != nil {
			reply.Fail(c, err)
			return
		}
	}
	letters, err := p.projections.DeadLetters(ctx, c.Param("name"), int(min(limit, 1<<30)))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.DeadLettersResponse{DeadLetters: make([]*api.DeadLetter, len(letters))}
	for i, l := range letters {
		answer.DeadLetters[i] = &api.DeadLetter{Event: l.Event, Error: l.Error, At: l.At}
	}
	reply.JSON(c, consts.StatusOK, answer)
}
