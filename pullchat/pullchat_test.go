package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// binary is the command, built once. state is a folder for its sessions.
var binary, state string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	programs, remove, err := programtest.Programs()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	if state, err = os.MkdirTemp("", "pullchat-state-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(state) }()
	binary = filepath.Join(programs, "pullchat")
	return m.Run()
}

// command is the command with an environment of its own: nothing of the test's configures it.
func command(t testing.TB, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	programtest.NeedPrograms(t)
	c := exec.Command(binary, args...)
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "XDG_STATE_HOME=" + state,
	}, environment...)
	return c
}

// TestVersion: every program says the same build, each with its name; flags before the command do not change it.
func TestVersion(t *testing.T) {
	t.Parallel()
	of := func(program string, args ...string) string {
		t.Helper()
		c := command(t, nil, args...)
		c.Path = filepath.Join(filepath.Dir(binary), program)
		output, err := c.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", program, args, err)
		}
		build, named := strings.CutPrefix(string(output), program+" ")
		if !named {
			t.Errorf("%s %q = %q, want its name first", program, args, output)
		}
		return build
	}
	want := of("pullchat", "version")
	if !strings.Contains(want, runtime.Version()) || strings.Count(want, "\n") != 1 {
		t.Errorf("pullchat version = %q, want one line with %s", want, runtime.Version())
	}
	for _, c := range [][]string{{"pullchat", "--version"}, {"pullchat", "--version", "ready"}, {"http-server", "--version"}, {"rpc-server", "--version"}} {
		if got := of(c[0], c[1:]...); got != want {
			t.Errorf("%q = %q, want as pullchat version: %q", c, got, want)
		}
	}
}

type result struct {
	out, err string
	status   int
}

// invoke runs the command to its end.
func invoke(t *testing.T, environment []string, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := command(t, environment, args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("pullchat %q: %v", args, err)
	}
	return result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// server is `pullchat serve` as a process.
type server struct {
	*exec.Cmd
	base string
	out  bytes.Buffer
	log  *bufio.Scanner
}

// serveProcess starts one on free ports and waits until it listens. It ends with the test.
func serveProcess(t *testing.T, environment ...string) *server {
	t.Helper()
	s := &server{Cmd: command(t, append([]string{"HTTP_ADDR=127.0.0.1:0", "RPC_ADDR=127.0.0.1:0", "LOG_FORMAT=json"}, environment...), "serve")}
	s.Stdout = &s.out
	log, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Process.Kill()
		_ = s.Wait()
	})
	s.log = bufio.NewScanner(log)
	for s.log.Scan() {
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
			t.Fatalf("the log has %q: %v", s.log.Text(), err)
		}
		if line.Msg == "http-server listens" {
			s.base = "http://" + line.Addr
			go func() { // its later log is not read
				for s.log.Scan() {
				}
			}()
			return s
		}
	}
	t.Fatalf("pullchat serve ended before it listened: %s", &s.out)
	return nil
}

func (s *server) environment() []string { return []string{"PULLCHAT_SERVER=" + s.base} }

