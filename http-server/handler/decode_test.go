package handler

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudwego/hertz/pkg/app"
	"google.golang.org/protobuf/proto"

	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// wants is the error that a call should have, "" for none.
func wants(t *testing.T, err error, message string) bool {
	t.Helper()
	switch {
	case message == "":
		return err == nil
	case err == nil:
		return false
	}
	return chat.CodeOf(err) == chat.InvalidArgument && strings.Contains(chat.AsError(err).Message, message)
}

func TestDecodeJSON(t *testing.T) {
	full := &api.SendRequest{Chat: "alice:bob", Text: "hello", Sender: "alice", Id: "1"}
	for _, c := range []struct {
		name, body string
		want       *api.SendRequest
		err        string
	}{
		{"everything", `{"chat":"alice:bob","text":"hello","sender":"alice","id":"1"}`, full, ""},
		{"mixed case", `{"Chat":"alice:bob","TEXT":"hello","sEnDeR":"alice","Id":"1"}`, full, ""},
		{"space around", " \r\n\t{\"chat\":\"a\"}\n ", &api.SendRequest{Chat: "a"}, ""},
		{"unknown fields", `{"chat":"a","Code":0,"more":{"chat":[1,2]}}`, &api.SendRequest{Chat: "a"}, ""},
		{"null", `{"chat":null}`, &api.SendRequest{}, ""},
		{"escapes", `{"chat":"\u0061\ud83d\ude00\n"}`, &api.SendRequest{Chat: "a😀\n"}, ""},
		{"nothing in it", `{}`, &api.SendRequest{}, ""},
		{"empty", ``, &api.SendRequest{}, "not a JSON object"},
		{"space", " \n", &api.SendRequest{}, "not a JSON object"},
		{"an array", `[{"chat":"a"}]`, &api.SendRequest{}, "not a JSON object"},
		{"a string", `"chat"`, &api.SendRequest{}, "not a JSON object"},
		{"only null", `null`, &api.SendRequest{}, "not a JSON object"},
		{"no JSON", `chat=a`, &api.SendRequest{}, "not a JSON object"},
		{"cut off", `{"chat":"a`, &api.SendRequest{}, "not valid JSON: unexpected end"},
		{"two objects", `{"chat":"a"}{"chat":"b"}`, &api.SendRequest{}, "not valid JSON"},
		{"trailing text", `{"chat":"a"} x`, &api.SendRequest{}, "not valid JSON"},
		{"trailing comma", `{"chat":"a",}`, &api.SendRequest{}, "not valid JSON"},
		{"a wrong escape in an unknown field", `{"hat":"\uaawaaaaa0061","\u0063hat":"b"}`, nil, "not valid JSON"},
		{"half of a pair", `{"chat":"a","text":"\ud800"}`, nil, "half of a surrogate pair"},
		{"the other half", `{"text":"x\uDFFFx"}`, nil, "half of a surrogate pair"},
		{"half, then a letter", `{"text":"\ud83da"}`, nil, "half of a surrogate pair"},
		{"half, then an escape", `{"text":"\ud83d\n"}`, nil, "half of a surrogate pair"},
		{"half, then no half", `{"text":"\ud83d\u0061"}`, nil, "half of a surrogate pair"},
		{"two first halves", `{"id":"\ud83d\ud83d\ude00"}`, nil, "half of a surrogate pair"},
		{"half in an unknown field", `{"chat":"a","x":["\ud800"]}`, nil, "half of a surrogate pair"},
		{"half in a name", `{"\ud800":1}`, nil, "half of a surrogate pair"},
		{"no half, but its letters", `{"text":"\\ud800"}`, &api.SendRequest{Text: `\ud800`}, ""},
		{"all escapes", `{"text":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u0000"}`, &api.SendRequest{Text: "\"\\/\b\f\n\r\té😀\x00"}, ""},
		{"a name twice", `{"text":"a","text":"b","text":null}`, &api.SendRequest{Text: "b"}, ""},
		{"single quotes", `{'chat':'a'}`, &api.SendRequest{}, "not valid JSON"},
		{"too deep", strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), nil, "not valid JSON"},
		{"invalid UTF-8", "{\"chat\":\"\xff\"}", &api.SendRequest{}, "not valid UTF-8"},
		{"invalid UTF-8 outside", "\xfe{}", &api.SendRequest{}, "not valid UTF-8"},
		{"a number for a string", `{"chat":1}`, &api.SendRequest{}, "chat is not a string"},
		{"mixed case of the wrong type", `{"TEXT":[]}`, &api.SendRequest{}, "text is not a string"},
		{"an object for a string", `{"sender":{}}`, &api.SendRequest{}, "sender is not a string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got api.SendRequest
			err := decodeJSON([]byte(c.body), &got)
			if !wants(t, err, c.err) {
				t.Fatalf("decodeJSON(%.200q) = %v, want %q", c.body, err, c.err)
			}
			if err == nil && !proto.Equal(&got, c.want) {
				t.Errorf("decodeJSON(%q) = %v, want %v", c.body, &got, c.want)
			}
		})
	}
}

