package chat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ruled is a room with the admins ann and dan, and the members bob and cid, or a change of that.
func ruled(change func(*StoredRoom)) StoredRoom {
	room := StoredRoom{Name: "Club", Visibility: Private, Count: 4, Admins: 2, Members: map[string]Member{
		"ann": {User: "ann", Role: Admin, Since: 1}, "bob": {User: "bob", Role: PlainMember, Since: 3},
		"cid": {User: "cid", Role: PlainMember, Since: 2}, "dan": {User: "dan", Role: Admin, Since: 4},
	}}
	if change != nil {
		change(&room)
	}
	return room
}

func public(r *StoredRoom) { r.Visibility = Public }
func oneAdmin(r *StoredRoom) {
	r.Admins--
	r.Members["dan"] = Member{User: "dan", Role: PlainMember, Since: 4}
}

func noAdmin(r *StoredRoom) {
	oneAdmin(r)
	r.Admins--
	r.Members["ann"] = Member{User: "ann", Role: PlainMember, Since: 1}
}

func alone(r *StoredRoom) {
	*r = StoredRoom{Visibility: r.Visibility, Count: 1, Admins: 1, Members: map[string]Member{"ann": {User: "ann", Role: Admin, Since: 1}}}
}
func publicAlone(r *StoredRoom) { public(r); alone(r) }

// show describes an edit in words: the notices, the members that it sets and removes, and its conditions.
func show(e *RoomEdit) string {
	if e == nil {
		return "nothing"
	}
	var words []string
	for _, m := range e.Notices {
		words = append(words, m.Text)
	}
	for _, m := range e.Set {
		words = append(words, fmt.Sprintf("+%s %s %d", m.User, m.Role, m.Since))
	}
	for _, user := range e.Remove {
		words = append(words, "-"+user)
	}
	if e.Name != nil {
		words = append(words, fmt.Sprintf("name %q", *e.Name))
	}
	if e.Visibility != "" {
		words = append(words, string(e.Visibility))
	}
	if e.Tell {
		words = append(words, fmt.Sprintf("revokes %v", e.Revoked))
	}
	if e.Emptied {
		words = append(words, "emptied")
	}
	if e.IfAdmins >= 0 {
		words = append(words, fmt.Sprintf("if %d admins", e.IfAdmins))
	}
	if len(e.IfMembers) > 0 {
		var members []string
		for _, m := range e.IfMembers {
			members = append(members, strings.TrimSpace(fmt.Sprint(m.User, " ", m.Role)))
		}
		words = append(words, "if "+strings.Join(members, "+"))
	}
	return strings.Join(words, "; ")
}

// decided is the decision of ChangeRoom: it reads again where a change needs all members.
func decided(t *testing.T, who acting, asked RoomChange, room StoredRoom) (*RoomEdit, error) {
	t.Helper()
	c := change{who: who, asked: asked}
	var err error
	if c.rule, err = ruleOf(asked, who); err != nil {
		return nil, err
	}
	id := ID{"club"}
	for range 2 {
		q, read := c.query(id), room
		read.Members = map[string]Member{}
		for user, m := range room.Members {
			if q.All || slices.Contains(q.Users, user) {
				read.Members[user] = m
			}
		}
		e, err := c.decide(id, read)
		if err != nil || e != nil || c.all == c.read {
			return e, err
		}
	}
	t.Fatalf("%+v needs all members twice", asked)
	return nil, nil
}

func TestRoomRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by    string // "" is a service that acts for no user
		room  func(*StoredRoom)
		kind  ChangeKind
		users string
		want  string // the edit, or the error's code
	}{
		{"eve", nil, JoinRoom, "", "permission_denied"},
		{"bob", nil, JoinRoom, "", "nothing"},
		{"eve", public, JoinRoom, "", "eve joined; +eve member 0; if eve"},
		{"eve", noAdmin, JoinRoom, "", "permission_denied"},
		{"", public, JoinRoom, "", "invalid_argument"},
		{"bob", nil, LeaveRoom, "", "bob left; -bob; revokes [bob]; if bob member"},
		{"eve", nil, LeaveRoom, "", "nothing"},
		{"ann", nil, LeaveRoom, "", "ann left; -ann; revokes [ann]; if 2 admins; if ann admin"},
		{"ann", oneAdmin, LeaveRoom, "", "ann left; cid is admin now; +cid admin 2; -ann; revokes [ann]; if 1 admins; if ann admin+cid member"},
		{"ann", alone, LeaveRoom, "", "ann left; -ann; revokes [ann]; emptied; if ann admin"},
		{"ann", publicAlone, LeaveRoom, "", "ann left; -ann; revokes [ann]; if 1 admins; if ann admin"},
		{"", nil, LeaveRoom, "", "invalid_argument"},
		{"ann", nil, AddMembers, "eve bob fay", "ann added eve, fay; +eve member 0; +fay member 0; if ann admin+eve+fay"},
		{"ann", nil, AddMembers, "bob cid", "nothing"},
		{"bob", nil, AddMembers, "eve", "permission_denied"},
		{"eve", nil, AddMembers, "eve", "permission_denied"},
		{"ann", nil, AddMembers, "", "invalid_argument"},
		{"", noAdmin, AddMembers, "eve fay", "service:x added eve, fay; +eve admin 0; +fay member 0; if 0 admins; if eve+fay"},
		{"ann", nil, RemoveMembers, "bob eve", "ann removed bob; -bob; revokes [bob]; if ann admin+bob member"},
		{"ann", nil, RemoveMembers, "eve", "nothing"},
		{"ann", nil, RemoveMembers, "dan ann", "ann removed dan, ann; cid is admin now; +cid admin 2; -dan; -ann; revokes [dan ann]; if 2 admins; if ann admin+dan admin+ann admin+cid member"},
		{"bob", nil, RemoveMembers, "bob", "permission_denied"},
		{"", nil, RemoveMembers, "ann bob cid dan", "service:x removed ann, bob, cid, dan; -ann; -bob; -cid; -dan; revokes [ann bob cid dan]; emptied; if ann admin+bob member+cid member+dan admin"},
		{"ann", nil, PromoteMember, "bob dan", "ann made bob admin; +bob admin 3; if ann admin+bob member"},
		{"ann", nil, PromoteMember, "dan", "nothing"},
		{"ann", nil, PromoteMember, "bob eve", "not_found"},
		{"ann", nil, DemoteAdmin, "dan", "ann made dan a member like others; +dan member 4; if 2 admins; if ann admin+dan admin"},
		{"ann", nil, DemoteAdmin, "bob", "nothing"},
		{"ann", nil, DemoteAdmin, "ann dan", "conflict"},
		{"ann", oneAdmin, DemoteAdmin, "ann", "conflict"},
		{"ann", nil, DemoteAdmin, "eve", "not_found"},
		{"ann", nil, OpenRoom, "", "ann made this room public; public; if ann admin"},
		{"ann", public, OpenRoom, "", "nothing"},
		{"bob", nil, OpenRoom, "", "permission_denied"},
		{"ann", public, CloseRoom, "", "ann made this room private; private; revokes []; if ann admin"},
		{"ann", nil, CloseRoom, "", "nothing"},
		{"", public, CloseRoom, "", "service:x made this room private; private; revokes []"},
		{"ann", nil, DeleteRoom, "", "if ann admin"},
		{"bob", nil, DeleteRoom, "", "permission_denied"},
		{"ann", nil, "explode", "", "invalid_argument"},
	} {
		who := acting{user: c.by, name: c.by}
		if c.by == "" {
			who = acting{name: "service:x", free: true}
		}
		room := ruled(c.room)
		e, err := decided(t, who, RoomChange{Room: "club", Kind: c.kind, Users: strings.Fields(c.users)}, room)
		got := show(e)
		if err != nil {
			got = string(CodeOf(err))
		}
		if got != c.want {
			t.Errorf("%s of %q by %q = %q, want %q", c.kind, c.users, c.by, got, c.want)
		}
		if e != nil && e.IfVisibility != room.Visibility {
			t.Errorf("%s of %q by %q is under no condition of the visibility", c.kind, c.users, c.by)
		}
	}
}

func TestRoomNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       ChangeKind
		name       string
		visibility Visibility
		want       string
	}{
		{RenameRoom, "Den", "", `ann named this room Den; name "Den"; if ann admin`},
		{RenameRoom, "", "", `ann took this room's name away; name ""; if ann admin`},
		{RenameRoom, "Club", "", "nothing"},
		{RenameRoom, strings.Repeat("n", MaxRoomNameBytes+1), "", "invalid_argument"},
		{RenameRoom, "a\nb", "", "invalid_argument"},
		{RenameRoom, " ", "", "invalid_argument"},
		{UpdateRoom, "Den", Public, `ann made this room public; ann named this room Den; name "Den"; public; if ann admin`},
		{UpdateRoom, "Club", Public, "ann made this room public; public; if ann admin"},
		{UpdateRoom, "Den", Private, `ann named this room Den; name "Den"; if ann admin`},
		{UpdateRoom, "Club", Private, "nothing"},
		{UpdateRoom, "Den", "", "invalid_argument"},
		{UpdateRoom, "Den", Deleted, "invalid_argument"},
	} {
		e, err := decided(t, acting{user: "ann", name: "ann"}, RoomChange{Room: "club", Kind: c.kind, Name: c.name, Visibility: c.visibility}, ruled(nil))
		got := show(e)
		if err != nil {
			got = string(CodeOf(err))
		}
		if got != c.want {
			t.Errorf("%s to %.10q, %q = %q, want %q", c.kind, c.name, c.visibility, got, c.want)
		}
	}
}

// TestRoomAfterAnEdit: the answer shows the room as it is after the change, and the room as it was read stays as it was.
func TestRoomAfterAnEdit(t *testing.T) {
	t.Parallel()
	name := "Den"
	edit := RoomEdit{Name: &name, Visibility: Public, Set: []Member{{User: "eve", Role: PlainMember}, {User: "bob", Role: Admin}}, Remove: []string{"cid"}}
	before := ruled(nil)
	after := edit.after(before)
	if after.Name != "Den" || after.Visibility != Public || after.Count != 4 || after.Members["bob"].Role != Admin || after.Members["eve"].User == "" {
		t.Errorf("after() = %+v, want Den, public, with eve and without cid", after)
	}
	if _, left := after.Members["cid"]; left || before.Members["bob"].Role != PlainMember || len(before.Members) != 4 {
		t.Errorf("after() = %+v of %+v, want cid removed, and the room before unchanged", after, before)
	}
}

func TestMemberPage(t *testing.T) {
	t.Parallel()
	all := standing(ruled(nil).Members)
	for _, c := range []struct {
		request    RoomRequest
		want, next string
	}{
		{RoomRequest{}, "ann cid bob dan", ""},
		{RoomRequest{Limit: 2}, "ann cid", "3/bob"},
		{RoomRequest{Limit: 2, Cursor: "3/bob"}, "bob dan", ""},
		{RoomRequest{Limit: 1, Cursor: "2/cid"}, "cid", "3/bob"},
		{RoomRequest{Limit: 1, Cursor: "2/a"}, "cid", "3/bob"},
		{RoomRequest{Limit: 1, Cursor: "2/z"}, "bob", "4/dan"},
		{RoomRequest{Cursor: "9/x"}, "", ""},
		{RoomRequest{Limit: MaxMembersInPage + 1}, "ann cid bob dan", ""},
	} {
		var room Room
		c.request.page(&room, all)
		var got []string
		for _, m := range room.Members {
			got = append(got, m.User)
		}
		if strings.Join(got, " ") != c.want || room.NextCursor != c.next || room.HasMore != (c.next != "") {
			t.Errorf("page(%+v) = %q, then %q (%v); want %q, then %q", c.request, got, room.NextCursor, room.HasMore, c.want, c.next)
		}
	}
	for cursor, want := range map[string]Code{"": "", "3/bob": "", "0/a": "", "bob": InvalidArgument, "3/": InvalidArgument, "-1/bob": InvalidArgument, "x/bob": InvalidArgument} {
		if err := (RoomRequest{Cursor: cursor}).check(); CodeOf(err) != want {
			t.Errorf("check(cursor %q) = %v, want %q", cursor, err, want)
		}
	}
	if err := (RoomRequest{Limit: -1}).check(); CodeOf(err) != InvalidArgument {
		t.Errorf("check(limit -1) = %v, want invalid_argument", err)
	}
}
