package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// arrives types a name and sees the first room, which is empty.
func (s *stack) arrives(t *testing.T, name string) *peer {
	t.Helper()
	p := dial(t, s.TelnetAddr())
	p.sees("* Welcome to Pullchat\r\nname: ")
	p.types(name + "\n")
	p.lines("* Hello, "+name+". /help lists the commands", "* You are in lobby")
	return p
}

func TestLinesHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p := dial(t, s.TelnetAddr())
	for _, b := range []byte("ali\xff\xfb\x1fce\r\x00first\r\nsecond\nthird") { // each in a write of its own
		p.types(string([]byte{b}))
	}
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	p.sees("* Welcome to Pullchat\r\nname: ")
	p.sees("\xff\xfd\x1f")
	p.lines("* Hello, alice. /help lists the commands", "* You are in lobby", "* sent", "* sent", "* sent", "* Bye")
	p.closes()
	page, err := s.domain.Messages.Pull(t.Context(), chat.PullRequest{Chat: "lobby"})
	if err != nil || page.Len() != 3 || page.Messages[2].Text != "third" {
		t.Errorf("the room has %+v, %v; want three messages", page, err)
	}
}

func TestNotSent(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p := s.arrives(t, "alice")
	for _, c := range []struct{ typed, want string }{
		{strings.Repeat("x", 70000), "* Not sent: the line is 70000 bytes; the limit is 65536"},
		{strings.Repeat("x", 4097), "* Not sent: text is 4097 bytes; the limit is 4096"},
		{"a\xc3(", "* Not sent: the line is not valid UTF-8"},
		{"a\xff\xff", "* Not sent: the line is not valid UTF-8"},
		{"  ", "Invalid message"},
		{"/msg bob", "* /msg USER TEXT sends a private message"},
		{"/msg b/b x", `* Not sent: user contains '/'; allowed are letters with their marks, digits and . _ - @ +`},
		{"/join a:b", "* a:b is a two-person chat: /msg USER text sends a private message"},
		{"/history 101", "* /history N shows the last N messages, of 1 to 100"},
		{"/\x1b[2J", `* There is no command /\x1b[2J; /help lists the commands. To send a text that begins with a slash, type //`},
	} {
		p.types(c.typed + "\n")
		p.lines(c.want)
	}
}

// TestNothingIsObeyed: a sender's text cannot move another's cursor, nor forge a line.
func TestNothingIsObeyed(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p := s.arrives(t, "alice")
	q := s.arrives(t, "bob")
	q.types("\x1b]0;title\x07\x1b[2J red \u202e\u2028end\n")
	q.lines("* sent")
	p.lines(`14:05 bob: \x1b]0;title\a\x1b[2J red \u202e\u2028end`)
	s.say(t, "lobby", "carol", "a\r\n* You are in bank\r\n14:05 bob: pay\u0085")
	p.lines(`14:05 carol: a\r\n* You are in bank\r\n14:05 bob: pay\u0085`)
}

func TestMissed(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	s.say(t, "lobby", "carol", "before")
	p := dial(t, s.TelnetAddr())
	p.types("alice\n")
	p.sees("* Welcome to Pullchat\r\nname: ")
	p.lines("* Hello, alice. /help lists the commands", "* You are in lobby", "* The last messages:", "14:05 carol: before")
	p.types("/quit\n")
	p.lines("* Bye")
	_ = p.Close()
	for i := range 150 {
		s.say(t, "lobby", "carol", fmt.Sprint("missed ", i))
	}
	s.say(t, "alice:bob", "bob", "psst")
	page, err := s.domain.Messages.Pull(t.Context(), chat.PullRequest{Chat: "lobby", Limit: 1})
	if err != nil || len(page.Messages) != 1 {
		t.Fatal(page, err)
	}
	await(t, func() bool { // the farewell has moved the cursor, which the arrival had set before the first message
		at, err := s.domain.Live.Read(t.Context(), chat.ReadRequest{Chat: "lobby", Reading: chat.Reading{Reader: "alice/telnet"}})
		return err == nil && at > page.Messages[0].SendTime
	})
	p = dial(t, s.TelnetAddr())
	p.types("alice\n")
	p.sees("* Welcome to Pullchat\r\nname: ")
	p.lines("* Hello, alice. /help lists the commands", "* 1 missed private message:", "14:05 bob (private): psst", "* You are in lobby", "* 150 missed messages:")
	for i := range 150 {
		p.lines(fmt.Sprint("14:05 carol: missed ", i))
	}
	s.say(t, "lobby", "carol", "now")
	p.lines("14:05 carol: now")
	s.say(t, "bob:alice", "bob", "psst again")
	p.lines("14:05 bob (private): psst again")
}

