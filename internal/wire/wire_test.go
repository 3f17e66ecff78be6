package wire

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// Everything in the domain survives the way to Thrift and back.
func TestRoundTrip(t *testing.T) {
	for _, m := range []chat.Message{{}, {Chat: "a:b", Text: "x", Sender: "a", ID: "1", SendTime: 7}} {
		if got := MessageOf(SendRequest(m, chat.Caller{}, "id")); got != m {
			t.Errorf("MessageOf(SendRequest(%+v)) = %+v", m, got)
		}
	}
	for _, r := range []chat.PullRequest{{}, {Chat: "a:b", Cursor: 1 << 60, Limit: 5, Reverse: true}, {Chat: "a", Reader: "a/phone", Unread: true}, {Chat: "a", Raw: true}} {
		if got := PullRequestOf(PullRequest(r, chat.Caller{}, "id")); got != r {
			t.Errorf("PullRequestOf(PullRequest(%+v)) = %+v", r, got)
		}
	}
	for _, r := range []chat.VersionsRequest{{}, {Chat: "a", Ref: 7, Cursor: 1 << 50, Limit: 5}} {
		if got := VersionsRequestOf(VersionsRequest(r, chat.Caller{}, "id")); got != r {
			t.Errorf("VersionsRequestOf(VersionsRequest(%+v)) = %+v", r, got)
		}
	}
	for _, p := range []chat.VersionPage{{}, {Versions: []chat.Version{{SendTime: 7, Sender: "a", Text: "x"}, {SendTime: 9, Sender: "a", Text: "y"}}, HasMore: true, NextCursor: 11}} {
		if got, err := VersionPageOf(VersionsResponse(p, nil)); !reflect.DeepEqual(got, p) || err != nil {
			t.Errorf("VersionPageOf(VersionsResponse(%+v)) = %+v, %v", p, got, err)
		}
	}
	for _, r := range []chat.Receipt{{SendTime: 7}, {SendTime: 8, Duplicate: true}} {
		if got, err := ReceiptOf(SendResponse(r, nil)); got != r || err != nil {
			t.Errorf("ReceiptOf(SendResponse(%+v)) = %+v, %v", r, got, err)
		}
	}
	for _, p := range []chat.Page{{}, {Messages: []chat.Message{{Chat: "a:b", Text: "x", Sender: "a", ID: "1", SendTime: 7}}, HasMore: true, NextCursor: 9}, {Entries: []string{"one", "", "\x00\x00"}, HasMore: true, NextCursor: 9}} {
		if got, err := PageOf(PullResponse(p, nil)); !reflect.DeepEqual(got, p) || err != nil {
			t.Errorf("PageOf(PullResponse(%+v)) = %+v, %v", p, got, err)
		}
	}
	if err := ReadyOf(ReadyResponse(nil)); err != nil {
		t.Errorf("ReadyOf(ReadyResponse(nil)) = %v", err)
	}
}

// Every code survives too, with its message and without its cause.
func TestErrorsRoundTrip(t *testing.T) {
	for _, code := range chat.Codes() {
		err := chat.Wrap(errors.New("secret"), code, "what to do")
		_, sent := ReceiptOf(SendResponse(chat.Receipt{}, err))
		_, pulled := PageOf(PullResponse(chat.Page{}, err))
		_, read := VersionPageOf(VersionsResponse(chat.VersionPage{}, err))
		for _, got := range []error{sent, pulled, read, ReadyOf(ReadyResponse(err))} {
			if chat.CodeOf(got) != code || got.Error() != string(code)+": what to do" {
				t.Errorf("%s went over the wire and came as %v", code, got)
			}
		}
	}
	spent := chat.Spent("eve", 90*time.Minute)
	_, sent := ReceiptOf(SendResponse(chat.Receipt{}, spent))
	_, created := RoomOf(RoomResponse(chat.Room{}, spent))
	for _, got := range []error{sent, created} {
		if chat.RetryAfter(got) != 5400 || chat.CodeOf(got) != chat.ResourceExhausted || chat.AsError(got).Message != chat.AsError(spent).Message {
			t.Errorf("%v came as %v, to be repeated after %d s; want 5400", spent, got, chat.RetryAfter(got))
		}
	}
	if len(codes) != len(chat.Codes()) {
		t.Errorf("the table has %d codes; the domain %d", len(codes), len(chat.Codes()))
	}
	if _, err := ReceiptOf(&rpc.SendResponse{Code: 999, Msg: "new"}); chat.CodeOf(err) != chat.Internal {
		t.Errorf("an unknown code = %v, want internal", err)
	}
	if _, err := ReceiptOf(SendResponse(chat.Receipt{}, errors.New("secret"))); chat.AsError(err).Code != chat.Internal {
		t.Errorf("an error that is none of ours = %v, want internal", err)
	}
}

func TestLimitsThatThriftCannotHold(t *testing.T) {
	for limit, want := range map[int64]int32{math.MaxInt64: math.MaxInt32, math.MinInt64: math.MinInt32, 3: 3} {
		if got := PullRequest(chat.PullRequest{Limit: limit}, chat.Caller{}, "").Limit; got != want {
			t.Errorf("PullRequest(limit %d).Limit = %d, want %d", limit, got, want)
		}
	}
}

func TestRequestsWithoutABody(t *testing.T) {
	for _, r := range []*rpc.SendRequest{nil, {}} {
		if got := MessageOf(r); got != (chat.Message{}) {
			t.Errorf("MessageOf(%v) = %+v, want an empty message", r, got)
		}
	}
	if got := PullRequestOf(nil); got != (chat.PullRequest{}) {
		t.Errorf("PullRequestOf(nil) = %+v, want an empty request", got)
	}
}

// TestServersOfBothAges: a server that does not know Entries answers Messages, and one that does answers a client that does
// not ask for Entries as before.
func TestServersOfBothAges(t *testing.T) {
	if r := PullRequest(chat.PullRequest{Chat: "a"}, chat.Caller{}, ""); r.Entries != nil {
		t.Errorf("a request of messages has Entries = %v, want nothing", *r.Entries)
	}
	page := chat.Page{Messages: []chat.Message{{Chat: "a", Text: "x", Sender: "a", SendTime: 7}}, NextCursor: 8}
	if r := PullResponse(page, nil); r.Entries != nil || len(r.Messages) != 1 {
		t.Errorf("a page of messages is answered as %v", r)
	}
	if r := PullResponse(chat.Page{Entries: []string{"one"}}, nil); len(r.Messages) != 0 || string(r.Entries) != "\x00\x00\x00\x03one" {
		t.Errorf("a page of entries is answered as %v", r)
	}
}

// FuzzEntries: any blob is entries that make it again, or an error.
func FuzzEntries(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x03one\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x04one"))
	f.Add([]byte("\xff\xff\xff\xffone"))
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, blob []byte) {
		page, err := PageOf(&rpc.PullResponse{Entries: blob})
		if err == nil && string(packEntries(page.Entries)) != string(blob) {
			t.Errorf("PageOf(%q) = %q", blob, page.Entries)
		}
		if err != nil && page.Entries != nil {
			t.Errorf("PageOf(%q) = %q, %v", blob, page.Entries, err)
		}
	})
}