func TestSendAndPull(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	sent := invoke(t, s.environment(), "", "send", "alice:bob", "hello", "--sender", "alice", "--id", "1")
	var receipt client.Receipt
	if err := json.Unmarshal([]byte(sent.out), &receipt); err != nil || sent.status != 0 || sent.err != "" || receipt.SendTime == 0 || receipt.Duplicate {
		t.Fatalf("send = %+v, want a receipt as JSON", sent)
	}
	again := invoke(t, s.environment(), "", "send", "alice:bob", "hello", "--sender", "alice", "--id", "1")
	if want := fmt.Sprintf("{\"send_time\":%d,\"duplicate\":true}\n", receipt.SendTime); again.out != want || again.status != 0 {
		t.Errorf("send again = %+v, want %s", again, want)
	}
	piped := invoke(t, s.environment(), "from\nstandard input\n\n", "send", "alice:bob", "-", "--sender", "bob")
	if piped.status != 0 {
		t.Fatalf("send - = %+v, want success", piped)
	}
	if got := invoke(t, s.environment(), "", "send", "alice:bob", "3", "--sender=bob", "--server", s.base); got.status != 0 {
		t.Fatalf("send --server = %+v, want success", got)
	}

	pulled := invoke(t, s.environment(), "", "pull", "bob:alice")
	messages := jsonLines(t, pulled.out)
	// One newline is the shell's; the rest is the text.
	if want := []string{"hello", "from\nstandard input\n", "3"}; !slices.Equal(texts(messages), want) || pulled.status != 0 || pulled.err != "" {
		t.Fatalf("pull = %+v, want %q", pulled, want)
	}
	want := client.Message{Chat: "bob:alice", Text: "hello", Sender: "alice", ID: "1", SendTime: receipt.SendTime}
	if messages[0] != want {
		t.Errorf("pull begins with %+v, want %+v", messages[0], want)
	}

	for _, c := range []struct {
		name string
		args []string
		want []string
		more string // said on standard error
	}{
		{"a page", []string{"--limit", "2"}, []string{"hello", "from\nstandard input\n"}, fmt.Sprintf("there is more: --cursor %d continues, --all reads everything\n", messages[2].SendTime)},
		{"the newest", []string{"--limit", "1", "--reverse"}, []string{"3"}, fmt.Sprintf("there is more: --cursor %d continues, --all reads everything\n", messages[1].SendTime)},
		{"from a cursor", []string{fmt.Sprint("--cursor=", messages[1].SendTime)}, []string{"from\nstandard input\n", "3"}, ""},
		{"back from a cursor", []string{"--reverse", fmt.Sprint("--cursor=", messages[1].SendTime)}, []string{"from\nstandard input\n", "hello"}, ""},
		{"all pages", []string{"--all", "--limit", "1"}, []string{"hello", "from\nstandard input\n", "3"}, ""},
		{"all pages, newest first", []string{"--all", "--limit", "1", "--reverse"}, []string{"3", "from\nstandard input\n", "hello"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := invoke(t, s.environment(), "", append([]string{"pull", "alice:bob"}, c.args...)...)
			if !slices.Equal(texts(jsonLines(t, got.out)), c.want) || got.err != c.more || got.status != 0 {
				t.Errorf("pull %q = %+v, want %q and %q", c.args, got, c.want, c.more)
			}
		})
	}
	page := invoke(t, s.environment(), "", "pull", "alice:bob", "--page", "--limit=1")
	one, _ := json.Marshal(messages[0])
	one = bytes.Replace(one, []byte("bob:alice"), []byte("alice:bob"), 1)
	if want := fmt.Sprintf("{\"messages\":[%s],\"has_more\":true,\"next_cursor\":%d}\n", one, messages[1].SendTime); page != (result{out: want}) {
		t.Errorf("pull --page = %+v, want %s", page, want)
	}
	all := invoke(t, s.environment(), "", "pull", "alice:bob", "--page", "--all", "--limit=2")
	if last := fmt.Sprintf("\"has_more\":false,\"next_cursor\":%d}\n", messages[2].SendTime+1); strings.Count(all.out, "\n") != 2 || !strings.HasSuffix(all.out, last) || all.err != "" {
		t.Errorf("pull --page --all = %+v, want two pages, with %s", all, last)
	}
	if got := invoke(t, s.environment(), "", "pull", "nobody", "--page"); got.out != "{\"messages\":[],\"has_more\":false,\"next_cursor\":0}\n" {
		t.Errorf("pull --page of an empty chat = %+v, want an empty page", got)
	}
	if got := invoke(t, s.environment(), "", "pull", "nobody"); got != (result{}) {
		t.Errorf("pull of an empty chat = %+v, want nothing", got)
	}
	if got := invoke(t, s.environment(), "", "ready"); got != (result{out: "{\"status\":\"ready\"}\n"}) {
		t.Errorf("ready = %+v, want that it is", got)
	}
}

func jsonLines(t *testing.T, out string) (messages []client.Message) {
	t.Helper()
	for line := range strings.Lines(out) {
		var m client.Message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("the output has %q: %v", line, err)
		}
		messages = append(messages, m)
	}
	return messages
}

func texts(messages []client.Message) (texts []string) {
	for _, m := range messages {
		texts = append(texts, m.Text)
	}
	return texts
}

