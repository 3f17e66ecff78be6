package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// The users with AUTH=on: all watchers are one user, who is in all chats. The writers are in all rooms, and the
// stranger in none.
const (
	watching = "ann"
	stranger = "eve"
	password = "the watcher's password"
)

var roomWriters = []string{watching, "bob", "cid"}

// shortTokens are settings of http-servers whose sessions need a new token every two seconds.
const shortTokens = "ACCESS_TOKEN_TTL=2s"

// modes are AUTH=off and AUTH=on.
var modes = []string{"off", "on"}

// eachMode runs a test with AUTH=off and with AUTH=on in the long form. In the short form it runs the modes that the
// test names. DELIVERY_AUTH selects one mode for all tests.
func eachMode(t *testing.T, short []string, test func(*testing.T, *programtest.Auth)) {
	t.Helper()
	chosen := short
	if long() {
		chosen = modes
	}
	if given := os.Getenv("DELIVERY_AUTH"); given != "" {
		chosen = []string{given}
	}
	for _, mode := range chosen {
		if !slices.Contains(modes, mode) {
			t.Fatalf("DELIVERY_AUTH is %q; it is one of %v", mode, modes)
		}
		t.Run("AUTH="+mode, func(t *testing.T) {
			var auth *programtest.Auth
			if mode == "on" {
				auth = programtest.NewAuth(t)
			}
			test(t, auth)
		})
	}
}

// inShort reports whether a test's number is in this mode's half of the short form.
func (s *stack) inShort(number int) bool {
	return long() || os.Getenv("DELIVERY_AUTH") != "" || s.auth.On() == (number%2 == 1)
}

// sender returns the sender of a chat's nth message.
func (s *stack) sender(name string, number int) string {
	first, second, pair := strings.Cut(name, ":")
	switch {
	case !s.auth.On():
		return first
	case pair:
		return []string{first, second}[number%2]
	}
	return roomWriters[number%len(roomWriters)]
}

// closeRooms creates private rooms, and records the positions after their notices.
func (s *stack) closeRooms(t *testing.T, names []string) {
	t.Helper()
	c := s.client(t, watching, strings.Join(s.bases, ","), &http.Transport{MaxIdleConnsPerHost: len(names)})
	programtest.Accounts(t, s.bases[0], append(slices.Clone(roomWriters[1:]), stranger)...)
	var making sync.WaitGroup
	var mutex sync.Mutex
	for _, name := range names {
		if strings.Contains(name, ":") {
			continue
		}
		making.Go(func() {
			begins, err := closeRoom(t.Context(), c, name)
			if err != nil {
				t.Errorf("create %s: %v", name, err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			s.begins[name] = begins
		})
	}
	if making.Wait(); t.Failed() {
		t.FailNow()
	}
}

func closeRoom(ctx context.Context, c *client.Client, name string) (begins int64, err error) {
	if _, err := c.RoomsAs(watching).Create(ctx, client.NewRoom{ID: name, Users: roomWriters[1:]}); err != nil {
		return 0, err
	}
	page, err := c.Pull(ctx, client.PullRequest{Chat: name})
	if err == nil && len(page.Messages) != 1 {
		err = fmt.Errorf("it has %+v, want the notice that it was made", page)
	}
	return page.NextCursor, err
}

// client returns a user's client of these bases, with its own connections. With AUTH=on, programtest.As changes the
// user of a request.
func (s *stack) client(t *testing.T, user, bases string, transport *http.Transport, options ...client.Option) *client.Client {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(bases, &http.Client{Transport: s.auth.Transport(transport, user)}, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// session logs the watcher in with short tokens.
func (s *stack) session(t *testing.T) client.Session {
	t.Helper()
	if !s.auth.On() {
		return client.Session{}
	}
	c := s.client(t, "", strings.Join(s.bases, ","), &http.Transport{})
	if !s.registered {
		if _, err := c.Register(t.Context(), client.Registration{User: watching, Password: password}); err != nil {
			t.Fatal(err)
		}
		s.registered = true
	}
	session, err := c.Login(t.Context(), watching, password)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// login stores a session of the watcher with pullchat, and returns the environment that selects it.
func (s *stack) login(t *testing.T) []string {
	t.Helper()
	if !s.auth.On() {
		return nil
	}
	s.session(t) // registers the watcher
	file := "PULLCHAT_TOKEN_FILE=" + filepath.Join(t.TempDir(), "sessions.json")
	command := programtest.Command(t, "pullchat", "login", watching, "--server", strings.Join(s.bases, ","))
	command.Env = append(command.Env, file)
	command.Stdin = strings.NewReader(password + "\n")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("pullchat login: %v: %s", err, output)
	}
	return []string{file}
}

// refused is a server's error answer, over any transport.
type refused struct{ Code, Message string }

func (r refused) Error() string { return r.Code + ": " + r.Message }

// refusalIn parses the error in an answer, an event or a frame.
func refusalIn(text io.Reader) error {
	var r refused
	if err := json.NewDecoder(text).Decode(&r); err != nil {
		return err
	}
	return r
}

// denied reports whether an error denies access to the user.
func denied(err error) bool {
	answer, ok := errors.AsType[refused](err)
	return ok && slices.Contains([]string{"unauthenticated", "token_invalid", "token_expired", "permission_denied", "not_found"}, answer.Code)
}

// intrude lets a stranger try to watch chats, one by one over each transport, until the audience ends. Over telnet it tries rooms:
// nothing there names other people's conversations.
func (a *audience) intrude(chats []string) {
	a.t.Helper()
	a.intruded = true
	intruder := a.stack.personOf(a.t, stranger, chats[:1])
	intruder.took = func(m client.Message) { a.t.Errorf("telnet: a stranger got %q of %s", m.Text, chats[0]) }
	a.group.Go(func() { a.keepTrying(10*time.Second, overTelnet, intruder.read) }) // a login is dear
	for _, over := range slices.DeleteFunc(slices.Clone(transports), func(over client.Transport) bool { return over == overTelnet }) {
		for _, name := range chats {
			transport := &http.Transport{}
			a.t.Cleanup(transport.CloseIdleConnections)
			r := &trusting{
				over: over, http: &http.Client{Transport: a.stack.auth.Transport(transport, stranger)}, chats: []string{name},
				limit: 10, cursors: map[string]int64{}, token: a.stack.auth.Token(stranger), device: a.stack.newDevice(),
				took: func(m client.Message) { a.t.Errorf("%s: a stranger got %q of %s", transportNames[over], m.Text, name) },
			}
			a.group.Go(func() { a.keepTrying(100*time.Millisecond, over, r.read) })
		}
	}
}

// keepTrying counts refusals until the audience ends.
func (a *audience) keepTrying(pause time.Duration, over client.Transport, read func(context.Context, string) error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for number := 0; ; number++ {
		ctx, leave := context.WithTimeout(a.ctx, 5*time.Second)
		if err := read(ctx, a.stack.baseOf(over, number)); denied(err) {
			a.refusals.Add(1)
		}
		leave()
		select {
		case <-tick.C:
		case <-a.ctx.Done():
			return
		}
	}
}
