package chat

import "context"

// ProjectionStore holds leases and cursors. Its arguments have been checked. Methods are safe for concurrent use.
type ProjectionStore interface {
	Projections
	// Partitions is how many there are.
	Partitions() int
	// PartitionOf is the number of a chat's partition.
	PartitionOf(ID) int
}

// ProjectionService implements Projections. It applies every rule before it calls the store.
type ProjectionService struct {
	store  ProjectionStore
	Access Access // the access rules
}

var _ Projections = (*ProjectionService)(nil)

// NewProjectionService returns the Projections over a store.
func NewProjectionService(store ProjectionStore, access Access) *ProjectionService {
	return &ProjectionService{store: store, Access: access}
}

// allowed refuses callers who are users.
func (p *ProjectionService) allowed(ctx context.Context) error {
	by := callerOf(ctx)
	identified, err := p.Access.identified(by)
	if err == nil && identified && !by.Service {
		err = Errorf(PermissionDenied, "projections are for services: use a service's token")
	}
	return err
}

// named is allowed, and checks the name of a projection.
func (p *ProjectionService) named(ctx context.Context, name string) error {
	if err := p.allowed(ctx); err != nil {
		return err
	}
	return CheckProjectionName(name)
}

func (p *ProjectionService) checkPartition(n int) error {
	if n < 0 || n >= p.store.Partitions() {
		return Errorf(InvalidArgument, "there is no partition %d; there are %d, from 0", n, p.store.Partitions())
	}
	return nil
}

// PartitionStates implements Projections.
func (p *ProjectionService) PartitionStates(ctx context.Context, partitions []int) ([]PartitionState, error) {
	if err := p.allowed(ctx); err != nil {
		return nil, err
	}
	for _, n := range partitions {
		if err := p.checkPartition(n); err != nil {
			return nil, err
		}
	}
	if partitions != nil && len(partitions) == 0 {
		return nil, nil
	}
	states, err := p.store.PartitionStates(ctx, partitions)
	return states, orNil(err)
}

// Moved implements Projections.
func (p *ProjectionService) Moved(ctx context.Context, queries []MovedSince) ([][]MovedChat, error) {
	if err := p.allowed(ctx); err != nil {
		return nil, err
	}
	for _, q := range queries {
		if err := p.checkPartition(q.Partition); err != nil {
			return nil, err
		}
		if q.Limit < 1 || q.Limit > MaxMoved {
			return nil, Errorf(InvalidArgument, "limit is %d; it must be from 1 to %d", q.Limit, MaxMoved)
		}
		if err := checkCursor(q.Since); err != nil {
			return nil, err
		}
	}
	moved, err := p.store.Moved(ctx, queries)
	return moved, orNil(err)
}

// Claim implements Projections.
func (p *ProjectionService) Claim(ctx context.Context, r ClaimRequest) (Claimed, error) {
	err := p.named(ctx, r.Projection)
	if err == nil {
		err = checkWord("worker", r.Worker)
	}
	if err == nil && r.Start != StartNow {
		err = checkCursor(r.Start)
	}
	for _, c := range r.Claims {
		if err == nil {
			err = p.checkPartition(c.Partition)
		}
		if err == nil {
			err = checkCursor(c.Floor)
		}
	}
	if err != nil {
		return Claimed{}, err
	}
	claimed, err := p.store.Claim(ctx, r)
	return claimed, orNil(err)
}

// Cursors implements Projections.
func (p *ProjectionService) Cursors(ctx context.Context, projection string, chats []string) ([]Cursor, error) {
	if err := p.named(ctx, projection); err != nil {
		return nil, err
	}
	for _, name := range chats {
		if err := checkCanonical(name); err != nil {
			return nil, err
		}
	}
	cursors, err := p.store.Cursors(ctx, projection, chats)
	return cursors, orNil(err)
}

