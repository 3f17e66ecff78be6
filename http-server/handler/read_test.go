package handler

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestReadRequests: a cursor is a position or "end", in a body and in a frame of that type alone.
func TestReadRequests(t *testing.T) {
	t.Parallel()
	want := func(cursor int64, end, force bool) chat.ReadRequest {
		return chat.ReadRequest{Chat: "a:b", Reading: chat.Reading{Reader: "a", Cursor: cursor}, End: end, Force: force}
	}
	const none = `cursor is not a whole number or "end"`
	for _, c := range []struct {
		fields  string
		want    chat.ReadRequest
		refusal string
	}{
		{``, want(0, false, false), ""},
		{`,"cursor":null`, want(0, false, false), ""},
		{`,"cursor":7`, want(7, false, false), ""},
		{`,"cursor":-7`, want(-7, false, false), ""}, // which the domain refuses
		{`,"cursor":9007199254740991`, want(chat.MaxCursor, false, false), ""},
		{`,"cursor":"end"`, want(0, true, false), ""},
		{`,"cursor":"end","force":true`, want(0, true, true), ""},
		{`,"cursor":"\u0065nd"`, want(0, true, false), ""},
		{`,"cursor":7,"force":true`, want(7, false, true), ""},
		{`,"cursor":"End"`, want(0, false, false), none},
		{`,"cursor":"7"`, want(0, false, false), none},
		{`,"cursor":1.5`, want(0, false, false), none},
		{`,"cursor":true`, want(0, false, false), none},
		{`,"cursor":{"position":7}`, want(0, false, false), none},
		{`,"cursor":[7]`, want(0, false, false), none},
		{`,"force":1`, want(0, false, false), "force is not true or false"},
	} {
		var r readRequest
		err := decodeJSON([]byte(`{"chat":"a:b","reader":"a"`+c.fields+`}`), &r)
		if c.refusal != "" {
			if err == nil || chat.AsError(err).Message != c.refusal {
				t.Errorf("a body with %s = %v, want %q", c.fields, err, c.refusal)
			}
		} else if got := reads(r.Chat, r.Reader, r.Cursor, r.Force); err != nil || got != c.want {
			t.Errorf("a body with %s = %+v, %v; want %+v", c.fields, got, err, c.want)
		}
	}
}
