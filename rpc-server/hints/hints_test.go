package hints

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestHintsOfOtherForms: a message of a later release is a hint as far as it is understood, or nothing.
func TestHintsOfOtherForms(t *testing.T) {
	for payload, want := range map[string]chat.Event{
		"7":         {Position: 7},
		"7 3 e f g": {Position: 7, Before: 3, Entries: [][]byte{[]byte("e f g")}},
		"7 0 ":      {Position: 7, Entries: [][]byte{{}}},
		"7 ":        {Position: 7},
		"7 3":       {Position: 7},
		"7 x e":     {Position: 7},
		"7  e":      {Position: 7},
		"":          {Position: -1},
		"x 3 e":     {Position: -1},
		" 7 3 e":    {Position: -1},
	} {
		got, ok := parseHint(payload)
		if !ok {
			got.Position = -1
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("parseHint(%q) = %+v, %v; want %+v", payload, got, ok, want)
		}
	}
}
