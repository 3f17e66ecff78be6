package terminal

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"letters of all kinds", `hello é 你好 👩 ❤️ \o/ "x" <b>`, `hello é 你好 👩 ❤️ \o/ "x" <b>`},
		{"right to left", "שלום مرحبا", "שלום مرحبا"},
		{"marks of direction", "a\u200e\u200f\u061c", `a\u200e\u200f\u061c`},
		{"no width", "a\u200b\u200c\u200d\ufeff\u2060\u00ad", `a\u200b\u200c\u200d\ufeff\u2060\u00ad`},
		{"tags", "a\U000e0001\U000e0041\U000e007f", `a\U000e0001\U000e0041\U000e007f`},
		{"fillers", "a\u3164\u115f\uffa0", `a\u3164\u115f\uffa0`},
		{"a sign before a number", "\u0600٣", "\u0600٣"},
		{"a colour and a title", "\x1b[31mred\x1b]0;title\x07", `\x1b[31mred\x1b]0;title\a`},
		{"another line", "a\r\n2026-11-21 08:00:43  bob: b\tc", `a\r\n2026-11-21 08:00:43  bob: b\tc`},
		{"NUL, backspace, delete", "\x00\b\x7f", `\x00\b\x7f`},
		{"C1", "\u009b31m", `\u009b31m`},
		{"line and paragraph separators", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"an override", "\u202ecod.exe\u2066", `\u202ecod.exe\u2066`},
		{"no UTF-8", "a\xff\xc3(\x9b", `a\xff\xc3(\x9b`},
		{"the replacement itself", "\ufffd", "\ufffd"},
		{"nothing", "", ""},
	} {
		if got := Printable(c.in); got != c.want {
			t.Errorf("%s: Printable(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// FuzzPrintable: no control character is left, and harmless text is unchanged.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"hello", "\x1b[31m", "\xff\u202e\u009b", "a\nb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := Printable(in)
		if strings.ContainsFunc(got, obeyed) || !utf8.ValidString(got) {
			t.Errorf("Printable(%q) = %q, which a terminal obeys", in, got)
		}
		if harmless := utf8.ValidString(in) && !strings.ContainsFunc(in, obeyed); harmless != (got == in) {
			t.Errorf("Printable(%q) = %q, want it changed: %t", in, got, !harmless)
		}
	})
}
