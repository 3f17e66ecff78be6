package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/terminal"
)

// shownFirst is the number of messages at the start of a talk.
const shownFirst = 20

type talk struct {
	following
	Chat   string `arg:"" help:"alice:bob, or a room."`
	Sender string `name:"sender" placeholder:"NAME" help:"The user who talks. Default: the logged-in user."`
}

// Validate refuses chats that cannot be followed. Kong calls it.
func (t talk) Validate() error {
	if t.JSON {
		return errors.New("chat is interactive: use pull, tail or send with --json")
	}
	sender, err := t.user("sender", t.Sender)
	if err == nil && sender == "" {
		err = errors.New("the sender is missing: give --sender=NAME with the token")
	}
	return errors.Join(t.patience.Validate(), err)
}

// Run talks until the end of the input, Ctrl-C, or a refusal.
func (t *talk) Run(ctx contextType) error {
	var err error
	if t.Sender, err = t.user("sender", t.Sender); err != nil {
		return err
	}
	screen, restore, err := openScreen(t.Sender)
	if err != nil {
		return err
	}
	defer restore()
	link := &link{verbose: t.Verbose, say: screen.say}
	c, err := t.client(func(r client.Repeat) {
		if t.Verbose {
			screen.say(repeated(r))
		}
	})
	if err != nil {
		return err
	}
	live, err := t.client(link.notify)
	if err != nil {
		return err
	}
	cursor, err := newest(ctx, c, t.Chat, shownFirst)
	if err != nil {
		return interrupted(ctx, meant(ctx, c, err, t.Chat, t.Sender))
	}

	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	listened, spoken := make(chan error, 1), make(chan error, 1)
	go func() { listened <- t.listen(inner, live, cursor, screen, link) }()
	go func() { spoken <- t.speak(inner, c, screen) }()
	select {
	case err = <-spoken:
		cancel()
		if other := <-listened; err == nil && !errors.Is(other, context.Canceled) {
			err = other
		}
	case err = <-listened: // nothing ends a read of standard input but the process, which ends now
	}
	return interrupted(ctx, err)
}

// listen shows new messages.
func (t *talk) listen(ctx context.Context, c *client.Client, cursor int64, screen *screen, link *link) error {
	request := client.FollowRequest{Chats: map[string]int64{t.Chat: cursor}, Over: transports[t.Transport], Connected: link.connected}
	if request.Over != client.LongPoll {
		request.Reader = t.Sender
	}
	var here, typing string
	for event, err := range c.FollowEvents(ctx, request) {
		switch {
		case err != nil:
			return err
		case event.Page != nil:
			typing = ""
			for _, m := range event.Page.Messages {
				screen.message(m)
			}
		case event.Signal != nil && event.Signal.Type == "typing" && event.Signal.Sender != t.Sender && event.Signal.Sender != typing:
			typing = event.Signal.Sender
			screen.say(typing + " is typing")
		case event.Presence != nil && here != present(event.Presence):
			here = present(event.Presence)
			screen.say("here: " + here)
		}
	}
	return nil
}

func present(p *client.Presence) string {
	readers := strings.Join(p.Readers, ", ")
	if more := p.Count - len(p.Readers); more > 0 {
		readers += fmt.Sprintf(" and %d more", more)
	}
	return readers
}

const talkHelp = "/quit or Ctrl-D ends the talk. To send a text that begins with a slash, type //"

// speak sends the lines one by one. It reports a failed send, and continues.
func (t *talk) speak(ctx context.Context, c *client.Client, screen *screen) error {
	for {
		text, err := screen.lines.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if screen.echoes && strings.HasPrefix(text, "/") { // typed by a person
			command := strings.TrimSpace(text[1:])
			switch {
			case strings.HasPrefix(command, "/"):
				text = text[1:]
			case command == "quit":
				return nil
			case command == "help":
				screen.say(talkHelp)
				continue
			default:
				screen.say("there is no /" + command + ". " + talkHelp)
				continue
			}
		}
		m := client.Message{Chat: t.Chat, Sender: t.Sender, Text: text, ID: rand.Text()}
		screen.typed(m.ID)
		if _, err := c.Send(ctx, m); err != nil && ctx.Err() == nil {
			screen.say("not sent: " + err.Error())
		}
	}
}

// screen is a terminal with an input line below the messages; without a terminal it reads and writes plain lines. It is safe
// for concurrent use.
type screen struct {
	lines interface {
		io.Writer
		ReadLine() (string, error)
	}
	echoes bool // the terminal keeps showing typed lines
	mutex  sync.Mutex
	own    map[string]bool // ids of sent messages that have not come back yet
}

// openScreen takes the terminal, if there is one, until restore.
func openScreen(sender string) (_ *screen, restore func(), _ error) {
	s := &screen{own: map[string]bool{}}
	input := int(os.Stdin.Fd())
	if !isTerminal(os.Stdin) || !isTerminal(os.Stdout) {
		s.lines = newPlainLines(os.Stdin, os.Stdout)
		return s, func() {}, nil
	}
	before, err := term.MakeRaw(input)
	if err != nil {
		return nil, nil, err
	}
	both := struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}
	lines := term.NewTerminal(both, terminal.Printable(sender)+": ")
	fit := func() {
		if width, height, err := term.GetSize(input); err == nil && width > 0 {
			_ = lines.SetSize(width, height)
		}
	}
	fit()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		for range resized {
			fit()
		}
	}()
	s.lines, s.echoes = pasted{lines}, true
	return s, func() {
		signal.Stop(resized)
		close(resized)
		<-watching
		_ = term.Restore(input, before)
		fmt.Println()
	}, nil
}

// pasted takes a pasted line for one that was typed.
type pasted struct{ *term.Terminal }

func (p pasted) ReadLine() (string, error) {
	line, err := p.Terminal.ReadLine()
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}

// typed marks a message that will come back and is on the screen already.
func (s *screen) typed(id string) {
	if s.echoes {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.own[id] = true
	}
}

func (s *screen) message(m client.Message) {
	s.mutex.Lock()
	own := s.own[m.ID]
	delete(s.own, m.ID)
	s.mutex.Unlock()
	if !own {
		s.show(m.Time().Format("15:04:05") + "  " + said(m))
	}
}

// say shows a text that is not a message.
func (s *screen) say(text string) { s.show("* " + text) }

func (s *screen) show(text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, _ = io.WriteString(s.lines, terminal.Printable(text)+"\n")
}
