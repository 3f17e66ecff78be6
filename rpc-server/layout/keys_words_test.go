package layout

import (
	"strconv"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestWordsKey pins the name, as TestUserKeys does.
func TestWordsKey(t *testing.T) {
	k := NewKeys("im", DefaultPartitions, 0)
	if k.Words() != "im:words" {
		t.Errorf("the key is %s", k.Words())
	}
	if name, ours := k.Parse(k.Words()); !ours || name.Kind != WordsKey {
		t.Errorf("Parse(%q) = %+v, %v", k.Words(), name, ours)
	}
}

func TestWordsRoundTrip(t *testing.T) {
	for _, want := range []chat.Word{{Word: "lunch", ID: 7}, {Word: "café", ID: 8, Substring: true, Chat: "ann:bob"}} {
		got, ok := ParseWord(WordField(want.Chat, want.Word), strconv.FormatInt(want.ID, 10)+" "+WordMatch(want))
		if !ok || got != want {
			t.Errorf("ParseWord() = %+v, %v; want %+v", got, ok, want)
		}
	}
	for field, value := range map[string]string{"version": "7", " lunch": "7", " tea": "x word", " cake": "7 other", " pie": ""} {
		if w, ok := ParseWord(field, value); ok {
			t.Errorf("ParseWord(%q, %q) = %+v", field, value, w)
		}
	}
}