func TestDecodeJSONOfAPull(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       *api.PullRequest
		err        string
	}{
		{"everything", `{"chat":"a","cursor":7,"limit":3,"reverse":true}`, &api.PullRequest{Chat: "a", Cursor: 7, Limit: 3, Reverse: true}, ""},
		{"mixed case", `{"CHAT":"a","Cursor":7,"LIMIT":3,"Reverse":true}`, &api.PullRequest{Chat: "a", Cursor: 7, Limit: 3, Reverse: true}, ""},
		{"the largest numbers", `{"cursor":9223372036854775807,"limit":-9223372036854775808}`, &api.PullRequest{Cursor: math.MaxInt64, Limit: math.MinInt64}, ""},
		{"above the largest", `{"cursor":9223372036854775808}`, &api.PullRequest{}, "cursor is not a whole number"},
		{"a fraction", `{"limit":1.5}`, &api.PullRequest{}, "limit is not a whole number"},
		{"an exponent", `{"limit":1e2}`, &api.PullRequest{Limit: 100}, ""},
		{"a large exponent", `{"cursor":1.795e15}`, &api.PullRequest{Cursor: 1795000000000000}, ""},
		{"a fraction of zeros", `{"cursor":10.0,"limit":-0.00}`, &api.PullRequest{Cursor: 10}, ""},
		{"a negative exponent", `{"cursor":-1200E-2,"chat":"1.0"}`, &api.PullRequest{Cursor: -12, Chat: "1.0"}, ""},
		{"all of the mantissa", `{"cursor":9.007199254740991e+15}`, &api.PullRequest{Cursor: 1<<53 - 1}, ""},
		{"the largest, with a fraction", `{"cursor":9223372036854775807.0}`, &api.PullRequest{Cursor: math.MaxInt64}, ""},
		{"zero with any exponent", `{"cursor":0e999999999999999999999,"limit":0.0e-999999999999999999999}`, &api.PullRequest{}, ""},
		{"too large an exponent", `{"cursor":1e400}`, nil, "cursor is not a whole number"},
		{"an endless exponent", `{"cursor":1e999999999999999999999}`, nil, "cursor is not a whole number"},
		{"an endless negative exponent", `{"cursor":1e-999999999999999999999}`, nil, "cursor is not a whole number"},
		{"just above the largest", `{"cursor":9223372036854775808.0}`, nil, "cursor is not a whole number"},
		{"a fraction behind one", `{"cursor":10.0,"limit":10.5}`, nil, "limit is not a whole number"},
		{"a string like one", `{"cursor":"10.0"}`, nil, "cursor is not a whole number"},
		{"a string for a number", `{"Cursor":"7"}`, &api.PullRequest{}, "cursor is not a whole number"},
		{"a number for a bool", `{"reverse":1}`, &api.PullRequest{}, "reverse is not true or false"},
		{"a string for a bool", `{"reverse":"true"}`, &api.PullRequest{}, "reverse is not true or false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got api.PullRequest
			err := decodeJSON([]byte(c.body), &got)
			if !wants(t, err, c.err) {
				t.Fatalf("decodeJSON(%.200q) = %v, want %q", c.body, err, c.err)
			}
			if err == nil && !proto.Equal(&got, c.want) {
				t.Errorf("decodeJSON(%q) = %v, want %v", c.body, &got, c.want)
			}
		})
	}
}

