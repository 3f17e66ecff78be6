package chat

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// check refuses invalid pages of members.
func (r RoomRequest) check() error {
	if err := CheckLimit(r.Limit); err != nil {
		return err
	}
	if _, _, ok := r.from(); !ok {
		return Errorf(InvalidArgument, "cursor is %q, which is not a cursor of the list of members", r.Cursor)
	}
	return nil
}

// from returns the start of the page: a cursor is "since/user" of its first member.
func (r RoomRequest) from() (since int64, user string, ok bool) {
	if r.Cursor == "" {
		return 0, "", true
	}
	digits, user, _ := strings.Cut(r.Cursor, "/")
	since, err := strconv.ParseInt(digits, 10, 64)
	return since, user, err == nil && since >= 0 && user != ""
}

// page sets a room's page of the sorted members. A member who stays is on exactly one page, because joins and departures
// do not shift the others.
func (r RoomRequest) page(room *Room, all []Member) {
	since, user, _ := r.from()
	begin := slices.IndexFunc(all, func(m Member) bool {
		return cmp.Or(cmp.Compare(m.Since, since), strings.Compare(m.User, user)) >= 0
	})
	if begin < 0 {
		return
	}
	all = all[begin:]
	limit := MaxMembersInPage
	if r.Limit > 0 {
		limit = int(min(r.Limit, MaxMembersInPage))
	}
	if len(all) > limit {
		next := all[limit]
		room.HasMore, room.NextCursor = true, strconv.FormatInt(next.Since, 10)+"/"+next.User
		all = all[:limit]
	}
	room.Members = all
}
