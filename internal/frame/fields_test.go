package frame

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/command"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// TestASendFrameHasTheFieldsOfASend: a frame has the same fields as a send over HTTP.
func TestASendFrameHasTheFieldsOfASend(t *testing.T) {
	t.Parallel()
	var sent api.SendRequest
	chattest.Fill(t, &sent)
	body, err := json.Marshal(&sent)
	if err != nil {
		t.Fatal(err)
	}
	text := append([]byte(`{"type":"`+command.Send+`",`), body[1:]...)
	if _, short := readShort(text, new(asked)); !short {
		t.Errorf("readShort does not know a field of %s", text)
	}
	request, err := Decode(text)
	if err != nil {
		t.Fatalf("Decode(%s): %v; a send's fields are in asked, names, readShort and changing", text, err)
	}
	chattest.CheckSent(t, "asked.request", &sent, request)
}

// TestNamesAreThoseOfReadShort: readShort reports a field by its place in names.
func TestNamesAreThoseOfReadShort(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[asked]()
	if fields.NumField() != len(names) {
		t.Errorf("asked has %d fields and names has %d", fields.NumField(), len(names))
	}
	values := map[reflect.Kind]string{reflect.String: `"now"`, reflect.Bool: "true", reflect.Int64: "1"}
	for field := range fields.Fields() {
		kind := field.Type.Kind()
		if kind == reflect.Pointer {
			kind = field.Type.Elem().Kind()
		}
		value, plain := values[kind]
		switch kind := field.Type.String(); kind {
		case "[]string":
			value, plain = `["a"]`, true
		case "json.RawMessage":
			value, plain = `{"a":1}`, true
		}
		if !plain {
			value = "1" // a cursor
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		seen, short := readShort([]byte(`{"`+name+`":`+value+`}`), new(asked))
		if known := newFields(name); !short || seen&known.bits != seen || seen == 0 {
			t.Errorf("readShort reports %s as the bits %b, %v; its place in names is the bit %b", name, seen, short, known.bits)
		}
	}
}