// FuzzDecodeJSON: any bytes give a request, or an invalid_argument whose message is valid in JSON. The fast decoder agrees
// with the standard library on the outcome and on the request.
func FuzzDecodeJSON(f *testing.F) {
	for _, body := range []string{
		`{"chat":"alice:bob","text":"hello","sender":"alice","id":"1"}`, `{"cursor":1e400}`, `{"chat":1}`, `{}`, ``, `[]`, `{"chat":"`,
		"{\"chat\":\"\xff\"}", `{"chat":"\ud800"}`, `{"a":{"chat":{"chat":0}}}`, `{"CHAT":null,"chat":"b"}`, "{\x00}",
		`{"limit":01}`, `{"limit":-0}`, `{"limit":1.0}`, `{"cursor":9223372036854775808}`, `{"x":01}`, `{"x":"\x"}`, "{\"x\":\"\n\"}", "{\"text\":\"\n\"}",
		"{\"\u017fender\":\"a\",\"li\u212ait\":1}", `{"chat":"a","chat":1}`, `{"chat":"a","text":1,"id":"b"}`, `{"chat":"\u0061","\u0063hat":"b"}`,
		`{"x":[1,]}`, `{"x":tru}`, `{"x":.5,"chat":"a"}`, `{"chat":"a"}}`, `{"reverse":true,"reverse":null}`, `{"x":"\ud800"}`, `{"limit":"1"}`,
		`{"chat":"a" "text":"b"}`, `{"x":-}`, `{"x":1.e1}`, `{"x":{"y":nul}}`, `{"x":"\u12g4"}`, `{"x":"\q"}`, "{\"x\":\"\x01\"}",
		`{"hat":"\uaawaaaaa0061","\u0063hat":"b"}`, `{"x":"\u12g4","\u0063hat":"b"}`, `{"text":"\ud83d\ude00\u00e9\"\\\/\b\f\n\r\t"}`,
		` { "chat" : "a" , "cursor" : -12 , "limit":0,"reverse":false,"unread":true,"wait":"1s","reader":"a/b"} `, `{"cursor":-}`, `{"cursor":00}`,
		`{"cursor":123456789012345678}`, `{"cursor":1234567890123456789}`, `{"reverse":truex}`, `{"limit":1x}`, `{"text":"\ud800\u0061"}`, `{"text":"\"}`,
		`{"type":"watch","ref":"1","inbox":true,"cursor":5,"presence":false,"batch":"1s","signal":"typing","data":"x"}`, `{"chat":"a",}`, `{,"chat":"a"}`, `{"chat":"a"`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var send, wantSend api.SendRequest
		var pull, wantPull api.PullRequest
		decodesAs(t, body, &send, &wantSend)
		decodesAs(t, body, &pull, &wantPull)
	})
}

// escape is one escape of JSON, of a whole pair where there is one.
var escape = regexp.MustCompile(`(?s)\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)`)

// halves: a string of valid JSON has half of a surrogate pair.
func halves(body []byte) bool {
	for _, found := range escape.FindAll(body, -1) {
		if len(found) == 6 && (found[2] == 'd' || found[2] == 'D') && found[3] >= '8' {
			return true
		}
	}
	return false
}

