package logging

import (
	"bufio"
	"regexp"
	"testing"

	"github.com/creack/pty"
)

// TestOnTerminal: people read a short time, the level, the message and the attributes, with colours unless they ask for none.
// With json, a terminal gets JSON too.
func TestOnTerminal(t *testing.T) {
	for _, c := range []struct {
		name, format, noColor, term, want string
	}{
		{"auto", "auto", "", "xterm", `^\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m .*INF.* two words .*n=.*1.*user=.*a\\x1b\[1m\r?\n$`},
		{"no colour", "auto", "1", "xterm", `^\d\d:\d\d:\d\d INF two words n=1 user=a\\x1b\[1m\r?\n$`},
		{"a terminal without colours", "auto", "", "dumb", `^\d\d:\d\d:\d\d INF two words n=1 user=a\\x1b\[1m\r?\n$`},
		{"text", "text", "1", "xterm", `^\d\d:\d\d:\d\d INF two words n=1 `},
		{"json", "json", "", "xterm", `^\{"time":".*"level":"INFO","msg":"two words","n":1,`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", c.noColor)
			t.Setenv("TERM", c.term)
			screen, terminal, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = screen.Close(), terminal.Close() }()
			New(terminal, Config{LogFormat: c.format}).Info("two words", "n", 1, "user", "a\x1b[1m")
			line, err := bufio.NewReader(screen).ReadString('\n')
			if err != nil || !regexp.MustCompile(c.want).MatchString(line) {
				t.Errorf("the terminal shows %q, %v; want %s", line, err, c.want)
			}
		})
	}
}
