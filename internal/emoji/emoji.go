// Package emoji tells emoji from other text.
package emoji

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Is reports whether a text is one emoji: one grapheme cluster (UAX #29), which begins with a symbol. Pictographs of a Unicode
// version that is newer than this program are emoji too. Its length has no limit here.
func Is(text string) bool {
	cluster, rest, _, _ := uniseg.FirstGraphemeClusterInString(text, -1)
	if cluster == "" || rest != "" || strings.ContainsRune(text, unicode.ReplacementChar) {
		return false
	}
	first, more := rune(0), false
	for i, r := range cluster {
		switch {
		case i == 0:
			first = r
		case !joins(r):
			return false
		case r == keycap:
			more = true
		}
	}
	if strings.ContainsRune("0123456789#*", first) {
		return more
	}
	return unicode.Is(unicode.So, first) || unicode.Is(others, first)
}

const (
	joiner   = '\u200d'
	textual  = '\ufe0e' // the form of text follows
	coloured = '\ufe0f' // the form of an emoji follows
	keycap   = '\u20e3'
)

// joins reports whether a character may follow in an emoji: a symbol, a skin tone, a tag of a flag, or a joiner.
func joins(r rune) bool {
	switch r {
	case joiner, textual, coloured, keycap:
		return true
	}
	return unicode.Is(unicode.So, r) || unicode.Is(others, r) || unicode.Is(skins, r) || unicode.Is(tags, r)
}

var (
	// others are emoji that are no symbols of the kind "other", and the blocks for emoji that are to come.
	others = &unicode.RangeTable{
		R16: []unicode.Range16{
			{0x203c, 0x203c, 1},
			{0x2049, 0x2049, 1},
			{0x2139, 0x2139, 1},
			{0x2194, 0x2194, 1},
			{0x25fb, 0x25fe, 1},
			{0x2934, 0x2935, 1},
			{0x3030, 0x3030, 1},
			{0x303d, 0x303d, 1},
		},
		R32: []unicode.Range32{{0x1f000, 0x1f3fa, 1}, {0x1f400, 0x1faff, 1}},
	}
	skins = &unicode.RangeTable{R32: []unicode.Range32{{0x1f3fb, 0x1f3ff, 1}}}
	tags  = &unicode.RangeTable{R32: []unicode.Range32{{0xe0020, 0xe007f, 1}}}
)
