package wire

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestRoomsRoundTrip(t *testing.T) {
	by := chat.Caller{User: "ann"}
	for _, want := range []chat.Caller{{}, by, {User: "backend", Service: true}, {Service: true}} {
		if got := CallerOf(Caller(want)); got != want {
			t.Errorf("CallerOf(Caller(%+v)) = %+v", want, got)
		}
	}
	room := chat.Room{
		ID: "club", Name: "The Club", Visibility: chat.Private, Created: 1, Count: 1, Role: chat.Admin,
		Members: []chat.Member{{User: "ann", Role: chat.Admin, Since: 1}},
	}
	message := chat.Message{Chat: "club", Sender: "ann", Text: "-", Notice: &chat.Notice{Event: chat.RoomRenamed, Users: []string{"a"}, Name: "n"}}
	page := chat.Page{Messages: []chat.Message{message}}
	rooms := chat.RoomPage{Rooms: []chat.Room{room}, HasMore: true, NextCursor: "d"}
	event := chat.Event{Kind: chat.MembersChanged, Users: []string{"bob"}}
	event.Chat, _ = chat.ParseID("club")
	newRoom := chat.NewRoom{ID: "club", Name: "n", Visibility: chat.Public, Users: []string{"bob"}, As: "ann"}
	change := chat.RoomChange{Room: "club", Kind: chat.AddMembers, Users: []string{"bob"}, Name: "n", As: "ann", Visibility: chat.Public}
	list := chat.RoomsRequest{As: "ann", Cursor: "c", Limit: 3}
	gotRoom, _ := RoomOf(RoomResponse(room, nil))
	gotPage, _ := PageOf(PullResponse(page, nil))
	gotRooms, _ := RoomPageOf(RoomsResponse(rooms, nil))
	for _, c := range []struct{ got, want any }{
		{gotRoom, room},
		{gotPage, page},
		{gotRooms, rooms},
		{EventsOf(WatchResponse([]chat.Event{event}))[0], event},
		{NewRoomOf(CreateRoomRequest(newRoom, by, "id")), newRoom},
		{RoomChangeOf(ChangeRoomRequest(change, by, "id")), change},
		{RoomRequestOf(RoomRequest(chat.RoomRequest{Room: "club", As: "ann", Limit: 5, Cursor: "7/bob"}, by, "")), chat.RoomRequest{Room: "club", As: "ann", Limit: 5, Cursor: "7/bob"}},
		{RoomsRequestOf(RoomsRequest(list, by, "")), list},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%+v became %+v on the way", c.want, c.got)
		}
	}
}

// TestCallerOnEveryRequest: none leaves its caller behind.
func TestCallerOnEveryRequest(t *testing.T) {
	by := chat.Caller{User: "ann"}
	for _, request := range []any{
		SendRequest(chat.Message{}, by, ""), PullRequest(chat.PullRequest{}, by, ""), SignalRequest(chat.Signal{}, by, ""),
		ReadRequest(chat.ReadRequest{}, by, ""), AttendRequest("g", nil, by, ""), PresentRequest("c", by, ""),
		EnterRequest(nil, by, ""), CreateRoomRequest(chat.NewRoom{}, by, ""), ChangeRoomRequest(chat.RoomChange{}, by, ""),
		RoomRequest(chat.RoomRequest{}, by, ""), RoomsRequest(chat.RoomsRequest{}, by, ""), AccountRequest("a", by, ""),
		AccountsRequest(chat.AccountsRequest{}, by, ""), KnownRequest(nil, by, ""),
	} {
		if carried := CallerOf(RequesterOf(request)); carried != by {
			t.Errorf("%T carries %+v", request, carried)
		}
	}
}
