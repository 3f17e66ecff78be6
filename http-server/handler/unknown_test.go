package handler

import (
	"strings"
	"testing"

	api "github.com/pullchat/pullchat/internal/gen/http"
)

// TestUnknownFields: an unknown field in a request that changes something is named in the error, with the likely field.
func TestUnknownFields(t *testing.T) {
	for _, c := range []struct {
		body string
		into any
		err  string
	}{
		{`{"id":"club","visibility":"public","users":["bob"],"name":"Club"}`, &api.CreateRoomRequest{}, ""},
		{`{"ID":"club","VISIBILITY":"public"}`, &api.CreateRoomRequest{}, ""},
		{`{}`, &api.CreateRoomRequest{}, ""},
		{`{"visibilty":"public"}`, &api.CreateRoomRequest{}, `unknown field "visibilty": did you mean "visibility"?`},
		{`{"room":"club","members":["bob"]}`, &api.CreateRoomRequest{}, `unknown field "members": did you mean "users"? unknown field "room": did you mean "id"?`},
		{`{"public":true}`, &api.CreateRoomRequest{}, `unknown field "public": did you mean "visibility"?`},
		{`{"zone":"1h"}`, &api.CreateRoomRequest{}, `unknown field "zone"; there are only id, name, visibility, users, retention`},
		{`{"visiblity":null}`, &api.ChangeRoomRequest{}, `unknown field "visiblity": did you mean "visibility"?`},
		{`{"user":["bob"]}`, &api.AddMembersRequest{}, `unknown field "user": did you mean "users"?`},
		{`{"chat":"a","text":"b","sender":"c","id":"d"}`, &api.SendRequest{}, ""},
		{`{"Chat":"a","text":"b","\u0073ender":"c"}`, &api.SendRequest{}, ""},
		{`{"chat":"a","text":"b","sender":"c","send_time":1}`, &api.SendRequest{}, `unknown field "send_time"; there are only chat, text, sender, id`},
		{`{"chat":"a","text":"b","sender":"c","more":{"chat":[{}]}}`, &api.SendRequest{}, `unknown field "more"; there`},
		{`{"chat":"a","message":"b","from":"c"}`, &api.SendRequest{}, `unknown field "from": did you mean "sender"? unknown field "message": did you mean "text"?`},
		{`{"room":"a","text":"b","message_id":"c"}`, &api.SendRequest{}, `unknown field "message_id": did you mean "id"? unknown field "room": did you mean "chat"?`},
		{`{"chta":"a"}`, &api.SendRequest{}, `unknown field "chta": did you mean "chat"?`},
		{`{"":"a"}`, &api.SendRequest{}, `unknown field ""; there`},
		{`{"a":1,"b":2,"c":3,"d":4}`, &api.SendRequest{}, `unknown field "c"; there are only chat, text, sender, id`},
		{`{"` + strings.Repeat("x", 5000) + `":1}`, &api.SendRequest{}, `unknown field "` + strings.Repeat("x", 70) + `"; there`},
		{`{"chat":"a","reader":"b","cursor":10.0,"force":true}`, &readRequest{}, ""},
		{`{"chat":"a","reader":"b","positon":1}`, &readRequest{}, `unknown field "positon"; there are only chat, reader, cursor, force`},
		{`{"chat":"a","reader":"b","position":1}`, &readRequest{}, `unknown field "position": did you mean "cursor"?`},
		{`{"refreshToken":"x"}`, &api.RefreshRequest{}, `unknown field "refreshToken": did you mean "refresh_token"?`},
		{`{"newPassword":"x"}`, &api.PasswordRequest{}, `unknown field "newPassword": did you mean "new_password"?`},
		{`{"username":"x"}`, &api.LoginRequest{}, `unknown field "username": did you mean "user"?`},
		{`{"chat":1,"x":2}`, &api.SendRequest{}, "chat is not a string"},
		{`{"chat":"a"`, &api.SendRequest{}, "not valid JSON"},
		{`[]`, &api.SendRequest{}, "not a JSON object"},
	} {
		if err := decodeChange([]byte(c.body), c.into); !wants(t, err, c.err) {
			t.Errorf("decodeChange(%.100q) = %v, want %q", c.body, err, c.err)
		}
	}
	for _, lenient := range []any{&api.PullRequest{}, &api.ContactsRequest{}} {
		if err := decodeJSON([]byte(`{"chat":"a","more":1}`), lenient); err != nil {
			t.Errorf("decodeJSON() into %T = %v, want that it takes unknown fields", lenient, err)
		}
	}
}

// TestAPlainChangeIsReadOnce: the rule costs a plain send nothing.
func TestAPlainChangeIsReadOnce(t *testing.T) {
	body := []byte(`{"chat":"alice:bob","text":"hello","sender":"alice","id":"12345"}`)
	var r api.SendRequest
	if got := testing.AllocsPerRun(100, func() { _ = decodeChange(body, &r) }); got > 4 {
		t.Errorf("decodeChange() allocates %v times, want one for each string", got)
	}
}
