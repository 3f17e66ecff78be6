package checker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/test/faults/history"
)

// message is a writer's message, stored at a position; 0 is not stored. Texts with a + have an id.
func message(text string, position int64) chat.Message {
	m := chat.Message{Chat: "room", Sender: "w", Text: text, SendTime: position}
	if text[len(text)-1] == '+' {
		m.ID = text
	}
	return m
}

// send is an attempt of nine units of time.
func send(call time.Duration, m chat.Message, outcome history.Outcome) history.Send {
	s := history.Send{Client: 1, Call: call, Return: call + 9, Message: m, Outcome: outcome}
	if outcome != history.Acknowledged {
		s.Message.SendTime, s.Err = 0, errors.New("some error")
	}
	return s
}

func duplicate(s history.Send) history.Send {
	s.Duplicate = true
	return s
}

// follow is a follower's pull of everything from a cursor on.
func follow(call time.Duration, cursor, next int64, page ...chat.Message) history.Pull {
	return history.Pull{
		Client: 2, Call: call, Return: call + 9, Follows: true, Request: chat.PullRequest{Chat: "room", Cursor: cursor, Limit: 10},
		Page: chat.Page{Messages: page, NextCursor: next},
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const acknowledged, refused, unknown = history.Acknowledged, history.Refused, history.Unknown
	a, b, c := message("a", 5), message("b", 7), message("c+", 9)
	none := []Kind{}
	for _, test := range []struct {
		name  string
		sends []history.Send
		pulls []history.Pull
		log   []chat.Message
		want  []Kind
	}{
		{"nothing", nil, nil, nil, none},
		{
			"acknowledged and read",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(5, 0, 6, a), follow(30, 6, 8, b), follow(40, 8, 8)},
			[]chat.Message{a, b},
			none,
		},
		{"refused", []history.Send{send(0, a, refused), send(10, b, acknowledged)}, nil, []chat.Message{b}, none},
		{"refused, then acknowledged", []history.Send{send(0, a, refused), send(10, a, acknowledged)}, nil, []chat.Message{a}, none},
		{"unknown and never seen", []history.Send{send(0, a, unknown), send(10, b, acknowledged)}, nil, []chat.Message{b}, none},
		{
			"unknown and stored long after",
			[]history.Send{send(0, b, unknown), send(10, a, acknowledged)},
			[]history.Pull{follow(30, 0, 6, a), follow(40, 6, 8, b)},
			[]chat.Message{a, b},
			none,
		},
		{"unknown, repeated as the first", []history.Send{send(0, c, unknown), send(10, c, acknowledged)}, nil, []chat.Message{c}, none},
		{"repeated by the servers", []history.Send{duplicate(send(0, c, acknowledged))}, nil, []chat.Message{c}, none},
		{
			"unknown, repeated as a duplicate",
			[]history.Send{send(0, c, unknown), duplicate(send(10, c, acknowledged))},
			[]history.Pull{follow(9, 0, 10, c)},
			[]chat.Message{c},
			none,
		},

		{"lost", []history.Send{send(0, a, acknowledged)}, nil, nil, []Kind{Lost}},
		{"lost, though seen", []history.Send{send(0, a, acknowledged)}, []history.Pull{follow(10, 0, 6, a)}, nil, []Kind{Foreign, Lost}},
		{"moved", []history.Send{send(0, a, acknowledged)}, nil, []chat.Message{message("a", 6)}, []Kind{Moved}},
		{"doubled", []history.Send{send(0, a, acknowledged)}, nil, []chat.Message{a, message("a", 6)}, []Kind{Doubled}},
		{"doubled by an unknown one", []history.Send{send(0, c, unknown), send(10, c, acknowledged)}, nil, []chat.Message{message("c+", 3), c}, []Kind{Doubled}},
		{"new twice", []history.Send{send(0, c, acknowledged), send(10, c, acknowledged)}, nil, []chat.Message{c}, []Kind{Doubled, NotLinearizable}},
		{
			"new twice, at two positions",
			[]history.Send{send(0, c, acknowledged), send(10, message("c+", 12), acknowledged)},
			nil,
			[]chat.Message{c},
			[]Kind{Doubled, Moved, NotLinearizable},
		},
		{"a duplicate without an id", []history.Send{duplicate(send(0, a, acknowledged))}, nil, []chat.Message{a}, []Kind{FalseDuplicate, NotLinearizable}},
		{
			"acknowledged, repeated as a duplicate",
			[]history.Send{send(0, c, acknowledged), duplicate(send(10, c, acknowledged))},
			nil,
			[]chat.Message{c},
			none,
		},
		{"stored though refused", []history.Send{send(0, a, refused)}, nil, []chat.Message{a}, []Kind{StoredRefused}},
		{
			"seen though refused, and sent again",
			[]history.Send{send(0, a, refused), send(20, a, acknowledged)},
			[]history.Pull{follow(9, 0, 6, a)},
			[]chat.Message{a},
			[]Kind{NotLinearizable},
		},
		{"never sent", nil, nil, []chat.Message{a}, []Kind{Foreign}},
		{"another sender's", []history.Send{send(0, a, unknown)}, nil, []chat.Message{{Chat: "room", Sender: "x", Text: "a", SendTime: 5}}, []Kind{Foreign}},
		{
			"one position for two",
			[]history.Send{send(0, a, acknowledged), send(5, message("b", 5), unknown)},
			nil,
			[]chat.Message{a, message("b", 5)},
			[]Kind{NotLinearizable, SharedPosition},
		},
		{"a writer's order", []history.Send{send(0, b, acknowledged), send(10, a, acknowledged)}, nil, []chat.Message{a, b}, []Kind{NotLinearizable, Reordered}},
		{"a log's order", []history.Send{send(0, a, unknown), send(10, b, unknown)}, nil, []chat.Message{b, a}, []Kind{Reordered}},

		{
			"read twice",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(20, 0, 8, a, b), follow(30, 8, 8, b)},
			[]chat.Message{a, b},
			[]Kind{NotLinearizable, ReadTwice},
		},
		{
			"read never",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(20, 0, 8, b)},
			[]chat.Message{a, b},
			[]Kind{NotLinearizable, ReadNever},
		},
		{
			"read out of order",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(20, 0, 8, b, a)},
			[]chat.Message{a, b},
			[]Kind{NotLinearizable, ReadReordered},
		},
		{
			"read from the middle",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(20, 6, 8, b)},
			[]chat.Message{a, b},
			none,
		},
		{
			"stale page",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(20, 0, 6, a), follow(30, 6, 8, b)},
			[]chat.Message{a, b},
			[]Kind{NotLinearizable},
		},
		{
			"a page from before an acknowledgement that it overlaps",
			[]history.Send{send(0, a, acknowledged), send(10, b, acknowledged)},
			[]history.Pull{follow(19, 0, 6, a), follow(30, 6, 8, b)},
			[]chat.Message{a, b},
			none,
		},
		{"seen before it was sent", []history.Send{send(20, a, unknown)}, []history.Pull{follow(0, 0, 6, a)}, []chat.Message{a}, []Kind{NotLinearizable}},
		{
			"a hole that is filled later",
			[]history.Send{send(0, a, unknown), send(10, b, acknowledged)},
			[]history.Pull{follow(20, 0, 8, b), follow(30, 8, 8)},
			[]chat.Message{a, b},
			[]Kind{NotLinearizable, ReadNever},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := history.History{Sends: test.sends, Pulls: test.pulls, Logs: map[string][]chat.Message{"room": test.log}}
			faults := Check(h, Options{Timeout: 10 * time.Second})
			if got := Kinds(faults); !slices.Equal(got, test.want) {
				t.Errorf("Check(%s) = %v, want %v: %v", test.name, got, test.want, faults)
			}
		})
	}
}

