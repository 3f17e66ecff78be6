package wire

import (
	"errors"
	"math"
	"reflect"
	"testing"

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
	for _, r := range []chat.PullRequest{{}, {Chat: "a:b", Cursor: 1 << 60, Limit: 5, Reverse: true}, {Chat: "a", Reader: "a/phone", Unread: true}} {
		if got := PullRequestOf(PullRequest(r, chat.Caller{}, "id")); got != r {
			t.Errorf("PullRequestOf(PullRequest(%+v)) = %+v", r, got)
		}
	}
	for _, r := range []chat.Receipt{{SendTime: 7}, {SendTime: 8, Duplicate: true}} {
		if got, err := ReceiptOf(SendResponse(r, nil)); got != r || err != nil {
			t.Errorf("ReceiptOf(SendResponse(%+v)) = %+v, %v", r, got, err)
		}
	}
	for _, p := range []chat.Page{{}, {Messages: []chat.Message{{Chat: "a:b", Text: "x", Sender: "a", ID: "1", SendTime: 7}}, HasMore: true, NextCursor: 9}} {
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
		for _, got := range []error{sent, pulled, ReadyOf(ReadyResponse(err))} {
			if chat.CodeOf(got) != code || got.Error() != string(code)+": what to do" {
				t.Errorf("%s went over the wire and came as %v", code, got)
			}
		}
	}
	if len(codes) != len(chat.Codes()) || len(codesOf) != len(codes) {
		t.Errorf("the table has %d codes, %d back; the domain %d", len(codes), len(codesOf), len(chat.Codes()))
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
