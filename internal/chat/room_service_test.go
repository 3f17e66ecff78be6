package chat

import "testing"

// TestServiceInNotices: no user can have the name under which a service changes a room.
func TestServiceInNotices(t *testing.T) {
	t.Parallel()
	roomService := NewRoomService(nil, Access{Required: true}, RoomOptions{})
	for name, want := range map[string]string{"alice": "service:alice", "admin": "service:admin", "": "service"} {
		who, err := roomService.acting(WithCaller(t.Context(), Caller{User: name, Service: true}), "")
		if err != nil || who.name != want || !who.free {
			t.Errorf("the service %q changes rooms as %+v, %v; want %s", name, who, err, want)
		}
		if checkName("user", who.name) == nil && roomService.Access.checkUnreserved("user", who.name) == nil {
			t.Errorf("a user may be called %s", who.name)
		}
	}
	who, err := roomService.acting(WithCaller(t.Context(), Caller{User: "ops", Service: true}), "bob")
	if err != nil || who.name != "bob" || who.free {
		t.Errorf("a service changes rooms for bob as %+v, %v", who, err)
	}
}
