package access

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/tcp-server/telnet"
)

// telnetColumns are the callers with a password, and the anonymous caller, who types a wrong one. There are neither tokens nor
// services over telnet, and a user cannot act in the name of another.
var telnetColumns = []caller{anonymous, other, stranger, removed, member, admin}

// telnetPolicy has the outcome of requests over telnet for each caller. A request is a list of typed lines, with semicolons between: the first
// line that is refused decides. "say" is a text to the room. The rows of the shared scene are one session of each caller, in this order.
const telnetPolicy = `
in   command  no   other out  gone in   admin typed

# Outside of a room nothing is said, shown or left.
same say      pwd  400   400  400  400  400   hi
same history  pwd  400   400  400  400  400   /history
same who      pwd  400   400  400  400  400   /who
same leave    pwd  400   400  400  400  400   /leave

# The private room is listed for those who are in it, and an inbox is the user's own.
same rooms    pwd  ok*   ok   ok   ok*  ok*   /rooms
same inbox    pwd  ok*   ok   ok   ok*  ok*   /inbox

# The private room. Its last messages are shown where it is entered.
same join     pwd  ok*   403  403  ok*  ok*   /join {room}
same history  pwd  ok*   403  403  ok*  ok*   /join {room}; /history 100
same who      pwd  ok    403  403  ok   ok    /join {room}; /who
own  say      pwd  ok    403  403  ok   ok    /join {room}; hi
own  leave    pwd  ok    403  403  ok   ok    /join {room}; /leave

# A chat of two has no other people: no command names one.
same join     pwd  400   400  400  400  400   /join {pair}

same msg      pwd  ok    ok   ok   ok   ok    /msg zed hi
same ignore   pwd  ok    ok   ok   ok   ok    /ignore zed
same unignore pwd  ok    ok   ok   ok   ok    /unignore zed
same help     pwd  ok    ok   ok   ok   ok    /help
same quit     pwd  ok    ok   ok   ok   ok    /quit
`

// refusals are the lines of a refusal, by their code in the tables.
var refusals = map[string]*regexp.Regexp{
	"pwd": regexp.MustCompile(`^\* the user or the password is wrong$`),
	"403": regexp.MustCompile(`^\* room \S+ is (closed|private)`),
	"400": regexp.MustCompile(`^\* (You are in no room|Not sent: you are in no room|\S+ is a two-person chat)`),
}

// TestTelnet tries telnetPolicy over connections of people.
func TestTelnet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addr := w.startTCP(t).TelnetAddr()
	rows := rowsOf(t, telnetPolicy, telnetColumns, 1)
	complete(t, "command", rows, append(telnet.Commands(), "say"))
	w.hasRead(t, w.shared)
	sessions := map[string]*typist{} // by the user, but for the one without a password: a login is dear
	for _, r := range rows {
		for _, by := range telnetColumns {
			in, before := w.shared, ""
			switch {
			case r.scene != "same" && allowed(r.want[by]):
				in = w.another(t)
				w.hasRead(t, in)
			case !allowed(r.want[by]):
				before = w.said(t, in)
			}
			user, typed := in.name(by), password
			if by == anonymous {
				user, typed = in.name(admin), "wrong horse"
			}
			one := sessions[user+typed]
			if one == nil {
				one = newTypist(t, addr, user, typed)
				sessions[user+typed] = one
			}
			request := w.fill(t, r.request, in, by)
			got := one.types(strings.Split(request, "; "))
			if told(got, request, in) {
				got.outcome += "*"
			}
			if got.outcome != r.want[by] {
				t.Errorf("%s by %q = %s, want %s; the answer is %s", request, by, got.outcome, r.want[by], got.body)
			}
			if before != "" {
				if after := w.said(t, in); after != before {
					t.Errorf("%s by %q is refused, and has changed %s to %s", request, by, before, after)
				}
			}
		}
	}
}

// hasRead marks the chat of two as read, so that it is not shown after a login.
func (w *world) hasRead(t *testing.T, in scene) {
	t.Helper()
	for _, c := range []caller{admin, member} {
		w.asService(t, "POST", "/api/read", fmt.Sprintf(`{"chat":%q,"reader":%q,"cursor":"end"}`, in.pair(), in.name(c)))
	}
}

// said returns what a refused line could change: the messages, and the members of the room. Cursors are not in it, because they
// move some time after an allowed line.
func (w *world) said(t *testing.T, in scene) (all string) {
	t.Helper()
	for _, target := range []string{"rooms/" + in.room(), "pull?limit=100&chat=" + in.room(), "pull?limit=100&chat=" + in.pair()} {
		all += w.asService(t, "GET", "/api/"+target, "")
	}
	return all
}

// typist is one telnet connection.
type typist struct {
	t       *testing.T
	conn    net.Conn
	shown   *bufio.Scanner
	refused answer // the answer to a wrong password
}

// newTypist logs in.
func newTypist(t *testing.T, addr net.Addr, user, password string) *typist {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &typist{t: t, conn: conn, shown: bufio.NewScanner(conn)}
	_, _ = fmt.Fprintf(conn, "%s\r\n%s\r\n", user, password)
	for {
		switch said := p.next(); {
		case refusals["pwd"].MatchString(said):
			p.refused = answer{"pwd", said}
			return p
		case strings.HasPrefix(said, "* Hello, "):
			p.say("") // events after the login are no answer
			return p
		}
	}
}

// types types lines. The answer is the output after the last of them, or after the first that is refused.
func (p *typist) types(lines []string) (got answer) {
	p.t.Helper()
	if p.refused.outcome != "" {
		return p.refused
	}
	for _, line := range lines {
		if got = p.say(line); got.outcome != "ok" {
			return got
		}
	}
	return got
}

// say types a line, and reads the output up to the answer to the next one.
func (p *typist) say(line string) answer {
	p.t.Helper()
	if line != "" {
		_, _ = fmt.Fprintf(p.conn, "%s\r\n", line)
	}
	_, _ = fmt.Fprint(p.conn, "/end\r\n")
	got := answer{outcome: "ok"}
	for {
		said := p.next()
		if strings.HasPrefix(said, "* There is no command /end") {
			return got
		}
		got.body += said + "\n"
		for outcome, refused := range refusals {
			if refused.MatchString(said) {
				got.outcome = outcome
			}
		}
		if line == "/quit" && said == "* Bye" {
			return got
		}
	}
}

// next returns the next line without the prompts and the negotiation before it.
func (p *typist) next() string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if !p.shown.Scan() {
		p.t.Fatalf("no line comes: %v", p.shown.Err())
	}
	line := strings.TrimRight(p.shown.Text(), "\r")
	if star := strings.Index(line, "* "); star >= 0 && (strings.HasPrefix(line, "name: ") || strings.Contains(line[:star], "\xff")) {
		return line[star:]
	}
	return line
}