// TestAccess: access refused to members and granted to others.
func TestAccess(t *testing.T) {
	t.Parallel()
	refused := chat.Errorf(chat.PermissionDenied, "room is closed, and w is not a member")
	late := chat.Errorf(chat.Unavailable, "redis does not answer")
	for _, test := range []struct {
		name       string
		denials    []history.Denial
		intrusions []history.Intrusion
		log        []chat.Message
		want       []Kind
	}{
		{"strangers are refused", nil, []history.Intrusion{{Message: message("a", 0), Sent: refused, Pulled: late}}, nil, []Kind{}},
		{"a member is refused", []history.Denial{{Chat: "room", Err: refused}}, nil, nil, []Kind{Denied}},
		{"a stranger sends", nil, []history.Intrusion{{Message: message("a", 0), Pulled: refused}}, nil, []Kind{Admitted}},
		{"a stranger reads", nil, []history.Intrusion{{Message: message("a", 0), Sent: refused}}, nil, []Kind{Admitted}},
		{
			"a stranger's message is stored",
			nil,
			[]history.Intrusion{{Message: message("a", 0), Sent: late, Pulled: refused}},
			[]chat.Message{message("a", 5)},
			[]Kind{Admitted},
		},
	} {
		h := history.History{Denials: test.denials, Intrusions: test.intrusions, Logs: map[string][]chat.Message{"room": test.log}}
		if found := Check(h, Options{Timeout: 10 * time.Second}); !slices.Equal(Kinds(found), test.want) {
			t.Errorf("Check(%s) = %v, want %v", test.name, found, test.want)
		}
	}
}