// TestTheFirstVisit: messages in a room after the first visit count as missed, also if the connection is lost at once.
func TestTheFirstVisit(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"an empty room": 0, "a room with messages": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStack(t, false, nil).run(t)
			for i := range before {
				s.say(t, "lobby", "carol", fmt.Sprint("before ", i))
			}
			p := dial(t, s.TelnetAddr())
			p.types("alice\n")
			s.say(t, "lobby", "carol", "first")
			for line := ""; !strings.HasSuffix(line, "first\r\n"); {
				var err error
				if line, err = p.read.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			_ = p.Conn.(*net.TCPConn).SetLinger(0) // a reset: nothing says that the line was read
			_ = p.Close()
			const more = 30
			for i := range more {
				s.say(t, "lobby", "carol", fmt.Sprint("missed ", i))
			}
			p = dial(t, s.TelnetAddr())
			p.types("alice\n")
			p.sees("* Welcome to Pullchat\r\nname: ")
			p.lines("* Hello, alice. /help lists the commands", "* You are in lobby", fmt.Sprintf("* %d missed messages:", before+1+more))
		})
	}
}

// TestOwnPrivateMessages: messages that the user has sent and read elsewhere are not shown as new.
func TestOwnPrivateMessages(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	s.say(t, "alice:bob", "alice", "said elsewhere")
	if _, err := s.domain.Live.Read(t.Context(), chat.ReadRequest{Chat: "alice:bob", Reading: chat.Reading{Reader: "alice"}, End: true}); err != nil {
		t.Fatal(err)
	}
	p := s.arrives(t, "alice")
	s.say(t, "alice:bob", "bob", "now")
	p.lines("14:05 bob (private): now")
}

// noUnread is inboxes whose unread messages cannot be read.
type noUnread struct{ inboxes }

type inboxes interface {
	chat.Inboxes
	chat.Readers
}

func (noUnread) Unread(context.Context, chat.UnreadRequest) (chat.UnreadPage, error) {
	return chat.UnreadPage{}, chat.Errorf(chat.Unavailable, "Redis is away")
}

// TestWithoutPrivateMessages: a user does not wait for private messages that would never be shown.
func TestWithoutPrivateMessages(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil)
	s.services.Inboxes = noUnread{s.services.Inboxes}
	s.run(t)
	p := dial(t, s.TelnetAddr())
	p.types("alice\n")
	p.sees("* Welcome to Pullchat\r\nname: ")
	p.lines("* Hello, alice. /help lists the commands", "* Redis is away", "* Something went wrong: connect again")
	p.closes()
}

// await waits for a condition.
func await(t *testing.T, met func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.After(patience); !met(); {
		select {
		case <-ticker.C:
		case <-end:
			t.Fatal("it does not come to pass")
		}
	}
}

// TestPasswords: guessing is slowed as over HTTP, and registration may be closed.
func TestPasswords(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, func(c *Config, _ *limits) { c.Registration = "closed" }).run(t)
	s.account(t, "alice")
	for try := range 2 {
		p := dial(t, s.TelnetAddr())
		p.sees("* Welcome to Pullchat\r\nname: ")
		for i := range 3 {
			p.types("alice\nwrong horse\n")
			want := "the user or the password is wrong"
			p.sees("\xff\xfb\x01password: \xff\xfc\x01\r\n")
			got, err := p.read.ReadString('\n')
			if slowed := try == 1; err != nil || strings.Contains(got, "too many wrong passwords; try again in ") != slowed {
				t.Errorf("guess %d of connection %d is answered %q, %v; want %q or that it is slowed", i, try, got, err, want)
			}
			p.sees("name: ")
		}
		p.types("/register\neve\ncorrect horse\ncorrect horse\n")
		p.sees("new name: \xff\xfb\x01new password: \xff\xfc\x01\r\n\xff\xfb\x01the same again: \xff\xfc\x01\r\n")
		p.lines("* registration is closed on this server")
		p.sees("name: ")
		p.types("alice\ncorrect horse\n")
		p.sees("\xff\xfb\x01password: \xff\xfc\x01\r\n")
		if try == 0 {
			p.endsAfter("* too many wrong passwords")
		}
	}
}

