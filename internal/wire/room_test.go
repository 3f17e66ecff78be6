package wire

import (
	"reflect"
	"testing"
	"time"

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
		Rules:   chat.RoomRules{Announce: true, SlowMode: time.Minute}, Pins: []int64{7, 5},
	}
	message := chat.Message{Chat: "club", Sender: "ann", Text: "-", Notice: &chat.Notice{Event: chat.RoomRenamed, Users: []string{"a"}, Name: "n"}}
	page := chat.Page{Messages: []chat.Message{message}}
	rooms := chat.RoomPage{Rooms: []chat.Room{room}, HasMore: true, NextCursor: "d"}
	event := chat.Event{Kind: chat.MembersChanged, Users: []string{"bob"}}
	event.Chat, _ = chat.ParseID("club")
	newRoom := chat.NewRoom{ID: "club", Name: "n", Visibility: chat.Public, Users: []string{"bob"}, As: "ann"}
	change := chat.RoomChange{
		Room: "club", Kind: chat.AddMembers, Users: []string{"bob"}, Name: "n", As: "ann", Visibility: chat.Public,
		Until: 9, Reason: "spam", SlowMode: time.Minute, Ref: 7, RequestID: "id",
	}
	list := chat.RoomsRequest{As: "ann", Cursor: "c", Limit: 3}
	asked := chat.RestraintsRequest{Room: "club", Kind: chat.Mute, As: "ann", Cursor: "c", Limit: 3}
	restraints := chat.RestraintPage{
		Restraints: []chat.Restraint{{Kind: chat.Mute, User: "eve", Until: 9, Since: 7, By: "ann", Reason: "spam"}}, HasMore: true, NextCursor: "f",
	}
	gotRestraints, _ := RestraintsOf(chat.Mute)(RestraintsResponse(restraints, nil))
	gotRoom, _ := RoomOf(RoomResponse(room, nil))
	gotPage, _ := PageOf(PullResponse(page, nil))
	gotRooms, _ := RoomPageOf(RoomsResponse(rooms, nil))
	for _, c := range []struct{ got, want any }{
		{gotRoom, room},
		{gotPage, page},
		{gotRooms, rooms},
		{gotRestraints, restraints},
		{RestraintsRequestOf(RestraintsRequest(asked, by, "")), asked},
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
		RoomRequest(chat.RoomRequest{}, by, ""), RoomsRequest(chat.RoomsRequest{}, by, ""), RestraintsRequest(chat.RestraintsRequest{}, by, ""), AccountRequest("a", by, ""),
		AccountsRequest(chat.AccountsRequest{}, by, ""), KnownRequest(nil, by, ""),
	} {
		if carried := CallerOf(RequesterOf(request)); carried != by {
			t.Errorf("%T carries %+v", request, carried)
		}
	}
}