func TestExitStatusOfCommands(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	// Its Redis is not there: it answers, and is not ready.
	lame := serveProcess(t, "REDIS_URL=redis://127.0.0.1:1")
	for _, c := range []struct {
		name        string
		environment []string
		args        []string
		status      int
		says        string // on standard error
	}{
		{"refused", s.environment(), []string{"send", "alice:bob", "hello", "--sender", "carol"}, 2, "pullchat: invalid_argument: "},
		{"refused, empty", s.environment(), []string{"send", "alice:bob", "", "--sender", "alice"}, 2, "pullchat: invalid_argument: text is empty"},
		{"refused, pull", s.environment(), []string{"pull", "a:b:c"}, 2, "pullchat: invalid_argument: "},
		{"refused, all", s.environment(), []string{"pull", "a:b:c", "--all"}, 2, "pullchat: invalid_argument: "},
		{"no route", []string{"PULLCHAT_SERVER=" + s.base + "/elsewhere"}, []string{"ready"}, 2, "pullchat: not_found: "},
		{"nobody there", []string{"PULLCHAT_SERVER=http://127.0.0.1:1"}, []string{"ready"}, 1, "connection refused"},
		{"nobody there to send to", []string{"PULLCHAT_SERVER=http://127.0.0.1:1"}, []string{"send", "a", "b", "--sender", "c", "--no-retry"}, 1, "connection refused"},
		{"nobody there to pull from", []string{"PULLCHAT_SERVER=http://127.0.0.1:1"}, []string{"pull", "a", "--all", "--retries=1"}, 1, "connection refused (after 2 attempts)"},
		{"not ready", lame.environment(), []string{"ready"}, 1, "pullchat: unavailable: redis does not answer"},
		{"no URL", []string{"PULLCHAT_SERVER=ftp://localhost"}, []string{"ready"}, 1, `server "ftp://localhost" is not a URL`},
		{"two servers for a benchmark", nil, []string{"bench", "send", "--server=a,b"}, 1, "bench puts load on one server"},
		{"negative retries", nil, []string{"pull", "a", "--retries=-1"}, 80, "--retries must not be negative"},
		{"no time", nil, []string{"ready", "--timeout=0s"}, 80, "--timeout must be positive"},
		{"two forms", nil, []string{"pull", "a", "--json", "--raw"}, 80, "--json and --raw"},
		{"a page for people", nil, []string{"pull", "a", "--page", "--raw"}, 80, "--page and --raw"},
		{"no sender", s.environment(), []string{"send", "a", "b"}, 80, "the sender is missing: give --sender=NAME, or log in"},
		{"no chat", s.environment(), []string{"pull"}, 80, `expected "<chat>"`},
		{"no command", nil, nil, 80, "expected one of"},
		{"another command", nil, []string{"sned"}, 80, "sned"},
		{"another flag", nil, []string{"ready", "--sender=a"}, 80, "unknown flag --sender"},
		{"no number", nil, []string{"pull", "a", "--limit=many"}, 80, "--limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := invoke(t, c.environment, "", c.args...)
			if got.status != c.status || !strings.Contains(got.err, c.says) || got.out != "" {
				t.Errorf("pullchat %q = %+v, want status %d and %q", c.args, got, c.status, c.says)
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   error
		want int
	}{
		{&client.Error{Status: http.StatusBadRequest}, 2},
		{&client.Error{Status: http.StatusConflict}, 2},
		{fmt.Errorf("wrapped: %w", &client.Error{Status: http.StatusNotFound}), 2},
		{&client.Error{Status: http.StatusTooManyRequests}, 1},
		{&client.Error{Status: http.StatusInternalServerError}, 1},
		{&client.Error{Status: http.StatusServiceUnavailable}, 1},
		{io.ErrUnexpectedEOF, 1},
		{faultsFound{left: 2}, 3},
	} {
		if got := exitStatus(c.in); got != c.want {
			t.Errorf("exitStatus(%#v) = %d, want %d", c.in, got, c.want)
		}
	}
}

func TestServeSaysWhatToTry(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
	addr := strings.TrimPrefix(s.base, "http://")
	for _, want := range []string{
		"an embedded Redis, in memory: messages are gone when it stops (--data DIR keeps them)",
		"curl " + addr + `/api/send --json '{"chat":"alice:bob","sender":"alice","text":"hello"}'`,
		"curl '" + addr + "/api/pull?chat=alice:bob'",
	} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("serve says %q, want %q in it", &s.out, want)
		}
	}
}

