package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// ofProjections is ask of projections.
func ofProjections[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, chat.Projections) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Projections, "projections", method, r, do)
}

// PartitionStates returns the newest position of each partition.
func (h *Handler) PartitionStates(ctx context.Context, r *rpc.PartitionStatesRequest) (*rpc.PartitionStatesResponse, error) {
	r = orEmpty(r)
	return wire.PartitionStatesResponse(ofProjections(ctx, h, "PartitionStates", r, func(ctx context.Context, p chat.Projections) ([]chat.PartitionState, error) {
		return p.PartitionStates(ctx, wire.PartitionsOf(r))
	})), nil
}

// Moved returns the chats with news.
func (h *Handler) Moved(ctx context.Context, r *rpc.MovedRequest) (*rpc.MovedResponse, error) {
	r = orEmpty(r)
	return wire.MovedResponse(ofProjections(ctx, h, "Moved", r, func(ctx context.Context, p chat.Projections) ([][]chat.MovedChat, error) {
		return p.Moved(ctx, wire.MovedQueriesOf(r))
	})), nil
}

// Claim takes, renews and releases leases.
func (h *Handler) Claim(ctx context.Context, r *rpc.ClaimRequest) (*rpc.ClaimResponse, error) {
	r = orEmpty(r)
	return wire.ClaimResponse(ofProjections(ctx, h, "Claim", r, func(ctx context.Context, p chat.Projections) (chat.Claimed, error) {
		return p.Claim(ctx, wire.ClaimRequestOf(r))
	})), nil
}

// Cursors returns a projection's cursors.
func (h *Handler) Cursors(ctx context.Context, r *rpc.CursorsRequest) (*rpc.CursorsResponse, error) {
	r = orEmpty(r)
	return wire.CursorsResponse(ofProjections(ctx, h, "Cursors", r, func(ctx context.Context, p chat.Projections) ([]chat.Cursor, error) {
		return p.Cursors(ctx, r.Projection, r.Chats)
	})), nil
}

// Commit stores a projection's cursors.
func (h *Handler) Commit(ctx context.Context, r *rpc.CommitRequest) (*rpc.CommitResponse, error) {
	r = orEmpty(r)
	return wire.CommitResponse(ofProjections(ctx, h, "Commit", r, func(ctx context.Context, p chat.Projections) ([]bool, error) {
		return p.Commit(ctx, r.Projection, wire.CommitsOf(r))
	})), nil
}

// Projections returns the states of projections.
func (h *Handler) Projections(ctx context.Context, r *rpc.ProjectionsRequest) (*rpc.ProjectionsResponse, error) {
	r = orEmpty(r)
	return wire.ProjectionsResponse(ofProjections(ctx, h, "Projections", r, func(ctx context.Context, p chat.Projections) ([]chat.ProjectionState, error) {
		return p.Projections(ctx, r.GetName())
	})), nil
}

// ChangeProjection pauses a projection, or moves its cursors.
func (h *Handler) ChangeProjection(ctx context.Context, r *rpc.ChangeProjectionRequest) (*rpc.ChangeProjectionResponse, error) {
	r = orEmpty(r)
	_, err := ofProjections(ctx, h, "ChangeProjection", r, func(ctx context.Context, p chat.Projections) (struct{}, error) {
		return done(p.ChangeProjection(ctx, wire.ProjectionChangeOf(r)))
	})
	return wire.ChangeProjectionResponse(err), nil
}

// DeadLetters returns events that could not be handled.
func (h *Handler) DeadLetters(ctx context.Context, r *rpc.DeadLettersRequest) (*rpc.DeadLettersResponse, error) {
	r = orEmpty(r)
	return wire.DeadLettersResponse(ofProjections(ctx, h, "DeadLetters", r, func(ctx context.Context, p chat.Projections) ([]chat.DeadLetter, error) {
		return p.DeadLetters(ctx, r.Name, int(r.GetLimit()))
	})), nil
}