// checkCanonical returns why a name is not the canonical id of a chat, or nil.
func checkCanonical(name string) error {
	id, err := ParseID(name)
	if err == nil && id.String() != name {
		err = Errorf(InvalidArgument, "chat %q is %q in its canonical form", name, id)
	}
	return err
}

// Commit implements Projections.
func (p *ProjectionService) Commit(ctx context.Context, projection string, commits []Commit) ([]bool, error) {
	if err := p.named(ctx, projection); err != nil {
		return nil, err
	}
	for _, c := range commits {
		if err := p.checkCommit(c); err != nil {
			return nil, err
		}
	}
	stored, err := p.store.Commit(ctx, projection, commits)
	return stored, orNil(err)
}

func (p *ProjectionService) checkCommit(c Commit) error {
	err := p.checkPartition(c.Partition)
	if err == nil {
		err = checkCursor(c.Floor)
	}
	for _, cursor := range c.Cursors {
		id, idErr := ParseID(cursor.Chat)
		switch {
		case err != nil:
		case idErr != nil:
			err = idErr
		case p.store.PartitionOf(id) != c.Partition:
			err = Errorf(InvalidArgument, "chat %q is not in partition %d", cursor.Chat, c.Partition)
		case len(cursor.Cursor.State) > MaxCursorState:
			err = Errorf(InvalidArgument, "the state of chat %q is %d bytes; the limit is %d", cursor.Chat, len(cursor.Cursor.State), MaxCursorState)
		}
	}
	return err
}

// Projections implements Projections.
func (p *ProjectionService) Projections(ctx context.Context, name string) ([]ProjectionState, error) {
	err := p.allowed(ctx)
	if err == nil && name != "" {
		err = CheckProjectionName(name)
	}
	if err != nil {
		return nil, err
	}
	states, err := p.store.Projections(ctx, name)
	if err == nil && name != "" && len(states) == 0 {
		err = Errorf(NotFound, "there is no projection %s: a worker has never run it", name)
	}
	return states, orNil(err)
}

// ChangeProjection implements Projections.
func (p *ProjectionService) ChangeProjection(ctx context.Context, c ProjectionChange) error {
	if err := p.named(ctx, c.Name); err != nil {
		return err
	}
	switch c.Action {
	case PauseProjection, ResumeProjection, ReplayProjection, SkipProjection, ReviveProjection, RemoveProjection:
	default:
		return Errorf(InvalidArgument, "action %q: use pause, resume, replay, skip, revive or remove", c.Action)
	}
	if err := checkCursor(c.Start); err != nil {
		return err
	}
	if c.Chat != "" {
		id, err := ParseID(c.Chat)
		if err != nil {
			return err
		}
		c.Chat = id.String()
	}
	if _, err := p.Projections(ctx, c.Name); err != nil {
		return err
	}
	return orNil(p.store.ChangeProjection(ctx, c))
}

// Counts implements Projections.
func (p *ProjectionService) Counts(ctx context.Context, q CountsQuery) ([]Count, error) {
	if err := p.named(ctx, q.Projection); err != nil {
		return nil, err
	}
	if len(q.Groups) > MaxCountGroups {
		return nil, Errorf(InvalidArgument, "there are %d groups; the limit is %d", len(q.Groups), MaxCountGroups)
	}
	if q.Chat != "" {
		if err := checkCanonical(q.Chat); err != nil {
			return nil, err
		}
	}
	counts, err := p.store.Counts(ctx, q)
	return counts, orNil(err)
}

// DeadLetters implements Projections.
func (p *ProjectionService) DeadLetters(ctx context.Context, name string, limit int) ([]DeadLetter, error) {
	err := p.named(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case limit < 0 || limit > 1000:
		return nil, Errorf(InvalidArgument, "limit is %d; it must be from 1 to 1000", limit)
	case limit == 0:
		limit = 100
	}
	letters, err := p.store.DeadLetters(ctx, name, limit)
	return letters, orNil(err)
}
