package chat

import "context"

// RoomsOf implements Rooms.
func (s *RoomService) RoomsOf(ctx context.Context, r RoomsRequest) (RoomPage, error) {
	who, err := s.acting(ctx, r.As)
	if err == nil {
		err = who.named()
	}
	if err != nil {
		return RoomPage{}, err
	}
	limit, err := s.limit(r)
	if err != nil {
		return RoomPage{}, err
	}
	names, err := s.store.ListRooms(ctx, who.user, r.Cursor, limit+1)
	if err != nil {
		return RoomPage{}, AsError(err)
	}
	return s.page(ctx, names, limit, who.user, func(stored StoredRoom) bool {
		_, member := stored.Members[who.user]
		return member
	})
}

// PublicRooms implements Rooms.
func (s *RoomService) PublicRooms(ctx context.Context, r RoomsRequest) (RoomPage, error) {
	who, err := s.acting(ctx, r.As)
	if err != nil {
		return RoomPage{}, err
	}
	limit, err := s.limit(r)
	if err != nil {
		return RoomPage{}, err
	}
	names, err := s.store.ListPublic(ctx, r.Cursor, limit+1)
	if err != nil {
		return RoomPage{}, AsError(err)
	}
	return s.page(ctx, names, limit, who.user, func(stored StoredRoom) bool { return stored.Visibility == Public })
}

func (s *RoomService) limit(r RoomsRequest) (int, error) {
	if err := CheckLimit(r.Limit); err != nil {
		return 0, err
	}
	if r.Limit == 0 {
		return s.options.DefaultLimit, checkNamePart("cursor", r.Cursor)
	}
	return int(min(r.Limit, int64(s.options.MaxLimit))), checkNamePart("cursor", r.Cursor)
}

// page reads the rooms of names and leaves out those that do not belong. names has one more than the limit if there are
// more rooms.
func (s *RoomService) page(ctx context.Context, names []string, limit int, user string, belongs func(StoredRoom) bool) (RoomPage, error) {
	var page RoomPage
	if len(names) > limit {
		page.HasMore, page.NextCursor = true, names[limit]
		names = names[:limit]
	}
	queries := make([]RoomQuery, 0, len(names))
	for _, name := range names {
		id, err := parseRoom(name)
		if err != nil {
			continue // no server writes such an id
		}
		query := RoomQuery{Room: id}
		if user != "" {
			query.Users = []string{user}
		}
		queries = append(queries, query)
	}
	if len(queries) == 0 {
		return page, nil
	}
	rooms, err := s.store.ReadRooms(ctx, queries)
	if err != nil {
		return RoomPage{}, AsError(err)
	}
	for i, stored := range rooms {
		if exists(queries[i].Room, stored) == nil && belongs(stored) {
			page.Rooms = append(page.Rooms, roomOf(queries[i].Room, stored, user))
		}
	}
	return page, nil
}