// endsAfter sees lines, of which the first has a beginning, and the end.
func (p *peer) endsAfter(begin string) {
	p.t.Helper()
	first, _ := p.read.ReadString('\n')
	if !strings.HasPrefix(first, begin) {
		p.t.Errorf("read %q, want %q…", first, begin)
	}
	p.lines("* No login: the connection is closed")
	p.closes()
}

// logsIn logs a user in whose first room is there.
func (s *stack) logsIn(t *testing.T, user string) *peer {
	t.Helper()
	p := dial(t, s.TelnetAddr())
	p.types(user + "\ncorrect horse\n")
	p.sees("* Welcome to Pullchat\r\n* Type your name, or /register to make an account\r\nname: \xff\xfb\x01password: \xff\xfc\x01\r\n")
	p.lines("* Hello, " + user + ". /help lists the commands")
	return p
}

// TestLogins: a login lasts while the connection does, ends with it, and ends the connection where it is ended elsewhere.
func TestLogins(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, func(c *Config, _ *limits) { c.AccessTokenTTL, c.TelnetRoom = time.Second, "" }).run(t)
	s.account(t, "alice")
	sessions := func() int {
		ids, err := s.store.SessionIDs(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		return len(ids)
	}
	p := s.logsIn(t, "alice")
	p.lines("* You are in no room: /join ROOM enters one")
	began := time.Now()
	for time.Since(began) < 3*time.Second { // three times as long as a login that is not renewed
		p.types("/leave\n")
		p.lines("* You are in no room")
	}
	if got := sessions(); got != 1 {
		t.Errorf("alice has %d sessions, want 1", got)
	}
	p.types("/quit\n")
	p.lines("* Bye")
	p.closes()
	await(t, func() bool { return sessions() == 0 })

	p = s.logsIn(t, "alice")
	p.lines("* You are in no room: /join ROOM enters one")
	err := s.domain.Accounts.ChangePassword(t.Context(), chat.PasswordChange{User: "alice", Password: "correct horse", NewPassword: "another horse"})
	if err != nil {
		t.Fatal(err)
	}
	p.lines("* The login has ended: connect again")
	p.closes()
}

// TestRooms: a private room admits its members, and one who is removed hears nothing more.
func TestRooms(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, func(c *Config, _ *limits) { c.TelnetRoom = "" }).run(t)
	s.account(t, "alice", "bob")
	bob := chat.WithCaller(t.Context(), chat.Caller{User: "bob"})
	if _, err := s.domain.Rooms.CreateRoom(bob, chat.NewRoom{ID: "den", As: "bob"}); err != nil {
		t.Fatal(err)
	}
	s.room(t, "club", "bob")
	p := s.logsIn(t, "alice")
	p.lines("* You are in no room: /join ROOM enters one")
	p.types("/join den\n/join nowhere\n/join club\n")
	p.lines("* room den is closed, and alice is not a member", "* there is no room nowhere; create it with POST /api/rooms",
		"* You are in club", "* The last messages:", "14:05 * bob made this room", "14:05 * alice joined")
	change := func(kind chat.ChangeKind, room string) {
		t.Helper()
		if _, err := s.domain.Rooms.ChangeRoom(bob, chat.RoomChange{Room: room, Kind: kind, Users: []string{"alice"}, As: "bob"}); err != nil {
			t.Fatal(err)
		}
	}
	change(chat.AddMembers, "den")
	p.types("/rooms\n/join den\nhello\n")
	p.lines("* Your rooms: club, den", "* Public rooms: club", "* You are in den", "* The last messages:",
		"14:05 * bob made this room", "14:05 * bob added alice", "* sent")
	change(chat.RemoveMembers, "den")
	p.lines("* You are no longer in den: room den is closed, and alice is not a member")
	s.say(t, "den", "bob", "alone")
	p.types("hello\n/join club\n/leave\n/rooms\n")
	p.lines("* Not sent: you are in no room; /join ROOM enters one", "* You are in club", "* You have left club", "* Your rooms: none", "* Public rooms: club")
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p := s.arrives(t, "alice")
	p.types("/ignore bob\n/ignore\n")
	p.lines("* You ignore bob", "* You ignore: bob")
	s.say(t, "lobby", "bob", "not seen")
	s.say(t, "lobby", "carol", "seen")
	p.lines("14:05 carol: seen")
	p.types("/history\n/unignore bob\n/history 2\n")
	p.lines("* The last messages of lobby:", "14:05 carol: seen", "* End of the last messages", "* You ignore bob no longer",
		"* The last messages of lobby:", "14:05 bob: not seen", "14:05 carol: seen", "* End of the last messages")
}

