package wire

import (
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

func SignalRequest(s chat.Signal, by chat.Caller, requestID string) *rpc.SignalRequest {
	return &rpc.SignalRequest{Signal: signal(s), Meta: meta(by, requestID)}
}

// SignalOf returns an empty signal for a missing one; the domain refuses it.
func SignalOf(r *rpc.SignalRequest) chat.Signal { return signalOf(r.GetSignal()) }

func signal(s chat.Signal) *rpc.Signal {
	return &rpc.Signal{Chat: s.Chat, Sender: s.Sender, Type: s.Type, Data: optional(s.Data)}
}

func signalOf(s *rpc.Signal) chat.Signal {
	if s == nil {
		return chat.Signal{}
	}
	return chat.Signal{Chat: s.Chat, Sender: s.Sender, Type: s.Type, Data: s.GetData()}
}

func SignalResponse(err error) *rpc.SignalResponse {
	code, text := outcome(err)
	return &rpc.SignalResponse{Code: code, Msg: text}
}

func SignalledOf(r *rpc.SignalResponse) error { return errorOf(r.Code, r.Msg) }

func ReadRequest(r chat.ReadRequest, by chat.Caller, requestID string) *rpc.ReadRequest {
	request := &rpc.ReadRequest{
		Chat: r.Chat, Reader: r.Reading.Reader, Cursor: r.Reading.Cursor, Meta: meta(by, requestID),
	}
	if r.End {
		request.End = &r.End
	}
	if r.Force {
		request.Force = &r.Force
	}
	return request
}

func ReadRequestOf(r *rpc.ReadRequest) chat.ReadRequest {
	return chat.ReadRequest{
		Chat: r.Chat, Reading: chat.Reading{Reader: r.Reader, Cursor: r.Cursor}, End: r.GetEnd(), Force: r.GetForce(),
	}
}

func ReadResponse(cursor int64, err error) *rpc.ReadResponse {
	code, text := outcome(err)
	response := &rpc.ReadResponse{Code: code, Msg: text}
	if err == nil {
		response.Cursor = &cursor
	}
	return response
}

func CursorOf(r *rpc.ReadResponse) (int64, error) { return r.GetCursor(), errorOf(r.Code, r.Msg) }

func AttendRequest(gateway string, present []chat.Attendance, by chat.Caller, requestID string) *rpc.AttendRequest {
	request := &rpc.AttendRequest{
		Gateway: gateway, Attendances: make([]*rpc.Attendance, len(present)), Meta: meta(by, requestID),
	}
	for i, p := range present {
		request.Attendances[i] = &rpc.Attendance{Chat: p.Chat, Readers: p.Readers}
	}
	return request
}

func AttendancesOf(r *rpc.AttendRequest) []chat.Attendance {
	present := make([]chat.Attendance, 0, len(r.Attendances))
	for _, p := range r.Attendances {
		if p != nil {
			present = append(present, chat.Attendance{Chat: p.Chat, Readers: p.Readers})
		}
	}
	return present
}

func AttendResponse(err error) *rpc.AttendResponse {
	code, text := outcome(err)
	return &rpc.AttendResponse{Code: code, Msg: text}
}

func AttendedOf(r *rpc.AttendResponse) error { return errorOf(r.Code, r.Msg) }

func PresentRequest(id string, by chat.Caller, requestID string) *rpc.PresentRequest {
	return &rpc.PresentRequest{Chat: id, Meta: meta(by, requestID)}
}

func PresentResponse(readers []string, err error) *rpc.PresentResponse {
	code, text := outcome(err)
	return &rpc.PresentResponse{Code: code, Msg: text, Readers: readers}
}

func ReadersOf(r *rpc.PresentResponse) ([]string, error) { return r.Readers, errorOf(r.Code, r.Msg) }

func outcome(err error) (int32, string) {
	if err != nil {
		return status(err)
	}
	return 0, success
}

// WatchRequest is a message of the client on a stream of Watch.
func WatchRequest(add, remove []chat.ID) *rpc.WatchRequest {
	return &rpc.WatchRequest{Add: names(add), Remove: names(remove)}
}

// WatchRequestOf returns the valid chats. The error is that of the first invalid one.
func WatchRequestOf(r *rpc.WatchRequest) (add, remove []chat.ID, err error) {
	add, addErr := ids(r.Add)
	remove, removeErr := ids(r.Remove)
	if addErr == nil {
		addErr = removeErr
	}
	return add, remove, addErr
}

func names(ids []chat.ID) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.String()
	}
	return names
}

