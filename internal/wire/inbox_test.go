package wire

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// same compares the decoded value with the sent one.
func same[T any](t *testing.T, what string, want T, got T, err error) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s %+v came as %+v, %v", what, want, got, err)
	}
}

func TestReadersRoundTrip(t *testing.T) {
	receipts := chat.Receipts{Readings: []chat.Reading{{Reader: "a/phone", Cursor: 7}}, Count: 2000}
	got, err := ReceiptsOf(ReadersResponse(receipts, nil))
	same(t, "receipts", receipts, got, err)
	ignore := chat.IgnoreRequest{User: "a", Other: "b", Ignore: true}
	same(t, "ignore", ignore, IgnoreRequestOf(IgnoreRequest(ignore, chat.Caller{}, "id")), nil)
	ignored, err := IgnoredOf(IgnoredResponse([]string{"b"}, nil))
	same(t, "ignored", []string{"b"}, ignored, err)
}

func TestInboxRoundTrip(t *testing.T) {
	request := chat.InboxRequest{Reader: "a/phone", Cursor: 1 << 52, Limit: 5, Names: true}
	same(t, "request", request, InboxRequestOf(InboxRequest(request, chat.Caller{}, "id")), nil)
	inbox := chat.Inbox{
		Entries: []chat.InboxEntry{
			{Chat: "a:b", Last: &chat.Message{Chat: "a:b", Text: "x", Sender: "a", ID: "1", SendTime: 7}, Unread: 100, Cursor: 8},
			{Chat: "room", Name: "The Room", Users: []chat.UserName{{User: "a", Name: "Ann"}}},
		},
		HasMore: true, NextCursor: 9,
	}
	got, err := InboxOf(InboxResponse(inbox, nil))
	same(t, "inbox", inbox, got, err)
	for _, r := range []chat.UnreadRequest{{Reader: "a"}, {Reader: "a/phone", Cursor: 1 << 52, Limit: 7}} {
		same(t, "unread", r, UnreadRequestOf(UnreadRequest(r, chat.Caller{}, "")), nil)
	}
	for _, page := range []chat.UnreadPage{
		{Chats: []chat.Unread{{Chat: "a:b", Count: 100}}},
		{Chats: []chat.Unread{{Chat: "a:b", Count: 1}, {Chat: "c", Count: 2}}, HasMore: true, NextCursor: 1 << 52},
	} {
		unread, err := UnreadOf(UnreadResponse(page, nil))
		same(t, "unread", page, unread, err)
	}
	for _, r := range []chat.ChatsRequest{{Reader: "a"}, {Reader: "a/phone", Names: true}} {
		same(t, "chats request", r, ChatsRequestOf(ChatsRequest(r, chat.Caller{}, "")), nil)
	}
	standings := []chat.Standing{
		{Chat: "a:b", Cursor: 7, Title: chat.Title{Users: []chat.UserName{{User: "a", Name: "Ann"}}}},
		{Chat: "room", Title: chat.Title{Name: "The Room"}},
	}
	chats, err := ChatsOf(ChatsResponse(standings, nil))
	same(t, "chats", standings, chats, err)
	for _, kind := range []chat.EventKind{chat.Listed, chat.IgnoredChanged} {
		events := []chat.Event{{Chat: chat.SelfChat("a"), Kind: kind}}
		same(t, "event", events, EventsOf(WatchResponse(events)), nil)
	}
}

func TestHintsRoundTrip(t *testing.T) {
	for _, hint := range []chat.Event{
		{}, {Position: 7}, {Position: 7, Before: 3, Entries: [][]byte{[]byte("\x00\xff one"), {}}}, {Position: 7, Entries: [][]byte{[]byte("the first")}},
	} {
		hint.Chat = chat.SelfChat("a")
		same(t, "hint", []chat.Event{hint}, EventsOf(WatchResponse([]chat.Event{hint})), nil)
	}
	unknown := WatchResponse([]chat.Event{{Chat: chat.SelfChat("a"), Position: 7, Before: 3, Entries: [][]byte{{1}}}})
	unknown.Events[0].Before = nil
	same(t, "hint", []chat.Event{{Chat: chat.SelfChat("a"), Position: 7}}, EventsOf(unknown), nil)
}

func TestReadersErrorsRoundTrip(t *testing.T) {
	err := chat.Errorf(chat.Unavailable, "what to do")
	_, receipts := ReceiptsOf(ReadersResponse(chat.Receipts{}, err))
	_, ignored := IgnoredOf(IgnoredResponse(nil, err))
	_, inbox := InboxOf(InboxResponse(chat.Inbox{}, err))
	_, unread := UnreadOf(UnreadResponse(chat.UnreadPage{}, err))
	_, chats := ChatsOf(ChatsResponse(nil, err))
	for i, got := range []error{receipts, ignored, inbox, unread, chats, IgnoreOf(IgnoreResponse(err))} {
		if chat.CodeOf(got) != chat.Unavailable || chat.AsError(got).Message != "what to do" {
			t.Errorf("%d: %v came as %v", i, err, got)
		}
	}
}
