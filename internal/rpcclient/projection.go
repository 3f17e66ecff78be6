package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Projections = (*Client)(nil)

// PartitionStates implements chat.Projections. An older rpc-server returns the states of all partitions.
func (c *Client) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	states, err := ask(ctx, c, reads, imservice.Client.PartitionStates,
		wire.PartitionStatesRequest(partitions, caller(ctx), logging.RequestID(ctx)), wire.PartitionStatesOf)
	if err != nil || partitions == nil || len(states) == len(partitions) {
		return states, err
	}
	asked := make([]chat.PartitionState, len(partitions))
	for i, n := range partitions {
		if n >= len(states) {
			return nil, chat.Errorf(chat.Internal, "%d states came for %d partitions", len(states), len(partitions))
		}
		asked[i] = states[n]
	}
	return asked, nil
}

// Moved implements chat.Projections.
func (c *Client) Moved(ctx context.Context, queries []chat.MovedSince) ([][]chat.MovedChat, error) {
	return ask(ctx, c, reads, imservice.Client.Moved,
		wire.MovedRequest(queries, caller(ctx), logging.RequestID(ctx)), wire.MovedOf)
}

// Claim implements chat.Projections. A repeated one takes the same leases with new tokens.
func (c *Client) Claim(ctx context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	return ask(ctx, c, reads, imservice.Client.Claim,
		wire.ClaimRequest(r, caller(ctx), logging.RequestID(ctx)), wire.ClaimedOf)
}

// Cursors implements chat.Projections.
func (c *Client) Cursors(ctx context.Context, projection string, chats []string) ([]chat.Cursor, error) {
	return ask(ctx, c, reads, imservice.Client.Cursors,
		wire.CursorsRequest(projection, chats, caller(ctx), logging.RequestID(ctx)), wire.CursorsOf)
}

// Commit implements chat.Projections. A repeated one stores the same cursors, and counts once; only Handled is added twice.
func (c *Client) Commit(ctx context.Context, projection string, commits []chat.Commit) ([]bool, error) {
	return ask(ctx, c, reads, imservice.Client.Commit,
		wire.CommitRequest(projection, commits, caller(ctx), logging.RequestID(ctx)), wire.CommittedOf)
}

// Projections implements chat.Projections.
func (c *Client) Projections(ctx context.Context, name string) ([]chat.ProjectionState, error) {
	return ask(ctx, c, reads, imservice.Client.Projections,
		wire.ProjectionsRequest(name, caller(ctx), logging.RequestID(ctx)), wire.ProjectionsOf)
}

// ChangeProjection implements chat.Projections. Each action has the same end when it is repeated.
func (c *Client) ChangeProjection(ctx context.Context, change chat.ProjectionChange) error {
	return tell(ctx, c, reads, imservice.Client.ChangeProjection,
		wire.ChangeProjectionRequest(change, caller(ctx), logging.RequestID(ctx)), wire.ProjectionChangedOf)
}

// DeadLetters implements chat.Projections.
func (c *Client) DeadLetters(ctx context.Context, name string, limit int) ([]chat.DeadLetter, error) {
	return ask(ctx, c, reads, imservice.Client.DeadLetters,
		wire.DeadLettersRequest(name, limit, caller(ctx), logging.RequestID(ctx)), wire.DeadLettersOf)
}
