package chat

import (
	"context"
	"strconv"
	"strings"
)

// OnlineRequest asks for a page of the users who are online.
type OnlineRequest struct {
	Cursor string // the NextCursor of the page before; "" is the beginning
	Limit  int64  // users, about; 0 is 100
}

// OnlinePage answers an OnlineRequest.
type OnlinePage struct {
	Users      []string
	HasMore    bool
	NextCursor string // "" at the end
}

// Online implements Moderation.
func (s *ModerationService) Online(ctx context.Context, r OnlineRequest) (OnlinePage, error) {
	_, err := s.service(ctx)
	var limit int
	if err == nil {
		limit, err = moderationLimit(r.Limit)
	}
	var cursor uint64
	if err == nil && r.Cursor != "" {
		var failed error
		if cursor, failed = strconv.ParseUint(r.Cursor, 10, 64); failed != nil {
			err = Errorf(InvalidArgument, "cursor is %q, which is not a cursor of the list of users", r.Cursor)
		}
	}
	if err != nil {
		return OnlinePage{}, err
	}
	users, next, err := s.store.ListOnline(ctx, cursor, limit)
	if err != nil {
		return OnlinePage{}, AsError(err)
	}
	page := OnlinePage{Users: users, HasMore: next != 0}
	if page.HasMore {
		page.NextCursor = strconv.FormatUint(next, 10)
	}
	return page, nil
}

// ExportRequest asks for a page of a user's data.
type ExportRequest struct {
	User      string
	Cursor    string // the NextCursor of the page before; "" is the beginning
	Limit     int64  // entries of chats that are looked through for a page, of all users; 0 is 1,000, which is the maximum
	Reason    string // for the audit log
	RequestID string
}

// UserExport is a page of a user's data: the first page has the account and the rooms, and each page some of the
// messages.
type UserExport struct {
	Account    Account // of the first page
	Suspended  bool    // the same
	Rooms      []Room  // the same: with the user's role
	Messages   []Message
	HasMore    bool
	NextCursor string
}

// exportScan is how many entries are looked through for a page.
const exportScan = 1000

// ExportUser implements Moderation. The entry is kept first, so that no user is exported without one.
func (s *ModerationService) ExportUser(ctx context.Context, r ExportRequest) (UserExport, error) {
	entry, err := s.act(ctx, AuditExportUser, UserAction{User: r.User, Reason: r.Reason, RequestID: r.RequestID})
	if err == nil {
		err = CheckLimit(r.Limit)
	}
	if err != nil {
		return UserExport{}, err
	}
	chats, err := s.store.ChatsOf(ctx, r.User)
	if err != nil {
		return UserExport{}, AsError(err)
	}
	var export UserExport
	from := int64(1)
	if r.Cursor == "" {
		account, err := s.account(ctx, r.User)
		if err == nil {
			err = orNil(s.store.Record(ctx, entry))
		}
		if err == nil {
			export.Account = account.Account
			err = s.profile(ctx, r.User, chats, &export)
		}
		if err != nil {
			return UserExport{}, err
		}
	} else {
		position, chat, _ := strings.Cut(r.Cursor, "/")
		var failed error
		if from, failed = strconv.ParseInt(position, 10, 64); failed != nil || from < 1 || from > MaxCursor || chat == "" {
			return UserExport{}, Errorf(InvalidArgument, "cursor is %q, which is not a cursor of an export", r.Cursor)
		}
		for len(chats) > 0 && chats[0].String() < chat {
			chats = chats[1:]
		}
		if len(chats) > 0 && chats[0].String() != chat {
			from = 1
		}
	}
	limit := exportScan
	if r.Limit > 0 {
		limit = int(min(r.Limit, exportScan))
	}
	err = s.ownMessages(ctx, r.User, chats, from, limit, &export)
	return export, err
}

// profile fills in the fields of the first page other than messages.
func (s *ModerationService) profile(ctx context.Context, user string, chats []ID, export *UserExport) error {
	var err error
	if export.Suspended, err = s.store.IsSuspended(ctx, user); err != nil {
		return AsError(err)
	}
	var queries []RoomQuery
	for _, id := range chats {
		if id.IsRoom() {
			queries = append(queries, RoomQuery{Room: id, Users: []string{user}})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	rooms, err := s.store.ReadRooms(ctx, queries)
	if err != nil {
		return AsError(err)
	}
	for i, stored := range rooms {
		if _, member := stored.Members[user]; member && exists(queries[i].Room, stored) == nil {
			export.Rooms = append(export.Rooms, roomOf(queries[i].Room, stored, user))
		}
	}
	return nil
}

// ownMessages looks through up to limit entries of chats for messages of a user.
func (s *ModerationService) ownMessages(ctx context.Context, user string, chats []ID, from int64, limit int, export *UserExport) error {
	for _, id := range chats {
		if limit == 0 {
			export.HasMore, export.NextCursor = true, strconv.FormatInt(from, 10)+"/"+id.String()
			return nil
		}
		read := s.store.Range(ctx, []Range{{Chat: id, From: from, Limit: limit + 1}})[0]
		if read.Err != nil {
			return AsError(read.Err)
		}
		found := read.Messages
		more := len(found) > limit
		if more {
			from, found = found[limit].SendTime, found[:limit]
		}
		for _, m := range found {
			if m.Sender == user && m.Notice == nil && !m.Erased {
				m.Chat = id.String()
				export.Messages = append(export.Messages, m)
			}
		}
		if more {
			export.HasMore, export.NextCursor = true, strconv.FormatInt(from, 10)+"/"+id.String()
			return nil
		}
		limit -= len(found)
		from = 1
	}
	return nil
}
