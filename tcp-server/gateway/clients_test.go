package gateway

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// needed reports whether programs are there. CI may lack them.
func needed(t *testing.T, programs ...string) bool {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("NOT TESTED: there is no %s", program)
			return false
		}
	}
	return true
}

// client runs a program with an input, and returns its output.
func client(t *testing.T, input string, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Stdin = strings.NewReader(input)
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v: %s", program, err, output)
	}
	return string(output)
}

// session types a user's input at a terminal, and expects its output.
const session = `
set timeout 20
proc sees {text} { expect -ex $text {} timeout { puts "NOT SEEN: $text"; exit 1 } eof { puts "ENDED BEFORE: $text"; exit 1 } }
spawn -noecho telnet {HOST} {PORT}
sees "name: "
send "alice\r"
sees "password: "
send "correct horse\r"
sees "You are in lobby"
send "gr\u00fc\u00dfe\r"
sees "* sent"
send "/history 1\r"
sees "alice: gr\u00fc\u00dfe"
send "/quit\r"
sees "* Bye"
expect eof
`

// TestTheTelnetClient drives Debian's telnet at a terminal: the password is not shown, and later input is.
func TestTheTelnetClient(t *testing.T) {
	t.Parallel()
	if !needed(t, "telnet", "expect") {
		return
	}
	s := startStack(t, true, nil).run(t)
	s.account(t, "carol", "alice")
	s.room(t, "lobby", "carol")
	host, port, err := net.SplitHostPort(s.TelnetAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer("{HOST}", host, "{PORT}", port).Replace(session)
	shown := client(t, "", "env", "LC_ALL=C.UTF-8", "TERM=dumb", "expect", "-c", script)
	if strings.Contains(shown, "correct horse") {
		t.Errorf("the password is shown: %q", shown)
	}
	if strings.Count(shown, "grüße") != 2 { // as it is typed, and in the history
		t.Errorf("the terminal shows %q, want the typed line and the history", shown)
	}
}

// TestOtherClients runs netcat, and openssl where TLS is on, with their input from a pipe.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	const typed, want = "alice\nhello\n/history 1\n", "alice: hello\r\n* End of the last messages\r\n* Bye\r\n"
	t.Run("nc", func(t *testing.T) {
		t.Parallel()
		if !needed(t, "nc") {
			return
		}
		s := startStack(t, false, nil).run(t)
		host, port, _ := net.SplitHostPort(s.TelnetAddr().String())
		if shown := client(t, typed, "nc", "-N", host, port); !strings.HasSuffix(shown, want) {
			t.Errorf("nc prints %q, want %q at the end", shown, want)
		}
		_, port, _ = net.SplitHostPort(s.DeviceAddr().String())
		if shown := client(t, "Ping\n", "nc", "-N", host, port); shown != "Pong\n" {
			t.Errorf("nc prints %q to a device, want Pong", shown)
		}
	})
	t.Run("openssl", func(t *testing.T) {
		t.Parallel()
		if !needed(t, "openssl") {
			return
		}
		certFile, keyFile := writeCertificate(t)
		s := startStack(t, false, func(c *Config, _ *limits) { c.TLSCert, c.TLSKey = certFile, keyFile }).run(t)
		shown := client(t, typed+"/quit\n", "openssl", "s_client", "-quiet", "-verify_quiet", "-connect", s.TelnetAddr().String())
		if !strings.Contains(shown, want) {
			t.Errorf("openssl s_client prints %q, want %q", shown, want)
		}
	})
}
