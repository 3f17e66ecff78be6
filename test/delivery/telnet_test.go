package delivery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
)

// person is a user with a terminal. Lines have no positions: the person knows each by its text, which no other message has.
type person struct {
	user, password string
	chats          []string // at most one of them is a room
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
	took           func(client.Message) // without its position

	heard map[string][]string // the texts of each chat
}

// newPerson returns a watcher's end of telnet connections.
func newPerson(user, password string, chats []string) *person {
	return &person{user: user, password: password, chats: chats, dial: (&net.Dialer{}).DialContext, heard: map[string][]string{}}
}

// room returns the room among the chats, or "".
func (p *person) room() string {
	for _, name := range p.chats {
		if !strings.Contains(name, ":") {
			return name
		}
	}
	return ""
}

// read watches over one connection. A connection that was lost may have brought more than the server knows of: the next
// login may repeat the last messages of each chat, all of them and in order.
func (p *person) read(ctx context.Context, address string) error {
	conn, err := p.dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	typed := p.user + "\n"
	if p.password != "" {
		typed += p.password + "\n"
	}
	if room := p.room(); room != "" {
		typed += "/join " + room + "\n"
	}
	if _, err := conn.Write([]byte(typed)); err != nil {
		return err
	}
	again := map[string]int{} // where the repetition of each chat is
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		line, prompted := shown(line)
		if prompted && line == "" { // the end of line of a password
			continue
		}
		if said, ok := strings.CutPrefix(line, "* "); ok {
			if err := p.told(said); err != nil {
				return err
			}
			continue
		}
		m, err := p.message(line)
		if err != nil {
			return err
		}
		p.take(m, again)
	}
}

// take takes a message, unless it is repeated.
func (p *person) take(m client.Message, again map[string]int) {
	heard := p.heard[m.Chat]
	at, began := again[m.Chat]
	if !began {
		if at = slices.Index(heard, m.Text); at < 0 {
			at = len(heard)
		}
	}
	if at < len(heard) && heard[at] == m.Text {
		again[m.Chat] = at + 1
		return
	}
	if at < len(heard) { // the repetition leaves something out: the judge sees the message it goes on with twice
		p.took(client.Message{Chat: m.Chat, Sender: m.Sender, Text: heard[at]})
	}
	p.heard[m.Chat] = append(heard, m.Text)
	again[m.Chat] = len(p.heard[m.Chat])
	p.took(m)
}

// negotiation is IAC, a verb and an option: the first two are no UTF-8.
var negotiation = regexp.MustCompile(`(?s)\x{fffd}\x{fffd}.`)

// shown is a line without negotiation and without the prompts before it, which have no end of line.
func shown(line string) (rest string, prompted bool) {
	rest = strings.TrimRight(negotiation.ReplaceAllString(line, ""), "\r\n")
	for _, prompt := range []string{"name: ", "password: "} {
		after, found := strings.CutPrefix(rest, prompt)
		rest, prompted = after, prompted || found
	}
	return rest, prompted
}

// greetings are the beginnings of the server's own lines when all is well.
var greetings = regexp.MustCompile(`^(Welcome |Type your name|Hello, |You are in |\d+ missed |More than |The last messages:|\d{4}-\d\d-\d\d$)`)

var refusals = regexp.MustCompile(`^(room \S+ is (closed|private)|the user or the password is wrong)`)

// told reads a line of the server's own.
func (p *person) told(said string) error {
	switch {
	case greetings.MatchString(said):
		return nil
	case refusals.MatchString(said):
		return refused{"permission_denied", said}
	}
	return errors.New(said)
}

var spoken = regexp.MustCompile(`^\d\d:\d\d (?:\* |([^ :]+)(?: \((private|to ([^)]+))\))?: )(.*)$`)

