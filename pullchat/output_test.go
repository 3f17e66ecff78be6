package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"

	"github.com/pullchat/pullchat/client"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"letters of all kinds", `hello é 你好 👩‍👩‍👧 \o/ "x" <b>`, `hello é 你好 👩‍👩‍👧 \o/ "x" <b>`},
		{"right to left", "שלום \u200fمرحبا", "שלום \u200fمرحبا"},
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
		if got := printable(c.in); got != c.want {
			t.Errorf("%s: printable(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// FuzzPrintable: nothing that a terminal obeys is left, and what is harmless stays as it was.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"hello", "\x1b[31m", "\xff\u202e\u009b", "a\nb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := printable(in)
		if strings.ContainsFunc(got, obeyed) || !utf8.ValidString(got) {
			t.Errorf("printable(%q) = %q, which a terminal obeys", in, got)
		}
		if harmless := utf8.ValidString(in) && !strings.ContainsFunc(in, obeyed); harmless != (got == in) {
			t.Errorf("printable(%q) = %q, want it changed: %t", in, got, !harmless)
		}
	})
}

func TestForms(t *testing.T) {
	value := map[string]string{"text": "\x1b\n\u009b\x7f\u202e"}
	const human = "alice: \x1b\n\u009b"
	for _, c := range []struct {
		name string
		out  output
		want string
	}{
		{"a terminal", output{terminal: true}, `alice: \x1b\n\u009b` + "\n"},
		{"a terminal, --raw", output{terminal: true, raw: true}, human + "\n"},
		{"a terminal, --json", output{terminal: true, json: true}, `{"text":"\u001b\n\u009b\u007f\u202e"}` + "\n"},
		{"a pipe", output{}, `{"text":"\u001b\n` + "\u009b\x7f\u202e" + `"}` + "\n"},
		{"a pipe, --json", output{json: true}, `{"text":"\u001b\n` + "\u009b\x7f\u202e" + `"}` + "\n"},
		{"a pipe, --raw", output{raw: true}, human + "\n"},
	} {
		var written bytes.Buffer
		c.out.to = &written
		if err := c.out.print(human, value); err != nil || written.String() != c.want {
			t.Errorf("%s: print() writes %q, %v; want %q", c.name, &written, err, c.want)
		}
		var back map[string]string
		if strings.HasPrefix(c.want, "{") && (json.Unmarshal(written.Bytes(), &back) != nil || back["text"] != value["text"]) {
			t.Errorf("%s: %q reads as %q, want %q", c.name, &written, back, value)
		}
	}
}

// onTerminal runs the command with a terminal for everything, and returns what appears there.
func onTerminal(t *testing.T, environment []string, args ...string) string {
	t.Helper()
	c := command(environment, args...)
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	var shown bytes.Buffer
	_, _ = io.Copy(&shown, terminal) // ends with an error when the command does: its side is closed
	_ = c.Wait()
	return strings.ReplaceAll(shown.String(), "\r\n", "\n")
}

func TestOnATerminal(t *testing.T) {
	const text = "\x1b]0;mine\x07\u009b2J"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("chat") == "closed" {
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]string{"code": "permission_denied", "message": text})
			return
		}
		_ = json.NewEncoder(w).Encode(client.Page{Messages: []client.Message{{Sender: "eve", Text: text, SendTime: 1795248043296447}}})
	}))
	t.Cleanup(s.Close)
	environment := []string{"PULLCHAT_SERVER=" + s.URL, "TZ=UTC"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"pull", "room"}, "2026-11-21 08:00:43  eve: " + `\x1b]0;mine\a\u009b2J` + "\n"},
		{[]string{"pull", "room", "--raw"}, "2026-11-21 08:00:43  eve: " + text + "\n"},
		{[]string{"pull", "room", "--json"}, `{"chat":"","text":"\u001b]0;mine\u0007\u009b2J","sender":"eve","send_time":1795248043296447}` + "\n"},
		{[]string{"pull", "closed"}, `pullchat: permission_denied: \x1b]0;mine\a\u009b2J` + "\n"},
	} {
		if got := onTerminal(t, environment, c.args...); got != c.want {
			t.Errorf("pullchat %q shows %q, want %q", c.args, got, c.want)
		}
	}
	if got, want := invoke(t, environment, "", "pull", "room", "--raw").out, fmt.Sprintf("2026-11-21 08:00:43  eve: %s\n", text); got != want {
		t.Errorf("pullchat pull --raw into a pipe = %q, want %q", got, want)
	}
}
