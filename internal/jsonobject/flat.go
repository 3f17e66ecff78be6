package jsonobject

import (
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// Field is one field of an object, and where its value goes: one of the pointers is set.
type Field struct {
	Name string

	Text   *string
	Number *int64
	Flag   *bool
	Object *json.RawMessage // an object as it is written
	List   *[]string

	CursorIfAny **Cursor
	FlagIfAny   **bool
}

// ReadFlat reads a plain JSON object: with these names only, as they are written here, and values of their types. It reports
// false for other objects and for invalid JSON (RFC 8259). The caller then uses Decode, which overwrites the fields set so
// far. seen has a bit for each present field, and is 0 if ok is false. Requests that are made often are read with it,
// because it takes no more than an allocation for each string.
func ReadFlat(object []byte, fields []Field) (seen uint32, ok bool) {
	if !utf8.Valid(object) {
		return 0, false
	}
	s := scanner{object}
	if !s.take('{') {
		return 0, false
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return 0, false
		}
		name, escaped, ok := s.quoted()
		if !ok || escaped || !s.take(':') {
			return 0, false
		}
		i := named(fields, name)
		if i < 0 || !s.value(&fields[i]) {
			return 0, false
		}
		seen |= 1 << i
	}
	s.space()
	if len(s.rest) > 0 {
		return 0, false
	}
	return seen, true
}

// named returns -1 where there is none.
func named(fields []Field, name []byte) int {
	for i := range fields {
		if fields[i].Name == string(name) {
			return i
		}
	}
	return -1
}

// scanner reads tokens of JSON.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

// take passes over a byte that stands for itself, and the space before it, where it is there.
func (s *scanner) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) value(f *Field) bool {
	switch {
	case f.Text != nil:
		raw, escaped, ok := s.quoted()
		if !ok {
			return false
		}
		if escaped {
			*f.Text, ok = unescape(raw)
			return ok
		}
		*f.Text = string(raw)
		return true
	case f.Object != nil:
		return s.object(f.Object)
	case f.List != nil:
		return s.list(f.List)
	case f.Number != nil || f.CursorIfAny != nil:
		n, ok := s.number()
		if ok && f.Number != nil {
			*f.Number = n
		} else if ok {
			*f.CursorIfAny = &Cursor{Position: n}
		}
		return ok
	default:
		b, ok := s.bool()
		if ok && f.Flag != nil {
			*f.Flag = b
		} else if ok {
			*f.FlagIfAny = new(b)
		}
		return ok
	}
}

// quoted returns the text between two quotes, and whether it has escapes.
func (s *scanner) quoted() (raw []byte, escaped, ok bool) {
	if !s.take('"') {
		return nil, false, false
	}
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			raw, s.rest = s.rest[:i], s.rest[i+1:]
			return raw, escaped, true
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false, false
		}
	}
	return nil, false, false
}

// number reads a whole number that is written with up to 18 digits.
func (s *scanner) number() (n int64, ok bool) {
	s.space()
	negative := len(s.rest) > 0 && s.rest[0] == '-'
	if negative {
		s.rest = s.rest[1:]
	}
	i := 0
	for ; i < len(s.rest) && s.rest[i]-'0' <= 9; i++ {
		if i == 18 {
			return 0, false
		}
		n = 10*n + int64(s.rest[i]-'0')
	}
	if i == 0 || i > 1 && s.rest[0] == '0' {
		return 0, false
	}
	s.rest = s.rest[i:] // the rest is not part of the number: the caller wants a comma or an end
	if negative {
		n = -n
	}
	return n, true
}

func (s *scanner) bool() (b, ok bool) {
	s.space()
	for _, word := range []string{"true", "false"} {
		if len(s.rest) >= len(word) && string(s.rest[:len(word)]) == word {
			s.rest = s.rest[len(word):]
			return word == "true", true
		}
	}
	return false, false
}

// escapes are the escapes of one letter.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape returns the text that stands between two quotes; false where an escape is wrong or half of a pair.
func unescape(raw []byte) (string, bool) {
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			text = append(text, raw[i])
			i++
			continue
		}
		if i+1 == len(raw) {
			return "", false
		}
		if c := escapes[raw[i+1]]; c != 0 {
			text = append(text, c)
			i += 2
			continue
		}
		r, size := unicodeEscape(raw[i:])
		if size == 0 {
			return "", false
		}
		text = utf8.AppendRune(text, r)
		i += size
	}
	return string(text), true
}

// unicodeEscape reads \uXXXX, or two of them that are a surrogate pair. The size is 0 where there is none, or half of a pair.
func unicodeEscape(raw []byte) (r rune, size int) {
	first := codeUnit(raw)
	switch {
	case first < 0:
		return 0, 0
	case !utf16.IsSurrogate(first):
		return first, 6
	}
	if pair := utf16.DecodeRune(first, codeUnit(raw[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return 0, 0
}

// codeUnit reads \uXXXX, or returns -1.
func codeUnit(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	unit := rune(0)
	for _, c := range raw[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|' ' >= 'a' && c|' ' <= 'f':
			c = c | ' ' - 'a' + 10
		default:
			return -1
		}
		unit = unit<<4 | rune(c)
	}
	return unit
}

// pairsSurrogates reports whether no string of valid JSON has half of a surrogate pair, which is no character: decoders make
// U+FFFD of it, so that different strings become one.
func pairsSurrogates(body []byte) bool {
	for i := 0; i < len(body); {
		switch {
		case body[i] != '\\':
			i++
		case escapes[body[i+1]] != 0:
			i += 2
		default:
			_, size := unicodeEscape(body[i:])
			if size == 0 {
				return false
			}
			i += size
		}
	}
	return true
}

// object takes an object with whatever is in it. The other decoder has the last word on half of a surrogate pair in it.
func (s *scanner) object(into *json.RawMessage) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != '{' {
		return false
	}
	open, quoted := 0, false
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open++
		case c == '}' || c == ']':
			open--
		}
		if open > 0 {
			continue
		}
		object := s.rest[:i+1]
		if !json.Valid(object) || !pairsSurrogates(object) {
			return false
		}
		*into, s.rest = append(json.RawMessage(nil), object...), s.rest[i+1:]
		return true
	}
	return false
}

// list takes a list of strings.
func (s *scanner) list(into *[]string) bool {
	if !s.take('[') {
		return false
	}
	all := []string{}
	for first := true; !s.take(']'); first = false {
		if !first && !s.take(',') {
			return false
		}
		var text string
		if !s.value(&Field{Text: &text}) {
			return false
		}
		all = append(all, text)
	}
	*into = all
	return true
}
