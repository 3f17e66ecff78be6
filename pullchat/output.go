package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/pullchat/pullchat/internal/terminal"
)

// output writes a command's result as lines for people or as one JSON object per line. On a terminal it escapes control
// characters, because messages must not move the cursor or rename the window.
type output struct {
	to       io.Writer
	terminal bool
	json     bool // JSON also on a terminal
	raw      bool // lines also without a terminal, and without escapes
}

// standardOutput is the output of a command with these flags.
func standardOutput(json, raw bool) output {
	return output{to: os.Stdout, terminal: isTerminal(os.Stdout), json: json, raw: raw}
}

// print writes a value for people or for programs.
func (o output) print(human string, value any) error {
	if o.raw || o.terminal && !o.json {
		if !o.raw {
			human = terminal.Printable(human)
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
		line = terminal.PrintableJSON(line)
	}
	_, err = fmt.Fprintln(o.to, line)
	return err
}

// complain writes to standard error, line by line.
func complain(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if isTerminal(os.Stderr) {
			line = terminal.Printable(line)
		}
		fmt.Fprintln(os.Stderr, "pullchat:", line)
	}
}

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }
