package jsonobject

import (
	"encoding/json"
	"reflect"
)

// Cursor is a cursor in JSON: a position, or "end".
type Cursor struct {
	Position int64
	End      bool
}

// OrZero returns the beginning for a missing cursor.
func (c *Cursor) OrZero() Cursor {
	if c == nil {
		return Cursor{}
	}
	return *c
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Cursor) UnmarshalJSON(text []byte) error {
	*c = Cursor{}
	var word string
	if json.Unmarshal(text, &word) == nil && word == "end" {
		c.End = true
		return nil
	}
	if json.Unmarshal(text, &c.Position) != nil {
		return &json.UnmarshalTypeError{Value: string(text), Type: reflect.TypeFor[Cursor]()}
	}
	return nil
}
