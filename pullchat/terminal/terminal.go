// Package terminal makes texts of strangers fit to be shown on a terminal.
package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable writes control characters as Go's literals do, like \n or \x1b. A backslash stays one: the result is for
// eyes, not for parsers.
func Printable(text string) string {
	return escape(text, func(r rune) string {
		quoted := strconv.QuoteRuneToASCII(r)
		return quoted[1 : len(quoted)-1]
	})
}

// PrintableJSON does the same within a JSON text; what it means stays the same.
func PrintableJSON(text string) string {
	return escape(text, func(r rune) string {
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			return fmt.Sprintf(`\u%04x\u%04x`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

// escape replaces what a terminal obeys, by what as makes of it, and bytes that are not UTF-8 by \x and two digits.
func escape(text string, as func(rune) string) string {
	var b strings.Builder
	for at, r := range text {
		_, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[at])
		case obeyed(r):
			b.WriteString(as(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// obeyed tells the characters that a terminal does not show but obeys, and those that it shows as nothing: controls, the
// ends of lines and paragraphs, those that turn the order of what stands around them (Unicode's UAX 9), joiners, tags and
// fillers. Variation selectors stay: they choose how a letter or an emoji is drawn.
func obeyed(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return true
	case unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}
