package chat

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

// AttendanceLapses is how long a report of ReportPresence is valid.
const AttendanceLapses = 45 * time.Second

// MaxReadersAttending is the maximum number of readers in one Attendance.
const MaxReadersAttending = 10_000

// LiveService implements Live. It applies every rule before it calls the LiveStore.
type LiveService struct {
	store  LiveStore
	Access Access // the access rules
}

var _ Live = (*LiveService)(nil)

// NewLiveService returns the Live over a store.
func NewLiveService(store LiveStore, access Access) *LiveService {
	return &LiveService{store: store, Access: access}
}

// Watch implements Live.
func (s *LiveService) Watch() Watch { return s.store.Watch() }

// Signal implements Live.
func (s *LiveService) Signal(ctx context.Context, signal Signal) error {
	id, err := ParseID(signal.Chat)
	if err == nil {
		signal.Sender, err = s.Access.actor(id, signal.Chat, signal.Sender, callerOf(ctx))
	}
	if err == nil {
		err = s.Access.checkNewUsers([]string{signal.Sender}, callerOf(ctx))
	}
	if err == nil {
		err = CheckSignalType("type", signal.Type)
	}
	switch {
	case err != nil:
		return err
	case len(signal.Data) > MaxSignalBytes:
		return Errorf(InvalidArgument, "data is %d bytes; the limit is %d", len(signal.Data), MaxSignalBytes)
	case !utf8.ValidString(signal.Data):
		return Errorf(InvalidArgument, "data is not valid UTF-8")
	}
	if err := s.Access.act(ctx, id, signal.Chat, callerOf(ctx)); err != nil {
		return err
	}
	return orNil(s.store.Tell(ctx, Event{Chat: id, Kind: Signalled, Signal: &signal}))
}

// Read implements Live.
func (s *LiveService) Read(ctx context.Context, r ReadRequest) (int64, error) {
	id, err := ParseID(r.Chat)
	if err == nil {
		r.Reading.Reader, err = s.Access.reader(id, r.Chat, r.Reading.Reader, callerOf(ctx))
	}
	if err == nil {
		err = s.Access.checkNewReader(r.Reading.Reader, callerOf(ctx))
	}
	if err == nil {
		err = checkCursor(r.Reading.Cursor)
	}
	if err == nil && r.End && r.Reading.Cursor != 0 {
		err = Errorf(InvalidArgument, "the cursor is %d and the end; it is either a number or the end", r.Reading.Cursor)
	}
	if err == nil {
		err = s.Access.act(ctx, id, r.Chat, callerOf(ctx))
	}
	if err != nil {
		return 0, err
	}
	if r.End {
		r.Reading.Cursor = MaxCursor // the store knows the end
	}
	cursor, err := s.store.Advance(ctx, id, r.Reading, r.Force)
	return cursor, orNil(err)
}

// ReportPresence implements Live. Only a service, as a gateway is, may report other readers.
func (s *LiveService) ReportPresence(ctx context.Context, gateway string, present []Attendance) error {
	if err := checkWord("gateway", gateway); err != nil {
		return err
	}
	readers := make(map[ID][]string, len(present))
	for _, p := range present {
		id, err := ParseID(p.Chat)
		if err != nil {
			return err
		}
		if by := callerOf(ctx); !by.Service { // a gateway has checked its readers
			err = s.Access.act(ctx, id, p.Chat, by)
		} else {
			_, err = s.Access.identified(by)
		}
		if err != nil {
			return err
		}
		if len(p.Readers) > MaxReadersAttending {
			return Errorf(InvalidArgument, "%d readers are too many; the limit is %d", len(p.Readers), MaxReadersAttending)
		}
		for _, reader := range p.Readers {
			if _, err := s.Access.reader(id, p.Chat, reader, callerOf(ctx)); err != nil {
				return err
			}
		}
		readers[id] = p.Readers
	}
	return orNil(s.store.ReportPresence(ctx, gateway, readers))
}

// Present implements Live.
func (s *LiveService) Present(ctx context.Context, chat string) ([]string, error) {
	id, err := ParseID(chat)
	if err == nil {
		err = s.Access.enter(ctx, id, chat, callerOf(ctx))
	}
	if err != nil {
		return nil, err
	}
	readers, err := s.store.Present(ctx, id)
	return readers, orNil(err)
}

// CheckReader refuses invalid names of readers, and in a two-person chat readers other than its two users. name is the chat
// as the request spells it.
func CheckReader(id ID, name, reader string) error {
	if err := checkReaderName(reader); err != nil {
		return err
	}
	return checkMember("reader", id, name, UserOf(reader))
}

// checkReaderName refuses names that are neither a user's nor a device's.
func checkReaderName(reader string) error {
	user, device, hasDevice := strings.Cut(reader, "/")
	if err := checkName("reader", user); err != nil {
		return err
	}
	if hasDevice {
		return checkWord("reader's device", device)
	}
	return nil
}

func checkMember(what string, id ID, name, user string) error {
	if first, second, pair := id.Users(); pair && user != first && user != second {
		return Errorf(InvalidArgument, "%s %q is not one of the two users of chat %q", what, user, name)
	}
	return nil
}

func checkCursor(cursor int64) error {
	if cursor < 0 || cursor > MaxCursor {
		return Errorf(InvalidArgument, "cursor is %d; it must be between 0 and %d", cursor, int64(MaxCursor))
	}
	return nil
}

// orNil is AsError that keeps a nil error nil.
func orNil(err error) error {
	if err == nil {
		return nil
	}
	return AsError(err)
}
