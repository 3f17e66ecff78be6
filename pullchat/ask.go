package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pullchat/pullchat/internal/terminal"
)

// ask asks a question at a terminal, where only yes is yes.
func ask(ctx contextType, question string) (yes bool, _ error) {
	fmt.Fprint(os.Stderr, terminal.Printable(question))
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(os.Stdin).ReadString('\n')
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return false, l.err
		}
		answer := strings.ToLower(strings.TrimSpace(l.text))
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done(): // nothing ends the read but the process, which ends now
		return false, errors.New("interrupted")
	}
}
