package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// output is where a command writes its result, and in which form: lines for people, or one JSON object per line. What
// people write to each other must not move a terminal's cursor or rename its window, so there it is escaped.
type output struct {
	to       io.Writer
	terminal bool
	json     bool // JSON also on a terminal
	raw      bool // lines also where there is no terminal, and nothing escaped
}

// standardOutput is the output of a command with these flags.
func standardOutput(json, raw bool) output {
	return output{to: os.Stdout, terminal: isTerminal(os.Stdout), json: json, raw: raw}
}

// print writes a value as people or as programs read it.
func (o output) print(human string, value any) error {
	if o.raw || o.terminal && !o.json {
		if !o.raw {
			human = printable(human)
		}
		_, err := fmt.Fprintln(o.to, human)
		return err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	line := string(encoded)
	if o.terminal {
		line = escape(line, func(r rune) string { return fmt.Sprintf(`\u%04x`, r) })
	}
	_, err = fmt.Fprintln(o.to, line)
	return err
}

// complain writes to standard error, line by line.
func complain(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if isTerminal(os.Stderr) {
			line = printable(line)
		}
		fmt.Fprintln(os.Stderr, "pullchat:", line)
	}
}

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

// printable writes control characters as Go's literals do, like \n or \x1b. A backslash stays one: the result is for
// eyes, not for parsers.
func printable(text string) string {
	return escape(text, func(r rune) string {
		quoted := strconv.QuoteRuneToASCII(r)
		return quoted[1 : len(quoted)-1]
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

// obeyed tells the characters that a terminal does not show but obeys: controls, the ends of lines and paragraphs, and
// those that turn the order of what stands around them (embeddings, overrides and isolates of Unicode's UAX 9).
func obeyed(r rune) bool {
	return unicode.IsControl(r) || '\u2028' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
