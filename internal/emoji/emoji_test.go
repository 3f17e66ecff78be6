package emoji_test

import (
	"testing"

	"github.com/pullchat/pullchat/internal/emoji"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"a thumb", "👍", true},
		{"a thumb with a skin tone", "👍🏽", true},
		{"a heart", "❤", true},
		{"a heart in colour", "❤️", true},
		{"a family of four", "👨‍👩‍👧‍👦", true},
		{"a kiss with two skin tones", "👨🏽‍❤️‍💋‍👨🏽", true},
		{"a flag", "🇪🇺", true},
		{"a flag of tags", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", true},
		{"a keycap", "1️⃣", true},
		{"an information sign", "ℹ️", true},
		{"an exclamation", "‼️", true},
		{"an arrow", "↔️", true},
		{"a square", "◽", true},
		{"one of a later Unicode", "\U0001fadf", true},
		{"nothing", "", false},
		{"two", "👍👍", false},
		{"two flags", "🇪🇺🇺🇳", false},
		{"a skin tone alone", "🏽", false},
		{"a letter", "a", false},
		{"a digit", "1", false},
		{"a letter in colour", "a\ufe0f", false},
		{"a word", "ok", false},
		{"an ideograph", "好", false},
		{"with a space", "👍 ", false},
		{"a space", " ", false},
		{"a control character", "\x00", false},
		{"a joiner", "\u200d", false},
		{"accents upon an emoji", "👍\u0301\u0301", false},
		{"no UTF-8", "\xff", false},
		{"no UTF-8 behind", "👍\xff", false},
	} {
		if got := emoji.Is(c.text); got != c.want {
			t.Errorf("%s: Is(%+q) = %v, want %v", c.name, c.text, got, c.want)
		}
	}
}
