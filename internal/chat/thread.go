package chat

import (
	"context"
	"slices"
)

// Thread implements Changes.
func (s *ChangeService) Thread(ctx context.Context, r ThreadRequest) (Page, error) {
	by := callerOf(ctx)
	id, err := ParseID(r.Chat)
	if err == nil {
		err = checkCursor(r.Cursor)
	}
	if err == nil {
		err = CheckLimit(r.Limit)
	}
	if err != nil {
		return Page{}, err
	}
	if r.Ref < 1 || r.Ref > MaxSendTime {
		return Page{}, Errorf(InvalidArgument, "send_time is %d; give that of the message whose answers to read", r.Ref)
	}
	member, err := s.Access.member(id, r.Chat, by)
	if err != nil {
		return Page{}, err
	}
	ignored, err := s.ignoredBy(ctx, id, r, by)
	if err != nil {
		return Page{}, err
	}
	asked := Range{Chat: id, Member: member, Exists: s.Access.mustExist(id, by), From: r.Cursor, Limit: s.limits.page(r.Limit)}
	asked.User = readingUser(r.Reader, by)
	messages, next, err := s.store.ReadThread(ctx, asked, r.Ref)
	if err != nil {
		return Page{}, AsError(err)
	}
	page := Page{HasMore: next > 0, NextCursor: next}
	if next == 0 {
		page.NextCursor = r.Cursor
		if n := len(messages); n > 0 {
			page.NextCursor = messages[n-1].SendTime + 1
		}
	}
	page.Messages = slices.DeleteFunc(messages, func(m Message) bool { return m.Head().Hidden(ignored) })
	for i := range page.Messages {
		page.Messages[i].Chat = r.Chat
	}
	return page, nil
}

// ignoredBy returns the users that the request's reader ignores.
func (s *ChangeService) ignoredBy(ctx context.Context, id ID, r ThreadRequest, by Caller) (map[string]bool, error) {
	if r.Reader == "" {
		return nil, nil
	}
	if _, err := s.Access.reader(id, r.Chat, r.Reader, by); err != nil {
		return nil, err
	}
	if s.Readers == nil {
		return nil, Errorf(NotFound, "this rpc-server keeps no readers")
	}
	known := s.Readers.ReaderPositions(ctx, []PositionQuery{{Chat: id, Reader: r.Reader}})[0]
	return known.Ignored, known.Err
}
