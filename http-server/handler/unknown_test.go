package handler

import (
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// TestUnknownFields: what a request that changes something does not have is named, with what was probably meant.
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
		{`{"retention":"1h"}`, &api.CreateRoomRequest{}, `unknown field "retention"; there are only id, name, visibility, users`},
		{`{"visiblity":null}`, &api.ChangeRoomRequest{}, `unknown field "visiblity": did you mean "visibility"?`},
		{`{"user":["bob"]}`, &api.AddMembersRequest{}, `unknown field "user": did you mean "users"?`},
		{`{"chat":"a","text":"b","sender":"c","id":"d"}`, &api.SendRequest{}, ""},
		{`{"Chat":"a","text":"b","\u0073ender":"c"}`, &api.SendRequest{}, ""},
		{`{"chat":"a","text":"b","sender":"c","send_time":1}`, &api.SendRequest{}, `unknown field "send_time"; there are only chat, text, sender, id`},
		{`{"chat":"a","text":"b","sender":"c","metadata":{"chat":[{}]}}`, &api.SendRequest{}, `unknown field "metadata"; there`},
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

// TestUnknownFieldsOfFrames: the frames that change something have their own fields only, however they are written.
func TestUnknownFieldsOfFrames(t *testing.T) {
	for _, c := range []struct{ text, err string }{
		{`{"type":"send","ref":"1","chat":"a","text":"b","sender":"c","id":"d"}`, ""},
		{`{"type":"send","ref":"1","chat":"a","text":"b","Sender":"c"}`, ""},
		{`{"type":"send","chat":"a","text":"b","sender":"c","txet":"d"}`, `unknown field "txet": did you mean "text"?`},
		{`{"type":"send","chat":"a","text":"b","sender":"c","limit":0}`, `unknown field "limit"; there are only chat, text, sender, id, type, ref`},
		{`{"type":"send","chat":"a","message":"b","sender":"c","cursor":1}`, `unknown field "message": did you mean "text"?`},
		{`{"type":"read","chat":"a","reader":"b","cursor":1,"force":true}`, ""},
		{`{"type":"read","chat":"a","reader":"b","cursor":"end"}`, ""},
		{`{"type":"read","chat":"a","reader":"b","curser":1}`, `unknown field "curser": did you mean "cursor"?`},
		{`{"type":"read","chat":"a","reader":"b","sender":"b","cursor":1}`, `unknown field "sender": did you mean "reader"?`},
		{`{"type":"signal","chat":"a","sender":"b","signal":"typing","data":"x"}`, ""},
		{`{"type":"signal","chat":"a","sender":"b","event":"typing"}`, `unknown field "event": did you mean "signal"?`},
		{`{"type":"signal","chat":"a","sender":"b","signal":"typing","text":"x"}`, `unknown field "text"`},
		{`{"type":"watch","chat":"a","more":1}`, ""},
		{`{"type":"pull","chat":"a","text":"b"}`, ""},
		{`{"type":"ping","more":1}`, ""},
		{`{"type":"snd","more":1}`, ""}, // which has its own answer
	} {
		if _, err := readFrame([]byte(c.text)); !wants(t, err, c.err) {
			t.Errorf("readFrame(%s) = %v, want %q", c.text, err, c.err)
		}
	}
}

// TestFrameNames: the bits of seen are those of frameNames.
func TestFrameNames(t *testing.T) {
	values := map[string]string{"cursor": "1", "limit": "1", "inbox": "true", "presence": "true", "reverse": "true", "unread": "true", "force": "true"}
	for i, name := range frameNames {
		value := values[name]
		if value == "" {
			value = `"x"`
		}
		var f frame
		if !readHot([]byte(`{"`+name+`":`+value+`}`), &f) || f.seen != 1<<i {
			t.Errorf("%s is bit %b, want %b", name, f.seen, 1<<i)
		}
	}
	if all := fieldsOf(&frame{}); len(all) != len(frameNames) {
		t.Errorf("frames have the fields %v, and frameNames %v", all, frameNames)
	}
}

// TestAPlainChangeIsReadOnce: the rule costs a plain send nothing.
func TestAPlainChangeIsReadOnce(t *testing.T) {
	body := []byte(`{"chat":"alice:bob","text":"hello","sender":"alice","id":"12345"}`)
	var r api.SendRequest
	if got := testing.AllocsPerRun(100, func() { _ = decodeChange(body, &r) }); got > 4 {
		t.Errorf("decodeChange() allocates %v times, want one for each string", got)
	}
	text := []byte(`{"type":"send","chat":"alice:bob","text":"hello","sender":"alice"}`)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := readFrame(text); chat.CodeOf(err) == chat.InvalidArgument {
			t.Error(err)
		}
	}); got > 5 {
		t.Errorf("readFrame() allocates %v times, want one for each string and the frame", got)
	}
}
