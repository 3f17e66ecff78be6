package wire

import (
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func PartitionStatesRequest(partitions []int, by chat.Caller, requestID string) *rpc.PartitionStatesRequest {
	return &rpc.PartitionStatesRequest{
		Meta: meta(by, requestID), Partitions: convertTo(partitions, func(n int) int32 { return int32(n) }), //nolint:gosec // there are few
	}
}

func PartitionsOf(r *rpc.PartitionStatesRequest) []int {
	return convertTo(r.Partitions, func(n int32) int { return int(n) })
}

func PartitionStatesResponse(states []chat.PartitionState, err error) *rpc.PartitionStatesResponse {
	code, text := outcome(err)
	response := &rpc.PartitionStatesResponse{Code: code, Msg: text, Positions: make([]int64, len(states)), Clocks: make([]int64, len(states))}
	for i, s := range states {
		response.Positions[i], response.Clocks[i] = s.Newest, s.Clock
	}
	return response
}

func PartitionStatesOf(r *rpc.PartitionStatesResponse) ([]chat.PartitionState, error) {
	states := make([]chat.PartitionState, min(len(r.Positions), len(r.Clocks)))
	for i := range states {
		states[i] = chat.PartitionState{Newest: r.Positions[i], Clock: r.Clocks[i]}
	}
	return states, errorOf(r.Code, r.Msg)
}

func MovedRequest(queries []chat.MovedSince, by chat.Caller, requestID string) *rpc.MovedRequest {
	request := &rpc.MovedRequest{Partitions: make([]*rpc.MovedSince, len(queries)), Meta: meta(by, requestID)}
	for i, q := range queries {
		request.Partitions[i] = &rpc.MovedSince{Partition: int32(q.Partition), Since: q.Since, Limit: int32(q.Limit)}
	}
	return request
}

func MovedQueriesOf(r *rpc.MovedRequest) []chat.MovedSince {
	return convert(r.Partitions, func(q *rpc.MovedSince) chat.MovedSince {
		return chat.MovedSince{Partition: int(q.Partition), Since: q.Since, Limit: int(q.Limit)}
	})
}

func MovedResponse(moved [][]chat.MovedChat, err error) *rpc.MovedResponse {
	code, text := outcome(err)
	response := &rpc.MovedResponse{Code: code, Msg: text, Partitions: make([]*rpc.MovedChats, len(moved))}
	for i, chats := range moved {
		page := &rpc.MovedChats{Chats: make([]string, len(chats)), Positions: make([]int64, len(chats))}
		for k, c := range chats {
			page.Chats[k], page.Positions[k] = c.Chat, c.Position
		}
		response.Partitions[i] = page
	}
	return response
}

func MovedOf(r *rpc.MovedResponse) ([][]chat.MovedChat, error) {
	return convert(r.Partitions, func(page *rpc.MovedChats) []chat.MovedChat {
		chats := make([]chat.MovedChat, min(len(page.Chats), len(page.Positions)))
		for k := range chats {
			chats[k] = chat.MovedChat{Chat: page.Chats[k], Position: page.Positions[k]}
		}
		return chats
	}), errorOf(r.Code, r.Msg)
}

func ClaimRequest(r chat.ClaimRequest, by chat.Caller, requestID string) *rpc.ClaimRequest {
	request := &rpc.ClaimRequest{
		Projection: r.Projection, Worker: r.Worker, Claims: make([]*rpc.Claim, len(r.Claims)), Leaving: optional(r.Leaving), Meta: meta(by, requestID),
	}
	if r.Start != chat.StartNow {
		request.Start = &r.Start
	}
	for i, c := range r.Claims {
		request.Claims[i] = &rpc.Claim{Partition: int32(c.Partition), Token: optional(c.Token), Floor: optional(c.Floor), Release: optional(c.Release), Forget: optional(c.Forget)}
	}
	return request
}

func ClaimRequestOf(r *rpc.ClaimRequest) chat.ClaimRequest {
	request := chat.ClaimRequest{
		Projection: r.Projection, Worker: r.Worker, Start: chat.StartNow, Leaving: r.GetLeaving(),
		Claims: convert(r.Claims, func(c *rpc.Claim) chat.Claim {
			return chat.Claim{Partition: int(c.Partition), Token: c.GetToken(), Floor: c.GetFloor(), Release: c.GetRelease(), Forget: c.GetForget()}
		}),
	}
	if r.Start != nil {
		request.Start = *r.Start
	}
	return request
}

func ClaimResponse(claimed chat.Claimed, err error) *rpc.ClaimResponse {
	code, text := outcome(err)
	response := &rpc.ClaimResponse{
		Code: code, Msg: text, Leases: make([]*rpc.Lease, len(claimed.Leases)), Workers: claimed.Workers, Paused: optional(claimed.Paused),
	}
	for i, l := range claimed.Leases {
		response.Leases[i] = &rpc.Lease{Token: l.Token, Start: l.Start, Floor: l.Floor, FailingSince: optional(l.FailingSince), Revive: l.Revive}
	}
	return response
}

func ClaimedOf(r *rpc.ClaimResponse) (chat.Claimed, error) {
	return chat.Claimed{
		Workers: r.Workers, Paused: r.GetPaused(),
		Leases: convert(r.Leases, func(l *rpc.Lease) chat.Lease {
			return chat.Lease{Token: l.Token, Start: l.Start, Floor: l.Floor, FailingSince: l.GetFailingSince(), Revive: l.Revive}
		}),
	}, errorOf(r.Code, r.Msg)
}

func CursorsRequest(projection string, chats []string, by chat.Caller, requestID string) *rpc.CursorsRequest {
	return &rpc.CursorsRequest{Projection: projection, Chats: chats, Meta: meta(by, requestID)}
}

func CursorsResponse(cursors []chat.Cursor, err error) *rpc.CursorsResponse {
	code, text := outcome(err)
	response := &rpc.CursorsResponse{Code: code, Msg: text, Cursors: make([]string, len(cursors))}
	for i, c := range cursors {
		response.Cursors[i] = c.String()
	}
	return response
}

func CursorsOf(r *rpc.CursorsResponse) ([]chat.Cursor, error) {
	cursors := make([]chat.Cursor, len(r.Cursors))
	for i, stored := range r.Cursors {
		cursors[i] = chat.ParseProjectionCursor(stored)
	}
	return cursors, errorOf(r.Code, r.Msg)
}

func CommitRequest(projection string, commits []chat.Commit, by chat.Caller, requestID string) *rpc.CommitRequest {
	request := &rpc.CommitRequest{Projection: projection, Commits: make([]*rpc.Commit, len(commits)), Meta: meta(by, requestID)}
	for i, c := range commits {
		request.Commits[i] = &rpc.Commit{
			Partition: int32(c.Partition), Token: c.Token, Floor: c.Floor, Cursors: make([]*rpc.CommittedCursor, len(c.Cursors)),
			Handled: optional(c.Handled), FailingSince: optional(c.FailingSince), Error: optional(c.Error), Dead: deadLetters(c.Dead), Revived: c.Revived,
		}
		for k, cursor := range c.Cursors {
			request.Commits[i].Cursors[k] = committedCursor(cursor)
		}
	}
	return request
}

func committedCursor(c chat.CommittedCursor) *rpc.CommittedCursor {
	committed := &rpc.CommittedCursor{Chat: c.Chat, Cursor: c.Cursor.String(), Expected: optional(c.Expected.String())}
	for _, count := range c.Counts {
		committed.Counts = append(committed.Counts, countTo(count))
	}
	return committed
}

func countTo(c chat.Count) *rpc.Count {
	return &rpc.Count{Group: c.Group, Counter: c.Counter, Amount: c.Amount, Expires: optional(c.Expires)}
}

func countOf(c *rpc.Count) chat.Count {
	return chat.Count{Group: c.GetGroup(), Counter: c.GetCounter(), Amount: c.GetAmount(), Expires: c.GetExpires()}
}

func CommitsOf(r *rpc.CommitRequest) []chat.Commit {
	return convert(r.Commits, func(c *rpc.Commit) chat.Commit {
		return chat.Commit{
			Partition: int(c.Partition), Token: c.Token, Floor: c.Floor, Handled: c.GetHandled(), FailingSince: c.GetFailingSince(), Error: c.GetError(),
			Dead: deadLettersOf(c.Dead), Revived: c.Revived,
			Cursors: convert(c.Cursors, func(c *rpc.CommittedCursor) chat.CommittedCursor {
				return chat.CommittedCursor{
					Chat: c.Chat, Cursor: chat.ParseProjectionCursor(c.Cursor), Expected: chat.ParseProjectionCursor(c.GetExpected()),
					Counts: convert(c.Counts, countOf),
				}
			}),
		}
	})
}

func CommitResponse(stored []bool, err error) *rpc.CommitResponse {
	code, text := outcome(err)
	return &rpc.CommitResponse{Code: code, Msg: text, Stored: stored}
}

func CommittedOf(r *rpc.CommitResponse) ([]bool, error) { return r.Stored, errorOf(r.Code, r.Msg) }

func deadLetters(letters []chat.DeadLetter) []*rpc.DeadLetter {
	return convertTo(letters, func(l chat.DeadLetter) *rpc.DeadLetter {
		return &rpc.DeadLetter{Event: l.Event, Error: l.Error, At: l.At}
	})
}

func deadLettersOf(letters []*rpc.DeadLetter) []chat.DeadLetter {
	return convert(letters, func(l *rpc.DeadLetter) chat.DeadLetter {
		return chat.DeadLetter{Event: l.Event, Error: l.Error, At: l.At}
	})
}

func ProjectionsRequest(name string, by chat.Caller, requestID string) *rpc.ProjectionsRequest {
	return &rpc.ProjectionsRequest{Name: optional(name), Meta: meta(by, requestID)}
}

func ProjectionsResponse(states []chat.ProjectionState, err error) *rpc.ProjectionsResponse {
	code, text := outcome(err)
	response := &rpc.ProjectionsResponse{Code: code, Msg: text}
	for _, s := range states {
		told := &rpc.Projection{
			Name: s.Name, Created: s.Created, Paused: s.Paused, Lag: s.Lag.Microseconds(), Behind: s.Behind, Handled: s.Handled, DeadLetters: s.DeadLetters,
			FailingSince: optional(s.FailingSince), Error: optional(s.Error), Owners: map[string]int32{},
		}
		for worker, partitions := range s.Owners {
			told.Owners[worker] = int32(partitions)
		}
		response.Projections = append(response.Projections, told)
	}
	return response
}

func ProjectionsOf(r *rpc.ProjectionsResponse) ([]chat.ProjectionState, error) {
	return convert(r.Projections, func(p *rpc.Projection) chat.ProjectionState {
		s := chat.ProjectionState{
			Name: p.Name, Created: p.Created, Paused: p.Paused, Lag: time.Duration(p.Lag) * time.Microsecond, Behind: p.Behind, Handled: p.Handled,
			DeadLetters: p.DeadLetters, FailingSince: p.GetFailingSince(), Error: p.GetError(), Owners: map[string]int{},
		}
		for worker, partitions := range p.Owners {
			s.Owners[worker] = int(partitions)
		}
		return s
	}), errorOf(r.Code, r.Msg)
}

func ChangeProjectionRequest(c chat.ProjectionChange, by chat.Caller, requestID string) *rpc.ChangeProjectionRequest {
	return &rpc.ChangeProjectionRequest{Name: c.Name, Kind: string(c.Action), Start: optional(c.Start), Chat: optional(c.Chat), Meta: meta(by, requestID)}
}

func ProjectionChangeOf(r *rpc.ChangeProjectionRequest) chat.ProjectionChange {
	return chat.ProjectionChange{Name: r.Name, Action: chat.ProjectionAction(r.Kind), Start: r.GetStart(), Chat: r.GetChat()}
}

func ChangeProjectionResponse(err error) *rpc.ChangeProjectionResponse {
	code, text := outcome(err)
	return &rpc.ChangeProjectionResponse{Code: code, Msg: text}
}

func ProjectionChangedOf(r *rpc.ChangeProjectionResponse) error { return errorOf(r.Code, r.Msg) }

func CountsRequest(q chat.CountsQuery, by chat.Caller, requestID string) *rpc.CountsRequest {
	return &rpc.CountsRequest{Projection: q.Projection, Groups: q.Groups, Chat: optional(q.Chat), Meta: meta(by, requestID)}
}

func CountsQueryOf(r *rpc.CountsRequest) chat.CountsQuery {
	return chat.CountsQuery{Projection: r.Projection, Groups: r.Groups, Chat: r.GetChat()}
}

func CountsResponse(counts []chat.Count, err error) *rpc.CountsResponse {
	code, text := outcome(err)
	return &rpc.CountsResponse{Code: code, Msg: text, Counts: convertTo(counts, countTo)}
}

func CountsOf(r *rpc.CountsResponse) ([]chat.Count, error) {
	return convert(r.Counts, countOf), errorOf(r.Code, r.Msg)
}

func DeadLettersRequest(name string, limit int, by chat.Caller, requestID string) *rpc.DeadLettersRequest {
	return &rpc.DeadLettersRequest{Name: name, Limit: optional(int32(limit)), Meta: meta(by, requestID)}
}

func DeadLettersResponse(letters []chat.DeadLetter, err error) *rpc.DeadLettersResponse {
	code, text := outcome(err)
	return &rpc.DeadLettersResponse{Code: code, Msg: text, DeadLetters: deadLetters(letters)}
}

func DeadLettersOf(r *rpc.DeadLettersResponse) ([]chat.DeadLetter, error) {
	return deadLettersOf(r.DeadLetters), errorOf(r.Code, r.Msg)
}

// convert converts a list of structs. A nil struct becomes the zero value.
func convert[In, Out any](list []*In, to func(*In) Out) []Out {
	return convertTo(list, func(in *In) Out {
		if in == nil {
			in = new(In)
		}
		return to(in)
	})
}

func convertTo[In, Out any](list []In, to func(In) Out) []Out {
	if len(list) == 0 {
		return nil
	}
	converted := make([]Out, len(list))
	for i, in := range list {
		converted[i] = to(in)
	}
	return converted
}