// TestTimes: silence ends a connection, before and after the login.
func TestTimes(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, func(c *Config, l *limits) { l.login = 300 * time.Millisecond }).run(t)
	p := dial(t, s.TelnetAddr())
	p.sees("* Welcome to Pullchat\r\n* Type your name, or /register to make an account\r\nname: ")
	p.types("alice")
	p.lines("* No login: the connection is closed")
	p.closes()

	s = startStack(t, false, func(c *Config, l *limits) { c.TelnetIdle = 300 * time.Millisecond }).run(t)
	p = s.arrives(t, "alice")
	p.types("\xff\xf1") // is not a line
	p.lines("* The connection is idle and is closed")
	p.closes()
}

// TestAStalledClient: it loses its connection, and delays no other.
func TestAStalledClient(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(_ *Config, l *limits) { l.part = 500 * time.Millisecond }).run(t)
	stalled := s.arrives(t, "mallory")
	_ = stalled.Conn.(*net.TCPConn).SetReadBuffer(1024)
	_ = stalled.SetDeadline(time.Time{})
	p := s.arrives(t, "alice")
	q := s.arrives(t, "bob")
	big := strings.Repeat("x", 4000)
	for range 400 {
		for _, each := range []net.Conn{p, q} { // a deadline for each line, not for all of them
			_ = each.SetDeadline(time.Now().Add(patience))
		}
		q.types(big + "\n")
		q.lines("* sent")
		p.lines("14:05 bob: " + big)
	}
	await(t, func() bool { // by now the server has closed it: a write fails
		_, err := stalled.Write([]byte("\n"))
		return err != nil
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	p := s.arrives(t, "alice")
	q := dial(t, s.TelnetAddr())
	q.sees("* Welcome to Pullchat\r\nname: ")
	stop()
	p.lines("* This server stops: connect again")
	p.closes()
	q.lines("* This server stops: connect again")
	q.closes()
	_ = p.Close()
	_ = q.Close()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(c *Config, _ *limits) { c.TCPAddressConnections = 2 }).run(t)
	first := s.arrives(t, "alice")
	s.arrives(t, "bob")
	p := dial(t, s.TelnetAddr())
	p.lines("* Too many connections; try again later")
	p.closes()
	first.types("/quit\n")
	first.lines("* Bye")
	_ = first.Close()
	await(t, func() bool {
		p := dial(t, s.TelnetAddr())
		defer p.Close()
		got, _ := p.read.ReadString('\n')
		return got == "* Welcome to Pullchat\r\n"
	})
}

// TestTLS: a client with TLS has the same, and one without gets nothing.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := writeCertificate(t)
	s := startStack(t, false, func(c *Config, _ *limits) { c.TLSCert, c.TLSKey = cert, key }).run(t)
	conn, err := tls.Dial("tcp", s.TelnetAddr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, conn)
	p.types("alice\nhello\n/quit\n")
	p.sees("* Welcome to Pullchat\r\nname: ")
	p.lines("* Hello, alice. /help lists the commands", "* You are in lobby", "* sent", "* Bye")
	p.closes()
	plain := dial(t, s.TelnetAddr())
	plain.types("alice\n")
	if got, _ := plain.read.ReadString(' '); strings.Contains(got, "Welcome") {
		t.Errorf("a client without TLS reads %q", got)
	}
}

// TestReload: a rate that is set while clients are connected counts at once.
func TestReload(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p := s.arrives(t, "alice")
	for range 3 {
		p.types("hello\n")
		p.lines("* sent")
	}
	next := s.config
	next.RateLimit = ratelimit.Rate{Requests: 1, Per: time.Hour}
	s.Reload(next)
	p.types("hello\nhello\n")
	p.lines("* sent")
	if got, err := p.read.ReadString('\n'); !strings.HasPrefix(got, "* Not sent: more than 1/h requests; try again in ") {
		t.Errorf("beyond the new rate the answer is %q, %v", got, err)
	}
}
