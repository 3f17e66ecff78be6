package main

import (
	"bufio"
	"io"
	"strings"
)

// plainLines reads lines without a terminal.
type plainLines struct {
	io.Writer
	from *bufio.Reader
}

func newPlainLines(from io.Reader, to io.Writer) plainLines {
	return plainLines{to, bufio.NewReader(from)}
}

// ReadLine returns the text before the end of a line, or of the input.
func (p plainLines) ReadLine() (string, error) {
	line, err := p.from.ReadString('\n')
	if line != "" {
		return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
	}
	return "", err
}
