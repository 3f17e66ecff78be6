package telnet

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// decode feeds parts and returns the lines, with the last one, and the answers.
func decode(limit int, parts ...[]byte) (lines []line, answers []byte) {
	d := decoder{limit: limit}
	for _, part := range parts {
		d.feed(part)
	}
	d.close()
	for l, ok := d.next(); ok; l, ok = d.next() {
		lines = append(lines, l)
	}
	return lines, d.answers
}

func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want, answers string }{
		{"LF", "a\nb\n", `["a" "b"]`, ""},
		{"CR LF", "a\r\nb\r\n", `["a" "b"]`, ""},
		{"CR NUL", "a\r\x00b\r\x00", `["a" "b"]`, ""},
		{"CR", "a\rb", `["a" "b"]`, ""},
		{"a mixture", "a\r\r\nb\n\r\x00\nc", `["a" "" "b" "" "" "c"]`, ""},
		{"without an end", "a\nb", `["a" "b"]`, ""},
		{"blank", "\n", `[""]`, ""},
		{"nothing", "", `[]`, ""},
		{"UTF-8", "blåbær 🫐\n", `["blåbær 🫐"]`, ""},
		{"erased", "blåx\x08\x7f\x08\x08\x08\x08b\n", `["b"]`, ""},
		{"erased by command", "blå\xff\xf7\n\xff\xf7x\xff\xf8y\xff\xf4z\n", `["bl" "z"]`, ""},
		{"NUL", "a\x00b\n", `["ab"]`, ""},
		{"IAC IAC", "a\xff\xffb\n", `["a\xffb"]`, ""},
		{"a command after CR", "a\r\xff\xf1\nb\n", `["a" "b"]`, ""},
		{"too long", "12345678\n123456789\n", `["12345678" 9]`, ""},
		{"too long, and erased", "123456789\x08\n", `["12345678"]`, ""},
		{"WILL NAWS in a word", "a\xff\xfb\x1fb\n", `["ab"]`, "\xff\xfd\x1f"},
		{"WILL NAWS twice", "\xff\xfb\x1f\xff\xfb\x1f", `[]`, "\xff\xfd\x1f"},
		{"WONT and DONT", "\xff\xfc\x1f\xff\xfe\x01", `[]`, ""},
		{"DO and WILL of others", "\xff\xfd\x03\xff\xfb\x18\xff\xfd\xff", `[]`, "\xff\xfc\x03\xff\xfe\x18\xff\xfc\xff"},
		{"DO ECHO unasked", "\xff\xfd\x01", `[]`, "\xff\xfc\x01"},
		{"timing mark", "\xff\xfd\x06\xff\xfd\x06", `[]`, "\xff\xfb\x06\xff\xfb\x06"},
		{"are you there", "a\xff\xf6b\n", `["ab"]`, "\r\n* yes\r\n"},
		{"a window", "\xff\xfa\x1f\x00\x50\x00\xff\xff\xff\xf0a\n", `["a"]`, ""},
		{"DO CHARSET", "\xff\xfd\x2a", `[]`, "\xff\xfb\x2a\xff\xfa\x2a\x01;UTF-8\xff\xf0"},
		{"CHARSET", "\xff\xfb\x2a\xff\xfa\x2a\x01 ascii utf-8\xff\xf0", `[]`, "\xff\xfd\x2a\xff\xfa\x2a\x02utf-8\xff\xf0"},
		{"CHARSET with tables", "\xff\xfa\x2a\x01[TTABLE]\x01;UTF-8\xff\xf0", `[]`, "\xff\xfa\x2a\x02UTF-8\xff\xf0"},
		{"no CHARSET", "\xff\xfa\x2a\x01;KOI8-R\xff\xf0", `[]`, "\xff\xfa\x2a\x03\xff\xf0"},
		{"another subnegotiation", "\xff\xfa\x18\x00vt100\nx\xff\xf0a\n", `["a"]`, ""},
		{"an unended one", "\xff\xfa\x18\x00vt100\xff\xfb\x1fa\n", `["a"]`, "\xff\xfd\x1f"},
	} {
		for split := range len(c.in) + 1 {
			lines, answers := decode(8, []byte(c.in[:split]), []byte(c.in[split:]))
			got := "["
			for i, l := range lines {
				if i > 0 {
					got += " "
				}
				if l.tooLong {
					got += fmt.Sprint(l.size)
				} else {
					got += `"` + l.text + `"`
				}
			}
			want := c.want
			if c.name == "IAC IAC" {
				want = "[\"a\xffb\"]"
			}
			if c.name == "UTF-8" {
				want = `[` + fmt.Sprint(len("blåbær 🫐")) + `]`
			}
			if got+"]" != want || string(answers) != c.answers {
				t.Errorf("%s, split at %d: %s] and %q, want %s and %q", c.name, split, got, answers, want, c.answers)
			}
		}
	}
}

// TestHiddenTwice: a client that answers each offer late does not show the second password.
func TestHiddenTwice(t *testing.T) {
	t.Parallel()
	d := decoder{limit: 8}
	d.options.hide()
	d.feed([]byte{iac, do, echo})
	d.options.show()
	d.options.hide()
	d.feed([]byte{iac, dont, echo, iac, do, echo})
	if len(d.answers) > 0 {
		t.Errorf("the client's answers are answered with %q", d.answers)
	}
	if got := d.options.show(); string(got) != "\xff\xfc\x01" {
		t.Errorf("show() = %q, want the end of the offer", got)
	}
	d.options.hide()
	d.feed([]byte{iac, dont, echo, iac, dont, echo}) // the answer to show, and a refusal
	if got := d.options.show(); len(got) > 0 || len(d.answers) > 0 {
		t.Errorf("after a refusal show() = %q, and answers are %q; want none", got, d.answers)
	}
}

// FuzzDecoder: the result does not depend on where the bytes are split. Lines have no control characters that a line editor
// obeys. All sizes stay within their bounds.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("a\r\nb\xff\xfb\x1fc\r\x00d\n"), uint8(1))
	f.Add([]byte("\xff\xfa\x2a\x01;UTF-8\xff\xf0\xff\xf6\x08\x7f"), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		const limit = 16
		lines, answers := decode(limit, in)
		split, splitAnswers := decode(limit, slices.Collect(slices.Chunk(in, int(size)+1))...)
		if !slices.Equal(lines, split) || !bytes.Equal(answers, splitAnswers) {
			t.Fatalf("%q is %v and %q, in parts of %d %v and %q", in, lines, answers, int(size)+1, split, splitAnswers)
		}
		for _, l := range lines {
			if len(l.text) > limit || bytes.ContainsAny([]byte(l.text), "\x00\r\n\x08\x7f") || l.tooLong != (l.size > limit) {
				t.Fatalf("%q has the line %+v", in, l)
			}
		}
		if len(answers) > 20*len(in) {
			t.Fatalf("%d bytes are answered with %d", len(in), len(answers))
		}
	})
}
