package chat_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

var errSecret = errors.New("10.0.0.1: refused")

func TestSendRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob")
	d.create(t, "ann", "club", chat.Private, "bob")
	d.create(t, "ann", "lounge", chat.Public)
	long := strings.Repeat("x", chat.MaxIDBytes+1)
	user, service := chat.Caller{User: "ann"}, chat.Caller{User: "backend", Service: true}
	for _, c := range []struct {
		name    string
		by      chat.Caller
		message chat.Message
		want    chat.Code
	}{
		{"the sender is the caller", user, chat.Message{Chat: "ann:bob", Text: "x"}, ""},
		{"the caller names itself", user, chat.Message{Chat: "bob:ann", Sender: "ann", Text: "x"}, ""},
		{"the caller names another", user, chat.Message{Chat: "ann:bob", Sender: "bob", Text: "x"}, chat.PermissionDenied},
		{"a chat of others", user, chat.Message{Chat: "bob:eve", Text: "x"}, chat.PermissionDenied},
		{"a chat of others, named", user, chat.Message{Chat: "bob:eve", Sender: "bob", Text: "x"}, chat.PermissionDenied},
		{"a member", user, chat.Message{Chat: "club", Text: "x"}, ""},
		{"no member", chat.Caller{User: "eve"}, chat.Message{Chat: "club", Text: "x"}, chat.PermissionDenied},
		{"a public room", chat.Caller{User: "eve"}, chat.Message{Chat: "lounge", Text: "x"}, ""},
		{"no room", user, chat.Message{Chat: "unknown", Text: "x"}, chat.NotFound},
		{"anonymous", chat.Caller{}, chat.Message{Chat: "lounge", Sender: "ann", Text: "x"}, chat.Unauthenticated},
		{"a service for a user", service, chat.Message{Chat: "ann:bob", Sender: "bob", Text: "x"}, ""},
		{"a service in any room", service, chat.Message{Chat: "club", Sender: "eve", Text: "x"}, ""},
		{"a service for a third user", service, chat.Message{Chat: "ann:bob", Sender: "eve", Text: "x"}, chat.InvalidArgument},
		{"a service for no user", service, chat.Message{Chat: "ann:bob", Text: "x"}, chat.InvalidArgument},
		{"a service in no room", service, chat.Message{Chat: "unknown", Sender: "ann", Text: "x"}, chat.NotFound},
		{"no text", user, chat.Message{Chat: "ann:bob"}, chat.InvalidArgument},
		{"the longest text", user, chat.Message{Chat: "ann:bob", Text: strings.Repeat("x", 4096)}, ""},
		{"a longer text", user, chat.Message{Chat: "ann:bob", Text: strings.Repeat("x", 4097)}, chat.InvalidArgument},
		{"the longest id", user, chat.Message{Chat: "ann:bob", Text: "x", ID: long[1:]}, ""},
		{"a longer id", user, chat.Message{Chat: "ann:bob", Text: "x", ID: long}, chat.InvalidArgument},
		{"three users", user, chat.Message{Chat: "ann:bob:eve", Text: "x"}, chat.InvalidArgument},
	} {
		_, err := d.Messages.Send(chat.WithCaller(t.Context(), c.by), c.message)
		wantCode(t, c.name+": Send()", err, c.want)
	}
}

// TestOnlyTheDomainWritesNotices: a message whose sender claims that it is a notice or erased is a plain message.
func TestOnlyTheDomainWritesNotices(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	forged := chat.Message{Chat: "ann:bob", Text: "x", Erased: true, Notice: &chat.Notice{Event: chat.MemberRemoved, Users: []string{"bob"}}}
	if _, err := d.Messages.Send(as("ann"), forged); err != nil {
		t.Fatal(err)
	}
	page, err := d.Messages.Pull(as("bob"), chat.PullRequest{Chat: "ann:bob"})
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Notice != nil || page.Messages[0].Erased {
		t.Errorf("Pull() = %+v, %v; want a plain message", page, err)
	}
}

