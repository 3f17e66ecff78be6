package frame

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// wants is the error that a call should have, "" for none.
func wants(err error, message string) bool {
	if message == "" || err == nil {
		return message == "" && err == nil
	}
	return chat.CodeOf(err) == chat.InvalidArgument && strings.Contains(chat.AsError(err).Message, message)
}

// TestDecode: every field of a frame is an argument of its command.
func TestDecode(t *testing.T) {
	t.Parallel()
	yes := true
	for text, want := range map[string]command.Request{
		`{"type":"watch","ref":"1","inbox":true,"cursor":5,"limit":7,"presence":true,"reader":"a/b","batch":"1s"}`: {
			Name: "watch", Ref: "1", Inbox: true, Cursor: 5, FromCursor: true, Limit: 7, Presence: &yes, Reader: "a/b", Batch: "1s",
		},
		`{"type":"pull","chat":"a","reverse":true,"unread":true}`:                  {Name: "pull", Chat: "a", Reverse: true, Unread: true},
		`{"type":"send","chat":"a","text":"b","sender":"c","id":"d"}`:              {Name: "send", Chat: "a", Text: "b", Sender: "c", ID: "d"},
		`{"type":"read","chat":"a","reader":"b","cursor":"end","force":true}`:      {Name: "read", Chat: "a", Reader: "b", FromCursor: true, FromEnd: true, Force: true},
		`{"type":"signal","chat":"a","sender":"b","signal":"typing","data":"x"}`:   {Name: "signal", Chat: "a", Sender: "b", Signal: "typing", Data: "x"},
		`{"Type":"signal","CHAT":"a","sender":"b","signal":"t\u0079ping"}`:         {Name: "signal", Chat: "a", Sender: "b", Signal: "typing"},
		`{"type":"auth","token":"t"}`:                                              {Name: "auth", Token: "t"},
		`{"type":"send","chat":"a","sender":"a","text":"\ud83d\ude00"}`:            {Name: "send", Chat: "a", Sender: "a", Text: "😀"},
		`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":10.0}`:        {Name: "read", Ref: "1", Chat: "a:b", Reader: "a", Cursor: 10, FromCursor: true},
		`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":null}`:        {Name: "read", Ref: "1", Chat: "a:b", Reader: "a"},
		`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":"\u0065nd"}`:  {Name: "read", Ref: "1", Chat: "a:b", Reader: "a", FromCursor: true, FromEnd: true},
		`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":-7}`:          {Name: "read", Ref: "1", Chat: "a:b", Reader: "a", Cursor: -7, FromCursor: true}, // which the domain refuses
		`{"type":"none","ref":"` + strings.Repeat("x", 64) + `","more":{"a":[1]}}`: {Name: "none", Ref: strings.Repeat("x", 64)},
	} {
		if got, err := Decode([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Decode(%s) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

// TestDecodeRefuses: a frame that is not good is refused under its ref, if that can be read.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const none = `cursor is not a whole number or "end"`
	for _, c := range []struct{ text, ref, err string }{
		{`[]`, "", `the frame is not a JSON object like {"chat":"alice:bob"}`},
		{`{"type":"ping"`, "", "the frame is not valid JSON: unexpected end"},
		{"{\"type\":\"\xff\"}", "", "the frame is not valid UTF-8"},
		{`{"type":"send","chat":"a","sender":"a","text":"\ud83d"}`, "", "the frame is not valid JSON: a string has half"},
		{`{"ref":"1","type":"pull","chat":7}`, "1", "chat is not a string"},
		{`{"ref":"` + strings.Repeat("x", 65) + `","type":"ping"}`, "", "ref is 65 bytes; the limit is 64"},
		{`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":"End"}`, "1", none},
		{`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":"7"}`, "1", none},
		{`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":1.5}`, "1", none},
		{`{"type":"read","ref":"1","chat":"a:b","reader":"a","cursor":{"position":7}}`, "1", none},
		{`{"type":"read","ref":"1","chat":"a:b","reader":"a","force":1}`, "1", "force is not true or false"},
		{`{"type":"watch","ref":"1","chat":"a:b","cursor":"end"}`, "1", "cursor is not a whole number"},
		{`{"type":"pull","ref":"1","chat":"a:b","cursor":"end"}`, "1", "cursor is not a whole number"},
		{`{"type":"send","ref":"1","chat":"a:b","cursor":"end"}`, "1", "cursor is not a whole number"},
	} {
		if r, err := Decode([]byte(c.text)); !wants(err, c.err) || r.Ref != c.ref {
			t.Errorf("Decode(%.100s) = ref %q, %v; want ref %q, %q", c.text, r.Ref, err, c.ref, c.err)
		}
	}
}

// TestUnknownFieldsOfFrames: the frames that change something have their own fields only, however they are written.
func TestUnknownFieldsOfFrames(t *testing.T) {
	for _, c := range []struct{ text, err string }{
		{`{"type":"send","ref":"1","chat":"a","text":"b","sender":"c","id":"d"}`, ""},
		{`{"type":"send","ref":"1","chat":"a","text":"b","Sender":"c"}`, ""},
		{`{"type":"send","chat":"a","text":"b","sender":"c","txet":"d"}`, `unknown field "txet": did you mean "text"?`},
		{`{"type":"send","chat":"a","text":"b","sender":"c","limit":0}`, `unknown field "limit"; there are only chat, text, sender, id, reply_to, mentions, content_type, body, metadata, type, ref`},
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
		if _, err := Decode([]byte(c.text)); !wants(err, c.err) {
			t.Errorf("Decode(%s) = %v, want %q", c.text, err, c.err)
		}
	}
}

// TestNames: the bits of seen are those of names.
func TestNames(t *testing.T) {
	values := map[string]string{"cursor": "1", "limit": "1", "inbox": "true", "presence": "true", "reverse": "true", "unread": "true", "force": "true", "reply_to": "1", "mentions": `["x"]`, "body": "{}", "metadata": "{}"}
	for i, name := range names {
		value := values[name]
		if value == "" {
			value = `"x"`
		}
		var f asked
		seen, ok := readShort([]byte(`{"`+name+`":`+value+`}`), &f)
		if !ok || seen != 1<<i {
			t.Errorf("%s is bit %b, want %b", name, seen, 1<<i)
		}
	}
	if all := jsonobject.FieldsOf(&asked{}); len(all) != len(names) {
		t.Errorf("frames have the fields %v, and names has %v", all, names)
	}
}

// TestAPlainFrameIsReadOnce: the rule about fields costs a plain send nothing.
func TestAPlainFrameIsReadOnce(t *testing.T) {
	text := []byte(`{"type":"send","chat":"alice:bob","text":"hello","sender":"alice"}`)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := Decode(text); chat.CodeOf(err) == chat.InvalidArgument {
			t.Error(err)
		}
	}); got > 5 {
		t.Errorf("Decode() allocates %v times, want one for each string", got)
	}
}

// FuzzDecode: any bytes are a request or an invalid_argument whose message can be answered; and the short way and the general
// one read the same.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`{"type":"watch","ref":"1","inbox":true,"cursor":5,"presence":false,"batch":"1s","signal":"typing","data":"x"}`, `{"type":"read","cursor":"end"}`,
		`{"type":"send","chat":"a","txet":1}`, `{"type":"ping"`, "{\"ref\":\"\xff\"}", `{"Type":"ping","x":"\ud800"}`, `{"limit":1e2,"limit":01}`, `{}`, `[]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { decodesAs(t, text) })
}

// TestDecodeOfParts: parts of frames, put together at random, decode as with the standard library.
func TestDecodeOfParts(t *testing.T) {
	t.Parallel()
	values := []string{`"a"`, `""`, `"end"`, `"\n"`, "0", "-12", "1.5", "1e2", "true", "false", "null", "{}", "[]", `"read"`, `"send"`, `"\ud83d\ude00"`}
	random := rand.New(rand.NewPCG(5, 6)) // the same each time
	short := 0
	for range 15_000 {
		var text strings.Builder
		text.WriteString("{")
		for i := range random.IntN(5) {
			if i > 0 {
				text.WriteString(",")
			}
			text.WriteString(`"` + names[random.IntN(len(names))] + `":` + values[random.IntN(len(values))])
		}
		text.WriteString("}")
		if _, ok := readShort([]byte(text.String()), &asked{}); ok {
			short++
		}
		decodesAs(t, []byte(text.String()))
	}
	if short < 300 {
		t.Errorf("%d frames went the short way, want more", short)
	}
}

// decodesAs: a frame is read as the standard library reads it.
func decodesAs(t *testing.T, text []byte) {
	t.Helper()
	got, err := Decode(text)
	if err != nil {
		if e := chat.AsError(err); e.Code != chat.InvalidArgument || !utf8.ValidString(e.Message) || strings.Contains(e.Message, "frame.") {
			t.Errorf("Decode(%q) = %v, want an invalid_argument for people", text, err)
		}
		return
	}
	var want asked
	if json.Unmarshal(text, &want) != nil || strings.ContainsAny(string(text), "\u017f\u212a") || strings.Contains(string(text), `\u`) {
		return // whole numbers with an exponent, and letters that the standard library folds
	}
	if !reflect.DeepEqual(got, want.request()) {
		t.Errorf("Decode(%q) = %+v, want %+v", text, got, want.request())
	}
}
