// Package terminal makes texts of strangers fit to be shown on a terminal.
package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
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
	return escape(text, func(r rune) string { return fmt.Sprintf(`\u%04x`, r) })
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

// obeyed tells the characters that a terminal does not show but obeys: controls, the ends of lines and paragraphs, and
// those that turn the order of what stands around them (embeddings, overrides and isolates of Unicode's UAX 9).
func obeyed(r rune) bool {
	return unicode.IsControl(r) || '\u2028' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