// TestReverse: the model reads in reverse as chat.MessageService does.
func TestReverse(t *testing.T) {
	t.Parallel()
	a, b, c := message("a", 5), message("b", 7), message("c", 9)
	log := &entry{message: c, before: &entry{message: b, before: &entry{message: a, length: 1}, length: 2}, length: 3}
	for _, test := range []struct {
		request chat.PullRequest
		want    chat.Page
	}{
		{chat.PullRequest{Limit: 2, Reverse: true}, chat.Page{Messages: []chat.Message{c, b}, HasMore: true, NextCursor: 5}},
		{chat.PullRequest{Cursor: 7, Limit: 2, Reverse: true}, chat.Page{Messages: []chat.Message{b, a}}},
		{chat.PullRequest{Cursor: 4, Limit: 2, Reverse: true}, chat.Page{}},
		{chat.PullRequest{Cursor: 6, Limit: 1}, chat.Page{Messages: []chat.Message{b}, HasMore: true, NextCursor: 9}},
		{chat.PullRequest{Cursor: 6, Limit: 2}, chat.Page{Messages: []chat.Message{b, c}, NextCursor: 10}},
		{chat.PullRequest{Cursor: 11, Limit: 2}, chat.Page{NextCursor: 11}},
	} {
		if got := pull(log, test.request); !samePage(got, test.want) {
			t.Errorf("pull(%+v) = %+v, want %+v", test.request, got, test.want)
		}
	}
}

// TestPicture: a history without an explanation gets a picture.
func TestPicture(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	a := message("a", 5)
	h := history.History{Sends: []history.Send{send(0, a, history.Acknowledged)}, Pulls: []history.Pull{follow(20, 0, 0)}, Logs: map[string][]chat.Message{"room": {a}}}
	faults := Check(h, Options{Timeout: 10 * time.Second, Folder: folder})
	if got := Kinds(faults); !slices.Equal(got, []Kind{NotLinearizable}) {
		t.Errorf("Check() = %v, want %v", got, []Kind{NotLinearizable})
	}
	if info, err := os.Stat(filepath.Join(folder, "room.html")); err != nil || info.Size() == 0 {
		t.Errorf("the picture: %v, want a page", err)
	}
}

// TestManyUnknown: many sends that are pending for ever do not slow the search.
func TestManyUnknown(t *testing.T) {
	t.Parallel()
	var h history.History
	var log []chat.Message
	for i := range 500 {
		m := message(fmt.Sprint(i), int64(i+1))
		s := send(0, m, history.Unknown)
		s.Client = i
		h.Sends = append(h.Sends, s)
		log = append(log, m)
	}
	h.Logs = map[string][]chat.Message{"room": log}
	h.Pulls = []history.Pull{follow(100, 0, 301, log[:300]...), follow(200, 301, 501, log[300:]...)}
	h.Pulls[0].Request.Limit, h.Pulls[1].Request.Limit = 300, 300
	h.Pulls[0].Page.NextCursor = 301
	if faults := Check(h, Options{Timeout: 10 * time.Second}); len(faults) > 0 {
		t.Errorf("Check() of 500 unknown sends = %v, want nothing", faults)
	}
}

// TestManyAttempts: messages whose attempts have all failed, though one of each was stored, do not slow the search, and
// a follower sees them one by one.
func TestManyAttempts(t *testing.T) {
	t.Parallel()
	var h history.History
	var log []chat.Message
	for i := range 60 {
		m := message(fmt.Sprint(i, "+"), int64(i+1))
		for attempt := range 8 {
			s := send(time.Duration(100*i+10*attempt), m, history.Unknown)
			s.Client = i
			h.Sends = append(h.Sends, s)
		}
		log = append(log, m)
	}
	h.Logs = map[string][]chat.Message{"room": log}
	for i, m := range log {
		p := follow(time.Duration(7000+10*i), int64(i+1), int64(i+2), m)
		if p.Request.Limit = 1; i+1 < len(log) {
			p.Page.HasMore = true
		}
		h.Pulls = append(h.Pulls, p)
	}
	if faults := Check(h, Options{Timeout: 10 * time.Second}); len(faults) > 0 {
		t.Errorf("Check() of 60 messages in 8 unknown attempts each = %v, want nothing", faults)
	}
	h.Pulls[0].Page.Messages = log[1:2]
	if faults := Check(h, Options{Timeout: 10 * time.Second}); !slices.Contains(Kinds(faults), NotLinearizable) {
		t.Errorf("Check() of a page that skips = %v, want %v", faults, NotLinearizable)
	}
}

// TestUnchecked: an unfinished search is reported.
func TestUnchecked(t *testing.T) {
	t.Parallel()
	var h history.History
	for i := range 2000 { // concurrent, and none of them explains the page
		s := send(0, message(fmt.Sprint(i), int64(i+1)), history.Acknowledged)
		s.Client, s.Return = i, 1000
		h.Sends = append(h.Sends, s)
	}
	faults := slices.DeleteFunc(Kinds(Check(h, Options{Timeout: time.Millisecond})), func(k Kind) bool { return k == Lost })
	if !slices.Equal(faults, []Kind{Unchecked}) {
		t.Errorf("Check() with no time = %v, want %v", faults, []Kind{Unchecked})
	}
}
