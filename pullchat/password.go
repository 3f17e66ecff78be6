package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPasswordLine is more than any password that a server takes.
const maxPasswordLine = 1 << 16

// readPassword asks for a password on a terminal, where it is not shown, and reads it again if it is a new one; elsewhere
// it is the first line of standard input.
func readPassword(ctx contextType, isNew bool) (string, error) {
	if !isTerminal(os.Stdin) {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
	}
	password, err := typePassword(ctx, "Password: ")
	if err != nil || !isNew {
		return password, err
	}
	again, err := typePassword(ctx, "Again: ")
	if err == nil && again != password {
		err = errors.New("the two passwords differ")
	}
	return password, err
}

// typePassword reads a line that is not shown, and leaves the terminal as it was: also after Ctrl-C, which is no signal
// meanwhile.
func typePassword(ctx contextType, prompt string) (string, error) {
	input := int(os.Stdin.Fd())
	before, err := term.MakeRaw(input)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(input, before) }()
	both := struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stderr}
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := term.NewTerminal(both, "").ReadPassword(prompt)
		typed <- line{text, err}
	}()
	interrupted := errors.New("interrupted")
	select {
	case l := <-typed:
		if errors.Is(l.err, io.EOF) {
			return "", interrupted
		}
		return l.text, l.err
	case <-ctx.Done(): // nothing ends the read but the process, which ends now
		return "", interrupted
	}
}