// message reads a line that is a message.
func (p *person) message(line string) (client.Message, error) {
	parts := spoken.FindStringSubmatch(line)
	if parts == nil {
		return client.Message{}, fmt.Errorf("the line %q is not a message", line)
	}
	m := client.Message{Chat: p.room(), Sender: parts[1], Text: parts[4]}
	other := parts[3]
	if parts[2] == "private" {
		other = m.Sender
	}
	if other == "" {
		return m, nil
	}
	for _, name := range p.chats {
		if name == p.user+":"+other || name == other+":"+p.user {
			m.Chat = name
			return m, nil
		}
	}
	m.Chat = p.user + ":" + other // of another watcher
	return m, nil
}

// places are the positions of acknowledged messages, by their chats and texts.
type places struct {
	mutex sync.Mutex
	all   map[string]int64
}

func (p *places) put(name, text string, position int64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.all == nil {
		p.all = map[string]int64{}
	}
	p.all[name+"\n"+text] = position
}

func (p *places) of(name, text string) int64 {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.all[name+"\n"+text]
}

// listens watches with a person, who moves to the next server when a connection breaks. With comesAndGoes the person also leaves
// after a while, until it is calm.
func (a *audience) listens(name string, p *person, comesAndGoes bool) *watcher {
	w := a.add(name, overTelnet, p.chats)
	w.places = &a.stack.places
	p.took = w.take
	a.group.Go(func() {
		for number := 0; a.ctx.Err() == nil; number++ {
			if err := a.visit(p, number, comesAndGoes); denied(err) {
				a.t.Errorf("the %s: %v", w.name, err)
				return
			} // after any other error the person tries again at the next server
			select {
			case <-time.After(20 * time.Millisecond):
			case <-a.ctx.Done():
			}
		}
	})
	return w
}

func (a *audience) visit(p *person, number int, leaves bool) error {
	ctx, leave := context.WithCancel(a.ctx)
	defer leave()
	if leaves {
		defer time.AfterFunc(50*time.Millisecond+rand.N(400*time.Millisecond), a.unlessCalm(leave)).Stop()
	}
	return p.read(ctx, a.stack.baseOf(overTelnet, number))
}

// listen starts persons in rooms of which every second one is a conversation, as those of stack.rooms. A login with a password is
// dear: with AUTH=on there are fewer of them.
func (a *audience) listen(chats []string) {
	a.t.Helper()
	if !a.stack.auth.On() {
		for i := 0; i < len(chats); i += 2 {
			a.listens("stays", newPerson(fmt.Sprint("a.", i+1), "", chats[i:i+2]), false).steady = true
		}
		a.listens("comes and goes", newPerson("guest", "", chats[4:5]), true)
		slowly := newPerson("snail", "", chats[:1])
		slowly.dial = slow(2 * time.Millisecond).DialContext
		a.listens("reads slowly", slowly, false)
		return
	}
	mine := []string{chats[0]}
	for i := 1; i < len(chats); i += 2 {
		mine = append(mine, chats[i])
	}
	a.listens("stays", a.stack.personOf(a.t, watching, mine), false).steady = true
	slowly := a.stack.personOf(a.t, "bob", chats[2:3])
	slowly.dial = slow(2 * time.Millisecond).DialContext
	a.listens("reads slowly", slowly, false)
	for _, room := range []string{chats[20], chats[len(chats)-2]} {
		a.listens("stays", a.stack.personOf(a.t, "cid", []string{room}), false).steady = true
	}
}

// personOf returns a person with an account, if there are accounts.
func (s *stack) personOf(t *testing.T, user string, chats []string) *person {
	t.Helper()
	switch {
	case !s.auth.On():
		return newPerson(user, "", chats)
	case user != watching:
		return newPerson(user, programtest.Password, chats)
	case !s.registered:
		s.session(t)
	}
	return newPerson(user, password, chats)
}

// locate finds messages that came as lines in the log of their chat. Those that are not there stay as they are.
func locate(lines, log []chat.Message) {
	at := make(map[string]chat.Message, len(log))
	for _, m := range log {
		at[m.Text] = m
	}
	for i, line := range lines {
		if m, ok := at[line.Text]; ok && (line.Sender == "" || line.Sender == m.Sender) {
			lines[i] = m
		}
	}
}