func TestServeRefusesMalformedValues(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, c := range []struct {
		variable string
		status   int
		says     string
	}{
		{"MAX_BODY_BYTES=many", 80, "MAX_BODY_BYTES"},
		{"MAX_BODY_BYTES=0", 80, "--max-body-bytes is 0; it must be at least 1"},
		{"DRAIN_DELAY=5", 80, "DRAIN_DELAY"},
		{"DRAIN_DELAY=-5s", 80, "--drain-delay is -5s"},
		{"MAX_LIMIT=9", 80, "--max-limit is 9"},
		{"MAX_LIMIT=9999999999999999999", 80, "MAX_LIMIT"},
		{"DEFAULT_LIMIT=-1", 80, "--default-limit is -1"},
		{"RETENTION=week", 80, "RETENTION"},
		{"IDEMPOTENCY_WINDOW=-1h", 80, "--idempotency-window is -1h"},
		{"LOG_LEVEL=loud", 80, `"loud" is not a level: use debug, info, warn or error`},
		{"LOG_FORMAT=xml", 80, "--log-format"},
		{"HTTP_ADDR=127.0.0.1", 1, "http-addr"},
		{"HTTP_ADDR=" + taken.Addr().String(), 1, "http-addr: listen tcp " + taken.Addr().String()},
		{"RPC_ADDR=127.0.0.1:port", 1, "rpc-addr"},
		{"REDIS_URL=redis://user:hunter2@127.0.0.1:port", 1, "redis-url"},
		{"REDIS_URL=http://user:hunter2@127.0.0.1", 1, "redis-url"},
		{"REDIS_URL=redis://user:hunter2@127.0.0.1/zero", 1, "redis-url"},
		{"REDIS_URL=user:hunter2@127.0.0.1:6379", 1, "redis-url"},
		{"REDIS_URL=redis://user:%zzhunter2@127.0.0.1", 1, "redis-url"},
	} {
		t.Run(c.variable, func(t *testing.T) {
			got := invoke(t, []string{"HTTP_ADDR=127.0.0.1:0", "RPC_ADDR=127.0.0.1:0", c.variable}, "", "serve")
			if got.status != c.status || !strings.Contains(got.err, c.says) || strings.Contains(got.err+got.out, "hunter2") {
				t.Errorf("%s pullchat serve = %+v, want status %d and %q, without the password", c.variable, got, c.status, c.says)
			}
		})
	}
}

// TestCommandFirst: flags may stand before the command.
func TestCommandFirst(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"users":                            "users",
		"--server a users b":               "users b --server a",
		"--server=a --json rooms list":     "rooms list --server=a --json",
		"-v send a:b -- -text":             "send a:b -v -- -text",
		"--help":                           "--help",
		"--server a":                       "--server a",
		"send --server a room text":        "send --server a room text",
		"--no-retry --timeout 3s pull a:b": "pull a:b --no-retry --timeout 3s",
	} {
		if got := strings.Join(commandFirst(strings.Fields(in)), " "); got != want {
			t.Errorf("commandFirst(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"serve", "send", "pull", "ready", "Exit status: 0 success", "in-memory Redis unless REDIS_URL is set"}},
		{[]string{"serve", "--help"}, []string{
			"--http-addr", "$HTTP_ADDR", "Default: 127.0.0.1:8080", "--rpc-addr", "$RPC_ADDR", "Default: 127.0.0.1:8888",
			"--redis-url", "$REDIS_URL", "Empty runs an embedded Redis", "$DEFAULT_LIMIT", "Default: 10.", "$MAX_LIMIT", "Default: 100.",
			"$MAX_TEXT_BYTES", "Default: 4096", "$RETENTION", "$MAX_CHAT_MESSAGES", "$IDEMPOTENCY_WINDOW", "Default: 24h",
			"$MAX_BODY_BYTES", "Default: 65536", "$DRAIN_DELAY", "$LOG_LEVEL", "Default: info", "$LOG_FORMAT", "Default: auto",
		}},
		{[]string{"send", "--help"}, []string{
			"--server", "$PULLCHAT_SERVER", "Default: http://127.0.0.1:8080", "--timeout", "Default: 10s", "--retries", "stored once. Default: 9.",
			"--no-retry", "-v, --verbose", "--sender", "--id", "standard input",
		}},
		{[]string{"pull", "--help"}, []string{"--cursor", "--limit", "--reverse", "--all", "--json", "--page", "next_cursor", "--raw", "Default: 9."}},
		{[]string{"rooms", "--help"}, []string{"rooms create team --name", "rooms list", "rooms delete", "For admins, like the commands below"}},
		{[]string{"rooms", "create", "--help"}, []string{"--as", "--member", "--public", "--private", "Default: 9."}},
		{[]string{"ready", "--help"}, []string{"stored once. Default: 0."}},
		{[]string{"check", "--help"}, []string{"--redis-url", "$REDIS_URL", "--repair", "--state", "--json", "Default: 24h", "3 faults were found"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			got := invoke(t, nil, "", c.args...)
			// Lines are broken where they are too long.
			said := strings.Join(strings.Fields(got.out), " ")
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("pullchat %q = %+v, want %q in it", c.args, got, want)
				}
			}
			if got.status != 0 || got.err != "" {
				t.Errorf("pullchat %q = status %d and %q, want 0", c.args, got.status, got.err)
			}
		})
	}
}