// TestNewChatsAreCharged: a user pays for the first message of a two-person chat, and for nothing else.
func TestNewChatsAreCharged(t *testing.T) {
	t.Parallel()
	d := newDomain(t, func(o *chattest.DomainOptions) { o.Rooms.NewChats = chat.Bounds{PerHour: 2, PerDay: 3} })
	send := func(user, name string) error {
		_, err := d.Messages.Send(as(user), chat.Message{Chat: name, Text: "x"})
		return err
	}
	for _, c := range []struct {
		user, chat string
		wait       time.Duration
		want       chat.Code
	}{
		{"ann", "ann:u1", 0, ""},
		{"ann", "ann:u1", 0, ""},
		{"u1", "ann:u1", 0, ""},
		{"ann", "ann:u2", 0, ""},
		{"ann", "ann:u3", 0, chat.ResourceExhausted},
		{"ann", "ann:u3", 0, chat.ResourceExhausted},
		{"ann", "ann:u2", 0, ""},
		{"bob", "ann:bob", 0, ""},
		{"ann", "ann:u3", time.Hour, ""},
		{"ann", "ann:u4", time.Hour, chat.ResourceExhausted}, // of the day
		{"ann", "ann:u4", 24 * time.Hour, ""},
	} {
		d.clock.Add(c.wait)
		wantCode(t, fmt.Sprintf("Send(%s) by %s after %v", c.chat, c.user, c.wait), send(c.user, c.chat), c.want)
	}
	for i := range 5 {
		_, err := d.Messages.Send(asService(), chat.Message{Chat: fmt.Sprint("ann:s", i), Sender: "ann", Text: "x"})
		wantCode(t, "Send() by a service", err, "")
	}
}

func TestCharges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bounds chat.Bounds
		want   []chat.Charge
	}{
		{chat.Bounds{}, nil},
		{chat.Bounds{PerHour: 5}, []chat.Charge{{Kind: "chats", Amount: 1, Limit: 5, Window: time.Hour}}},
		{chat.Bounds{PerDay: 9}, []chat.Charge{{Kind: "chats", Amount: 1, Limit: 9, Window: 24 * time.Hour}}},
		{chat.Bounds{PerHour: 5, PerDay: 9}, []chat.Charge{
			{Kind: "chats", Amount: 1, Limit: 5, Window: time.Hour}, {Kind: "chats", Amount: 1, Limit: 9, Window: 24 * time.Hour},
		}},
	} {
		if got := c.bounds.NewChats(); !slices.Equal(got, c.want) {
			t.Errorf("%+v.NewChats() = %+v, want %+v", c.bounds, got, c.want)
		}
	}
}

func TestPullRules(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob")
	d.create(t, "ann", "club", chat.Private, "bob")
	d.create(t, "ann", "gone", chat.Public)
	if _, err := d.Rooms.ChangeRoom(as("ann"), chat.RoomChange{Room: "gone", Kind: chat.DeleteRoom}); err != nil {
		t.Fatal(err)
	}
	old, _ := chat.ParseID("old")
	d.store.Append(t.Context(), []chat.Append{{Chat: old, Message: chat.Message{Sender: "ann", Text: "of an earlier release"}}})
	user, service := chat.Caller{User: "ann"}, chat.Caller{User: "backend", Service: true}
	for _, c := range []struct {
		name    string
		by      chat.Caller
		request chat.PullRequest
		want    chat.Code
	}{
		{"the user's chat", user, chat.PullRequest{Chat: "bob:ann"}, ""},
		{"a chat of others", user, chat.PullRequest{Chat: "bob:eve"}, chat.PermissionDenied},
		{"a member", user, chat.PullRequest{Chat: "club"}, ""},
		{"no member", chat.Caller{User: "eve"}, chat.PullRequest{Chat: "club"}, chat.PermissionDenied},
		{"a deleted room", user, chat.PullRequest{Chat: "gone"}, chat.NotFound},
		{"no room", user, chat.PullRequest{Chat: "unknown"}, chat.NotFound},
		{"a log without a room", user, chat.PullRequest{Chat: "old"}, chat.NotFound},
		{"a service: a log without a room", service, chat.PullRequest{Chat: "old"}, ""},
		{"a service: no room", service, chat.PullRequest{Chat: "unknown"}, chat.NotFound},
		{"a service: a deleted room", service, chat.PullRequest{Chat: "gone"}, chat.NotFound},
		{"a service: any room", service, chat.PullRequest{Chat: "club"}, ""},
		{"anonymous", chat.Caller{}, chat.PullRequest{Chat: "ann:bob"}, chat.Unauthenticated},
		{"the user's reader", user, chat.PullRequest{Chat: "ann:bob", Reader: "ann"}, ""},
		{"the user's device", user, chat.PullRequest{Chat: "ann:bob", Reader: "ann/phone"}, ""},
		{"another reader", user, chat.PullRequest{Chat: "ann:bob", Reader: "bob"}, chat.PermissionDenied},
		{"a service: a reader", service, chat.PullRequest{Chat: "ann:bob", Reader: "bob/phone"}, ""},
		{"a service: a third reader", service, chat.PullRequest{Chat: "ann:bob", Reader: "eve"}, chat.InvalidArgument},
		{"unread of the caller", user, chat.PullRequest{Chat: "ann:bob", Unread: true}, ""},
		{"a service: unread of no reader", service, chat.PullRequest{Chat: "ann:bob", Unread: true}, chat.InvalidArgument},
		{"unread from a cursor", user, chat.PullRequest{Chat: "ann:bob", Unread: true, Cursor: 1}, chat.InvalidArgument},
		{"unread in reverse", user, chat.PullRequest{Chat: "ann:bob", Unread: true, Reverse: true}, chat.InvalidArgument},
		{"the largest cursor", user, chat.PullRequest{Chat: "ann:bob", Cursor: chat.MaxCursor}, ""},
		{"a larger cursor", user, chat.PullRequest{Chat: "ann:bob", Cursor: chat.MaxCursor + 1}, chat.InvalidArgument},
		{"a negative cursor", user, chat.PullRequest{Chat: "ann:bob", Cursor: -1}, chat.InvalidArgument},
		{"a negative limit", user, chat.PullRequest{Chat: "ann:bob", Limit: -1}, chat.InvalidArgument},
	} {
		_, err := d.Messages.Pull(chat.WithCaller(t.Context(), c.by), c.request)
		wantCode(t, c.name+": Pull()", err, c.want)
	}
}