func ids(names []string) (parsed []chat.ID, failed error) {
	parsed = make([]chat.ID, 0, len(names))
	for _, name := range names {
		id, err := chat.ParseID(name)
		if err != nil {
			failed = err
			continue
		}
		parsed = append(parsed, id)
	}
	return parsed, failed
}

// WatchResponse is a message of the server on a stream of Watch.
func WatchResponse(events []chat.Event) *rpc.WatchResponse {
	response := &rpc.WatchResponse{Events: make([]*rpc.Event, len(events))}
	for i := range events {
		response.Events[i] = event(&events[i])
	}
	return response
}

func event(e *chat.Event) *rpc.Event {
	told := &rpc.Event{Chat: e.Chat.String()}
	switch e.Kind {
	case chat.Signalled:
		told.Signal = signal(*e.Signal)
	case chat.Moved:
		told.Reading = &rpc.Reading{Reader: e.Reading.Reader, Cursor: e.Reading.Cursor}
	case chat.Received:
		told.Delivered = &rpc.Reading{Reader: e.Reading.Reader, Cursor: e.Reading.Cursor}
	case chat.PresenceChanged:
		told.Presence = new(true)
	case chat.Listed:
		told.Listed = new(true)
	case chat.IgnoredChanged:
		told.Ignored = new(true)
	case chat.MembersChanged:
		told.Membership = &rpc.Membership{Users: e.Users}
		if e.Deleted {
			told.Membership.Deleted = &e.Deleted
		}
	default:
		told.Position = &e.Position
		if len(e.Entries) > 0 {
			told.Before, told.Entries = &e.Before, e.Entries
		}
	}
	return told
}

// EventsOf leaves out kinds of events that this client does not know, of later servers.
func EventsOf(r *rpc.WatchResponse) []chat.Event {
	events := make([]chat.Event, 0, len(r.Events))
	for _, told := range r.Events {
		if e, ok := eventOf(told); ok {
			events = append(events, e)
		}
	}
	return slices.Clip(events)
}

func eventOf(told *rpc.Event) (chat.Event, bool) {
	if told == nil {
		return chat.Event{}, false
	}
	id, err := chat.ParseID(told.Chat)
	e := chat.Event{Chat: id}
	switch {
	case err != nil:
		return e, false
	case told.Signal != nil:
		e.Kind, e.Signal = chat.Signalled, new(signalOf(told.Signal))
	case told.Reading != nil:
		e.Kind, e.Reading = chat.Moved, &chat.Reading{Reader: told.Reading.Reader, Cursor: told.Reading.Cursor}
	case told.Delivered != nil:
		e.Kind, e.Reading = chat.Received, &chat.Reading{Reader: told.Delivered.Reader, Cursor: told.Delivered.Cursor}
	case told.GetPresence():
		e.Kind = chat.PresenceChanged
	case told.GetListed():
		e.Kind = chat.Listed
	case told.GetIgnored():
		e.Kind = chat.IgnoredChanged
	case told.Membership != nil:
		e.Kind, e.Users, e.Deleted = chat.MembersChanged, told.Membership.Users, told.Membership.GetDeleted()
	case told.Position != nil:
		e.Kind, e.Position = chat.Hint, *told.Position
		if told.Before != nil && len(told.Entries) > 0 {
			e.Before, e.Entries = *told.Before, told.Entries
		}
	default:
		return e, false
	}
	return e, true
}
