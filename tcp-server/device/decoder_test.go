package device

import (
	"errors"
	"slices"
	"testing"
)

func decode(limit int, parts ...[]byte) (objects []string) {
	d := decoder{limit: limit}
	for _, part := range parts {
		d.feed(part)
		for {
			object, ok, err := d.next()
			switch {
			case errors.Is(err, errFraming):
				return append(objects, "end")
			case err != nil:
				objects = append(objects, err.Error())
			case ok:
				objects = append(objects, string(object))
			}
			if !ok {
				break
			}
		}
	}
	return objects
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"lines", "{1}\n{2}\r\n\n  {3} \n{4", []string{"{1}", "{2}", "{3}"}},
		{"frames", "\x00\x00\x00\x02{}\x00\x00\x00\x00\x00\x00\x00\x03{\n}\x00\x00", []string{"{}", "", "{\n}"}},
		{"a long line", "123456789012\n{}\n", []string{"too long: 12 bytes", "{}"}},
		{"a long frame", "\x00\x00\x00\x02{}\x00\x00\x00\x0b", []string{"{}", "end"}},
	} {
		for split := range len(c.in) + 1 {
			if got := decode(10, []byte(c.in[:split]), []byte(c.in[split:])); !slices.Equal(got, c.want) {
				t.Errorf("%s, split at %d: %q, want %q", c.name, split, got, c.want)
			}
		}
	}
}

// FuzzObjects: the decoded objects do not depend on where the bytes are split.
func FuzzObjects(f *testing.F) {
	f.Add([]byte("{1}\n{2}\r\n"), uint8(1))
	f.Add([]byte("\x00\x00\x00\x02{}\x00\x00\x00\x03{\n}"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		whole, split := decode(16, in), decode(16, slices.Collect(slices.Chunk(in, int(size)+1))...)
		if !slices.Equal(whole, split) {
			t.Fatalf("%q is %q, in parts of %d %q", in, whole, int(size)+1, split)
		}
	})
}