// onlyLogs is a store without readers.
type onlyLogs struct{ chat.Store }

func TestPullsWithoutReaders(t *testing.T) {
	t.Parallel()
	messages := chattest.Messages(onlyLogs{chattest.NewStore(chattest.StoreOptions{})}, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 1})
	_, err := messages.Pull(t.Context(), chat.PullRequest{Chat: "ann:bob", Reader: "ann"})
	wantCode(t, "Pull() of a reader", err, chat.NotFound)
	_, err = messages.Pull(t.Context(), chat.PullRequest{Chat: "ann:bob"})
	wantCode(t, "Pull()", err, "")
}

// TestPagesBehindManyIgnored: a page comes short after five reads, and says where to continue. No message is lost or comes
// twice, in either direction.
func TestPagesBehindManyIgnored(t *testing.T) {
	t.Parallel()
	var messages []chat.Message
	var want []string
	for i := range int64(120) {
		m := chat.Message{SendTime: i + 1000, Sender: "eve", Text: fmt.Sprint(i)}
		if i%40 == 39 {
			m.Sender = "bob"
			want = append(want, m.Text)
		}
		messages = append(messages, m)
	}
	store := logOf(t, messages...)
	if err := store.SetIgnored(t.Context(), chat.IgnoreRequest{User: "ann", Other: "eve", Ignore: true}); err != nil {
		t.Fatal(err)
	}
	service := chattest.Messages(store, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 2})
	for _, reverse := range []bool{false, true} {
		var got []string
		short := 0
		for r := (chat.PullRequest{Chat: "room", Reader: "ann", Limit: 2, Reverse: reverse}); ; {
			page, err := service.Pull(t.Context(), r)
			if err != nil {
				t.Fatalf("Pull(%+v) = %v", r, err)
			}
			for _, m := range page.Messages {
				got = append(got, m.Text)
			}
			if !page.HasMore {
				break
			}
			if len(page.Messages) < 2 {
				short++
			}
			r.Cursor = page.NextCursor
		}
		if reverse {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) || short == 0 {
			t.Errorf("the pages (reverse %v), of which %d came short, have %v, want %v", reverse, short, got, want)
		}
	}
}

// TestReverseEndsAtTheFirstPosition: before position 1 is nothing. The cursor 0 would begin with the newest again.
func TestReverseEndsAtTheFirstPosition(t *testing.T) {
	t.Parallel()
	for _, messages := range []int64{1, 2, 3, 12, 13, 15} {
		var log []chat.Message
		for i := range messages {
			log = append(log, chat.Message{SendTime: i + 1, Sender: "eve", Text: "x"})
		}
		store := logOf(t, log...)
		if err := store.SetIgnored(t.Context(), chat.IgnoreRequest{User: "ann", Other: "eve", Ignore: true}); err != nil {
			t.Fatal(err)
		}
		service := chattest.Messages(store, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 2})
		for pages, r := 0, (chat.PullRequest{Chat: "room", Reader: "ann", Limit: 2, Reverse: true}); ; pages++ {
			page, err := service.Pull(t.Context(), r)
			if err != nil || len(page.Messages) > 0 {
				t.Fatalf("Pull(%+v) = %+v, %v; want no messages", r, page, err)
			}
			if !page.HasMore {
				break
			}
			if r.Cursor = page.NextCursor; r.Cursor == 0 || pages > 1 {
				t.Errorf("page %d of %d messages goes on at %d", pages, messages, r.Cursor)
				break
			}
		}
	}
}
