// Package jsonobject reads the JSON objects of requests into structs, strictly and in the words of their authors, and writes
// those of answers. It knows no transport: a body of HTTP, a frame of a WebSocket and a line of text have the same objects.
package jsonobject

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/bytedance/sonic"

	"github.com/pullchat/pullchat/internal/chat"
)

// fastJSON is as strict about strings as the standard library, and copies them out of the body.
var fastJSON = sonic.Config{CopyString: true, ValidateString: true}.Froze()

// Decode reads one JSON object into a struct. The parameter what is the user's word for the object, such as "body".
// Field names match without regard to case, unknown ones are ignored. Whole numbers may be written like 10.0 and 1e3.
// Half of a surrogate pair is refused anywhere.
func Decode(what string, object []byte, into any) error {
	if err := utf8Object(what, object); err != nil {
		return err
	}
	// Valid first: the fast decoder misses a wrong escape in an unknown field before an escaped name.
	if json.Valid(object) {
		if !pairsSurrogates(object) {
			return chat.Errorf(chat.InvalidArgument, `the %s is not valid JSON: a string has half of a surrogate pair, like \ud83d, which is no character`, what)
		}
		if fastJSON.Unmarshal(object, into) == nil {
			return nil
		}
	}
	// The standard library repeats a failed decoding, because its errors name the field.
	err := json.Unmarshal(object, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if plain, changed := plainIntegers(object); changed {
			err = json.Unmarshal(plain, into)
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return WrongType(wrong.Field, typeNames[wrong.Type.Kind().String()])
	default:
		return chat.Errorf(chat.InvalidArgument, "the %s is not valid JSON: %v", what, err)
	}
}

func utf8Object(what string, object []byte) error {
	if !utf8.Valid(object) {
		return chat.Errorf(chat.InvalidArgument, "the %s is not valid UTF-8", what)
	}
	if trimmed := bytes.TrimLeft(object, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return chat.Errorf(chat.InvalidArgument, `the %s is not a JSON object like {"chat":"alice:bob"}`, what)
	}
	return nil
}

// The types of fields, for WrongType.
const (
	WholeNumber = "a whole number"
	TrueOrFalse = "true or false"
)

// typeNames are the types of fields by their kinds in Go. The only struct is a Cursor.
var typeNames = map[string]string{"string": "a string", "int64": WholeNumber, "bool": TrueOrFalse, "slice": "a list", "struct": `a whole number or "end"`}

// WrongType names the expected type of a field.
func WrongType(field, expected string) error {
	return chat.Errorf(chat.InvalidArgument, "%s is not %s", field, expected)
}

// DecodeKnown is Decode for an object that changes something. It refuses unknown fields, because the change would be made
// without them.
func DecodeKnown(what string, object []byte, into any) error {
	if err := Decode(what, object, into); err != nil {
		return err
	}
	return CheckFields(object, FieldsOf(into))
}

// Encode returns the JSON of an answer.
func Encode(answer any) []byte {
	encoded, err := fastJSON.Marshal(answer)
	if err != nil {
		panic(err) // an answer can always be encoded
	}
	return encoded
}
