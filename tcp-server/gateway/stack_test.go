package gateway

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/names"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test.
const patience = 30 * time.Second

// noon is the time of every message.
var noon = time.Date(2026, 11, 28, 14, 5, 0, 0, time.UTC)

// stack is a tcp-server over a domain in memory.
type stack struct {
	*Server
	store  *chattest.Store
	domain chattest.Domain
	keys   *token.Keys
}

func testConfig() Config {
	return Config{
		Endpoints: Endpoints{TelnetAddr: "127.0.0.1:0", TelnetRoom: "lobby", TelnetIdle: time.Hour, SendsConfirmed: "short", DeviceAddr: "127.0.0.1:0", DeviceIdle: time.Hour},
		Trust:     Trust{Auth: "off", AccessTokenTTL: time.Hour, Registration: "open", LoginRate: ratelimit.Rate{Requests: 3, Per: time.Hour}},
	}
}

const secret = "a secret of 32 bytes and some more"

// startStack starts a tcp-server. change may change its configuration first, and its limits.
func startStack(t *testing.T, auth bool, change func(*Config, *limits)) *stack {
	t.Helper()
	options := conformance.DomainOptions(conformance.Options{Clock: conformance.NewClock()})
	options.Access = chat.Access{Required: auth, Names: names.Rules{}}
	store := chattest.NewStore(chattest.StoreOptions{Clock: func() time.Time { return noon }})
	domain := chattest.NewDomain(store, options)
	config := testConfig()
	if auth {
		config.Auth, config.Token.AuthSecret = "on", secret
	}
	l := limits{login: patience, part: patience, now: func() time.Time { return noon }, keepAlive: keepAlive}
	var connections atomic.Int64
	l.newID = func() string { return fmt.Sprint("CONNECTION", connections.Add(1)) }
	if change != nil {
		change(&config, &l)
	}
	server, err := Listen(config, domain.Services(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server.limits = l
	keys, err := token.FromSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &stack{server, store, domain, keys}
}

// run runs the server until the test ends.
func (s *stack) run(t *testing.T) *stack {
	t.Helper()
	chattest.Run(t, s)
	return s
}

// say stores a message of a user.
func (s *stack) say(t *testing.T, name, sender, text string) {
	t.Helper()
	by := chat.WithCaller(t.Context(), chat.Caller{User: sender})
	if s.config.Auth != authOn {
		by = t.Context()
	}
	if _, err := s.domain.Messages.Send(by, chat.Message{Chat: name, Sender: sender, Text: text}); err != nil {
		t.Fatal(err)
	}
}

// account makes an account with the password "correct horse".
func (s *stack) account(t *testing.T, users ...string) {
	t.Helper()
	for _, user := range users {
		if _, err := s.domain.Accounts.Register(t.Context(), chat.Registration{User: user, Password: "correct horse"}); err != nil {
			t.Fatal(err)
		}
	}
}

// room makes a public room of a user.
func (s *stack) room(t *testing.T, id, user string) {
	t.Helper()
	_, err := s.domain.Rooms.CreateRoom(chat.WithCaller(t.Context(), chat.Caller{User: user}), chat.NewRoom{ID: id, As: user, Visibility: chat.Public})
	if err != nil {
		t.Fatal(err)
	}
}

// peer is a client's end of a connection.
type peer struct {
	net.Conn
	t    *testing.T
	read *bufio.Reader
}

func dial(t *testing.T, addr net.Addr) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, conn)
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &peer{conn, t, bufio.NewReader(conn)}
}

// types writes text as it is.
func (p *peer) types(text string) {
	p.t.Helper()
	if _, err := p.Write([]byte(text)); err != nil {
		p.t.Fatalf("write %q: %v", text, err)
	}
}

// sees fails the test unless exactly this comes next.
func (p *peer) sees(want string) {
	p.t.Helper()
	got := make([]byte, 0, len(want))
	for len(got) < len(want) {
		b, err := p.read.ReadByte()
		if err != nil {
			p.t.Fatalf("read %q, then %v; want %q", got, err, want)
		}
		if got = append(got, b); !strings.HasPrefix(want, string(got)) {
			more, _ := p.read.Peek(p.read.Buffered())
			p.t.Fatalf("read %q and %q, want %q", got, more, want)
		}
	}
}

// lines is sees of lines.
func (p *peer) lines(want ...string) {
	p.t.Helper()
	p.sees(strings.Join(want, "\r\n") + "\r\n")
}

// closes fails the test unless the connection ends now.
func (p *peer) closes() {
	p.t.Helper()
	if b, err := p.read.ReadByte(); err == nil {
		more, _ := p.read.Peek(p.read.Buffered())
		p.t.Fatalf("read %q and %q, want the end", b, more)
	}
}
