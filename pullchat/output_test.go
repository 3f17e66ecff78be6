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

	"github.com/creack/pty"

	"github.com/pullchat/pullchat/client"
)

func TestForms(t *testing.T) {
	t.Parallel()
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

// onTerminal runs the command with a terminal as input and output, and returns the text on it.
func onTerminal(t *testing.T, environment []string, args ...string) string {
	t.Helper()
	c := command(t, environment, args...)
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
	t.Parallel()
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