// TestDecodeJSONOfParts: parts of requests, put together at random, decode as with the standard library.
func TestDecodeJSONOfParts(t *testing.T) {
	parts := []string{
		"{", "}", ",", ":", " ", "\n", `"chat"`, `"text"`, `"sender"`, `"id"`, `"cursor"`, `"limit"`, `"reverse"`, `"Chat"`, `"x"`, `"\u0063hat"`, `"a"`, `""`,
		`"\n\"\\"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\u12"`, `"\x"`, "\"\t\"", "\"é😀\"", "\"\xff\"", "0", "-0", "7", "-12", "01", "-", "1.0", "1e2", "1234567890123456789",
		"12345678901234567890", "true", "false", "null", "tru", "[", "]", "[]", "{}", `"`, `\`,
	}
	random := rand.New(rand.NewPCG(3, 4)) // the same each time
	part := func() string { return parts[random.IntN(len(parts))] }
	taken := 0
	for range 15_000 {
		var body strings.Builder
		body.WriteString("{")
		for i := range random.IntN(5) {
			if i > 0 {
				body.WriteString(",")
			}
			body.WriteString(parts[6+random.IntN(10)] + ":" + parts[16+random.IntN(24)])
		}
		body.WriteString("}")
		text := body.String()
		for range random.IntN(3) { // and now something is wrong, or not
			at := random.IntN(len(text) + 1)
			text = text[:at] + part() + text[min(len(text), at+random.IntN(4)):]
		}
		var send, wantSend api.SendRequest
		var pull, wantPull api.PullRequest
		if utf8.ValidString(text) && readHot([]byte(text), &api.SendRequest{}) {
			taken++
		}
		decodesAs(t, []byte(text), &send, &wantSend)
		decodesAs(t, []byte(text), &pull, &wantPull)
	}
	if taken < 300 {
		t.Errorf("%d requests went the short way, want more", taken)
	}
}

func decodesAs(t *testing.T, body []byte, got, want proto.Message) {
	t.Helper()
	if oddCase(body) {
		return
	}
	err := decodeJSON(body, got)
	wantErr := json.Unmarshal(body, want)
	if plain, changed := plainByFloat(body); wantErr != nil && changed {
		wantErr = json.Unmarshal(plain, want)
	}
	object := utf8.Valid(body) && strings.HasPrefix(strings.TrimLeft(string(body), " \r\n\t"), "{")
	if ok := object && wantErr == nil && !halves(body); ok != (err == nil) {
		t.Fatalf("decodeJSON(%q) = %v, want an error: %v (%v)", body, err, !ok, wantErr)
	}
	if err == nil {
		if !proto.Equal(got, want) {
			t.Errorf("decodeJSON(%q) = %v, want %v", body, got, want)
		}
		return
	}
	if e := chat.AsError(err); e.Code != chat.InvalidArgument || !utf8.ValidString(e.Message) || strings.Contains(e.Message, "api.") {
		t.Errorf("decodeJSON(%q) = %v, want an invalid_argument for people", body, err)
	}
}

var (
	token   = regexp.MustCompile(`(?s)"(?:\\.|[^"\\])*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?`)
	integer = regexp.MustCompile(`^-?[0-9]+$`)
)

// plainByFloat writes whole numbers plainly, as math/big finds them.
func plainByFloat(body []byte) (plain []byte, changed bool) {
	plain = token.ReplaceAllFunc(body, func(found []byte) []byte {
		if found[0] == '"' || integer.Match(found) || !json.Valid(body) {
			return found
		}
		_, power, _ := strings.Cut(strings.ToLower(string(found)), "e")
		if n, _ := strconv.Atoi(power); n > 1000 || n < -1000 { // which takes long
			if zero, _ := new(big.Float).SetString(strings.ToLower(string(found))[:strings.IndexAny(string(found), "eE")]); zero.Sign() != 0 {
				return found
			}
			found = []byte("0.0")
		}
		if r, ok := new(big.Rat).SetString(string(found)); ok && r.IsInt() && r.Num().IsInt64() {
			changed = true
			return []byte(r.Num().String())
		}
		return found
	})
	return plain, changed
}

// oddCase: the standard library takes ſ for an s and the Kelvin sign for a k; other decoders need not.
func oddCase(body []byte) bool {
	var fields map[string]any
	_ = json.Unmarshal(body, &fields)
	for name := range fields {
		if strings.ContainsAny(name, "\u017f\u212a") {
			return true
		}
	}
	return false
}

func pullQuery(query string) (*api.PullRequest, error) {
	c := app.NewContext(0)
	c.Request.SetRequestURI("/api/pull?" + query)
	request := &api.PullRequest{}
	return request, readPullQuery(c, request)
}

func TestReadPullQuery(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        *api.PullRequest
		err         string
	}{
		{"nothing", "", &api.PullRequest{}, ""},
		{"everything", "chat=alice:bob&cursor=7&limit=3&reverse=true&wait=25s", &api.PullRequest{Chat: "alice:bob", Cursor: 7, Limit: 3, Reverse: true, Wait: "25s"}, ""},
		{"mixed case", "Chat=a&CURSOR=7&Limit=3&rEVERSE=true", &api.PullRequest{Chat: "a", Cursor: 7, Limit: 3, Reverse: true}, ""},
		{"escapes", "chat=alice%3Abob%2B%C3%A9", &api.PullRequest{Chat: "alice:bob+é"}, ""},
		{"unknown names", "chat=a&waits=25s&cursors=x", &api.PullRequest{Chat: "a"}, ""},
		{"false", "reverse=false", &api.PullRequest{}, ""},
		{"the largest numbers", "cursor=9223372036854775807&limit=-9223372036854775808", &api.PullRequest{Cursor: math.MaxInt64, Limit: math.MinInt64}, ""},
		{"above the largest", "cursor=9223372036854775808", &api.PullRequest{}, "cursor is not a whole number"},
		{"below the least", "limit=-9223372036854775809", &api.PullRequest{}, "limit is not a whole number"},
		{"a fraction", "limit=1.0", &api.PullRequest{}, "limit is not a whole number"},
		{"underscores", "limit=1_0", &api.PullRequest{}, "limit is not a whole number"},
		{"hexadecimal", "limit=0x10", &api.PullRequest{}, "limit is not a whole number"},
		{"space", "limit=%201", &api.PullRequest{}, "limit is not a whole number"},
		{"the first mistake counts", "limit=x&cursor=y", &api.PullRequest{}, "limit is not a whole number"},
		{"1 is not true", "reverse=1", &api.PullRequest{}, "reverse is not true or false"},
		{"nor is True", "reverse=True", &api.PullRequest{}, "reverse is not true or false"},
		{"nothing is as no parameter", "reverse&cursor=&limit=&unread=&wait=&reader=&chat=", &api.PullRequest{}, ""},
		{"nothing behind something", "limit=5&limit=", &api.PullRequest{Limit: 5}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := pullQuery(c.query)
			if !wants(t, err, c.err) {
				t.Fatalf("readPullQuery(%q) = %v, want %q", c.query, err, c.err)
			}
			if err == nil && !proto.Equal(got, c.want) {
				t.Errorf("readPullQuery(%q) = %v, want %v", c.query, got, c.want)
			}
		})
	}
}

// FuzzPullQuery: any query is a request or an invalid_argument, and one that a client made of a request is that
// request.
func FuzzPullQuery(f *testing.F) {
	f.Add("chat=a&cursor=1&limit=2&reverse=true", "alice:bob", int64(0), int64(10), false)
	f.Add("%zz&;&=&&CHAT=%ff&limit=+1", "é+ %&=;", int64(math.MaxInt64), int64(math.MinInt64), true)
	f.Add("cursor=-&reverse", "", int64(-1), int64(0), true)
	f.Fuzz(func(t *testing.T, raw, name string, cursor, limit int64, reverse bool) {
		if _, err := pullQuery(raw); err != nil && chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("readPullQuery(%q) = %v, want invalid_argument", raw, err)
		}
		query := url.Values{
			"chat": {name}, "cursor": {strconv.FormatInt(cursor, 10)}, "limit": {strconv.FormatInt(limit, 10)}, "reverse": {strconv.FormatBool(reverse)},
		}.Encode()
		got, err := pullQuery(query)
		if want := (&api.PullRequest{Chat: name, Cursor: cursor, Limit: limit, Reverse: reverse}); err != nil || got.Chat != want.Chat || got.Cursor != cursor || got.Limit != limit || got.Reverse != reverse {
			t.Errorf("readPullQuery(%q) = %v, %v; want %v", query, got, err, want)
		}
	})
}

func TestCheckMediaType(t *testing.T) {
	for _, c := range []struct {
		contentType string
		ok          bool
	}{
		{"", true},
		{"application/json", true},
		{"Application/JSON", true},
		{"application/json; charset=utf-8", true},
		{"application/json;charset=\"UTF-8\"", true},
		{"application/vnd.pullchat+json", true},
		{"application/json; charset=latin1", true},
		{"application/json; charset", false},
		{"text/plain", false},
		{"text/json-seq", false},
		{"application/x-www-form-urlencoded", false},
		{"multipart/form-data; boundary=x", false},
		{"json", false},
		{";", false},
	} {
		err := checkMediaType(c.contentType)
		if c.ok && err != nil || !c.ok && chat.CodeOf(err) != chat.UnsupportedMediaType {
			t.Errorf("checkMediaType(%q) = %v, want ok %v", c.contentType, err, c.ok)
		}
	}
}

// TestPlainBodiesAreReadOnce: the hot requests take one allocation for each string, and so take the short way.
func TestPlainBodiesAreReadOnce(t *testing.T) {
	for _, c := range []struct {
		body   string
		budget float64
	}{
		{`{"chat":"alice:bob","text":"hello \"you\"\n","sender":"alice","id":"12345"}`, 5}, // two for the text with escapes
		{`{"chat":"alice:bob","cursor":1780000000000000,"limit":20,"reverse":false}`, 1},
	} {
		var send api.SendRequest
		var pull api.PullRequest
		into := any(&send)
		if strings.Contains(c.body, "cursor") {
			into = &pull
		}
		if !readHot([]byte(c.body), into) {
			t.Errorf("%s does not go the short way", c.body)
		}
		body := []byte(c.body)
		if got := testing.AllocsPerRun(100, func() { _ = decodeJSON(body, into) }); got > c.budget {
			t.Errorf("decodeJSON(%s) allocates %v times, want %v", c.body, got, c.budget)
		}
	}
}

func BenchmarkDecodeJSON(b *testing.B) {
	body := []byte(`{"chat":"alice:bob","text":"hello you hello you hello you hello you!","sender":"alice"}`)
	b.Run("short", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r api.SendRequest
			if decodeJSON(body, &r) != nil {
				b.Fatal()
			}
		}
	})
	b.Run("general", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r api.SendRequest
			if jsonobject.Decode("body", body, &r) != nil {
				b.Fatal()
			}
		}
	})
}
