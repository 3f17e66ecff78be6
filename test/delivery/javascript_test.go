package delivery

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestJavaScript makes each part of a stack behind nginx fail, while clients/js watches in Node and in Chromium.
func TestJavaScript(t *testing.T) {
	j := newJavaScript(t)
	eachMode(t, modes, func(t *testing.T, auth *programtest.Auth) {
		redis := redistest.Start(t, "--appendfsync", "always")
		s := j.stack(t, auth, redis, neverSwept)
		for _, f := range append([]fault{undisturbed}, s.faults(t, redis)...) {
			if !strings.HasPrefix(f.name, "tcp-server") {
				t.Run(f.name, func(t *testing.T) { report(t, endure(t, s, f)) })
			}
		}
	})
}

// TestJavaScriptLostHints is TestLostHints for clients/js.
func TestJavaScriptLostHints(t *testing.T) {
	j := newJavaScript(t)
	auth, redis := programtest.NewAuth(t), redistest.Start(t, "--appendfsync", "always")
	report(t, endure(t, j.stack(t, auth, redis, sweeping), lostHints(t, redis)))
}

// stack starts two http-servers behind nginx over two rpc-servers.
func (j *javaScript) stack(t *testing.T, auth *programtest.Auth, redis *redistest.Server, setting string) *stack {
	t.Helper()
	s := &stack{auth: auth, begins: map[string]int64{}, master: func(string) *redistest.Server { return redis }, watch: j.watch}
	s.rpc = programtest.StartServers(t, redis.URL(), auth.Servers(setting)...)
	s.http = programtest.StartGateways(t, programtest.Addresses(s.rpc), auth.Gateways(shortTokens, "ALLOWED_ORIGINS="+j.origin)...)
	s.bases = []string{programtest.StartNginx(t, programtest.Addresses(s.http)).URL()}
	return s
}

// javaScript runs clients/js.
type javaScript struct {
	client string // its folder
	origin string // of the pages of browsers

	mutex sync.Mutex
	pages map[string]*followingPage // by number
}

// followingPage is a watcher in a browser.
type followingPage struct {
	audience *audience
	watcher  *watcher
	options  map[string]any
	reloads  bool
	reload   time.Time
}

// newJavaScript serves the pages of browsers. Only `make delivery-js` runs the test: it needs Node, Chromium and a built clients/js.
func newJavaScript(t *testing.T) *javaScript {
	t.Helper()
	if os.Getenv("REQUIRE_JAVASCRIPT") == "" {
		t.Skip("SKIPPED, NOT TESTED: `make delivery-js` installs Node and Chromium, builds clients/js, and runs it")
	}
	folder, err := filepath.Abs("../../clients/js")
	if err != nil {
		t.Fatal(err)
	}
	j := &javaScript{client: folder, pages: map[string]*followingPage{}}
	files := http.NewServeMux()
	files.Handle("/dist/", http.FileServer(http.Dir(folder)))
	files.Handle("/eventsource-parser/", http.StripPrefix("/eventsource-parser/", http.FileServer(http.Dir(filepath.Join(folder, "node_modules", "eventsource-parser", "dist")))))
	files.Handle("/", http.FileServer(http.Dir("testdata")))
	files.HandleFunc("/options", j.tellOptions)
	files.HandleFunc("/took", j.take)
	files.HandleFunc("/failed", j.fail)
	files.HandleFunc("/frames", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for number := range strings.SplitSeq(r.URL.RawQuery, ",") {
			_, _ = fmt.Fprintf(w, "<iframe src='/follow.html?%s'></iframe>\n", number)
		}
	})
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	j.origin = server.URL
	return j
}

// watch starts watchers over each transport, in Node and in Chromium.
func (j *javaScript) watch(a *audience, chats []string) {
	a.t.Helper()
	if a.stack.auth.On() {
		a.stack.session(a.t) // registers the watcher
	}
	for i, over := range []string{"sse", "ws", "poll"} {
		j.node(a, over, "stays", chats, false)
		j.node(a, over, "is stopped", chats[chatsOfSome:2*chatsOfSome], false)
		j.node(a, over, "is killed", chats[2*chatsOfSome+i:2*chatsOfSome+i+1], true)
	}
	// The tabs of a browser share a session and, over HTTP/1.1, six connections to a server.
	j.chromium(a, []*followingPage{
		j.page(a, "sse", "stays", chats, false), j.page(a, "sse", "reloads", chats[:25], true), j.page(a, "poll", "stays", chats[:2], false),
	})
	tabs := []*followingPage{j.page(a, "poll", "reloads", chats[20:24], true)}
	if !a.stack.auth.On() { // a browser's WebSocket cannot send a token
		tabs = append(tabs, j.page(a, "ws", "stays", chats, false), j.page(a, "ws", "reloads", chats[:25], true))
	}
	j.chromium(a, tabs)
}

// optionsOf are those of testdata/follow.js. With AUTH=on the watcher has a session, and logs in where it has none yet.
func (a *audience) optionsOf(transport string) map[string]any {
	options := map[string]any{"url": a.stack.bases[0], "transport": transport}
	switch {
	case a.stack.auth.On() && a.renews:
		options["user"], options["password"] = watching, password
	case a.stack.auth.On():
		options["token"] = a.stack.auth.Token(watching)
	}
	return options
}

func (j *javaScript) node(a *audience, transport, does string, chats []string, restarts bool) {
	w := a.add(does+" over "+transport, overNode, chats)
	w.steady = does == "stays"
	options := a.optionsOf(transport)
	if options["password"] != nil {
		options["file"] = filepath.Join(a.t.TempDir(), "session.json")
	}
	a.group.Go(func() {
		for a.ctx.Err() == nil {
			options["cursors"] = w.next()
			given, err := json.Marshal(options)
			if err != nil {
				a.t.Error(err)
				return
			}
			command := exec.Command("node", "testdata/node.mjs", j.client, string(given))
			disturb := a.untilItEnds
			if !w.steady {
				from := w.count()
				disturb = func(ended <-chan struct{}, signal func(syscall.Signal)) {
					if a.untilCalm(ended, func() bool { return w.count() > from }) { // Node takes its time to start
						a.disturb(ended, restarts, signal)
					}
				}
			}
			a.runFollower(w, command, disturb)
		}
	})
}

// untilCalm waits until a condition is true, or it is calm. It returns false where the program ends first.
func (a *audience) untilCalm(ended <-chan struct{}, condition func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ended:
			return false
		case <-a.ctx.Done():
			return false
		case <-a.calm:
			return true
		case <-tick.C:
		}
	}
	return true
}

func (j *javaScript) page(a *audience, transport, does string, chats []string, reloads bool) *followingPage {
	w := a.add(does+" over "+transport, overChromium, chats)
	w.steady = !reloads
	return &followingPage{audience: a, watcher: w, options: a.optionsOf(transport), reloads: reloads}
}

// chromium opens pages in a browser of their own.
func (j *javaScript) chromium(a *audience, pages []*followingPage) {
	a.t.Helper()
	var numbers []string
	j.mutex.Lock()
	for _, p := range pages {
		number := fmt.Sprint(len(j.pages))
		j.pages[number] = p
		numbers = append(numbers, number)
	}
	j.mutex.Unlock()
	command := exec.CommandContext(a.ctx, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+a.t.TempDir(), "--remote-debugging-port=0", j.origin+"/frames?"+strings.Join(numbers, ","))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // its children too
	if err := command.Start(); err != nil {
		a.t.Fatal(err)
	}
	a.group.Go(func() { _ = command.Wait() })
}

func (j *javaScript) of(r *http.Request) *followingPage {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.pages[r.URL.RawQuery]
}

func (j *javaScript) tellOptions(w http.ResponseWriter, r *http.Request) {
	p := j.of(r)
	p.options["cursors"] = p.watcher.next()
	p.reload = time.Now().Add(time.Second + rand.N(2*time.Second))
	_ = json.NewEncoder(w).Encode(p.options)
}

// take records messages of a page, and may have the page loaded again.
func (j *javaScript) take(w http.ResponseWriter, r *http.Request) {
	p := j.of(r)
	var messages []client.Message
	if err := json.NewDecoder(r.Body).Decode(&messages); err != nil {
		return // the page is gone
	}
	for _, m := range messages {
		p.watcher.take(m)
	}
	again := false
	p.audience.unlessCalm(func() { again = p.reloads && time.Now().After(p.reload) })()
	_ = json.NewEncoder(w).Encode(map[string]bool{"reload": again})
}

func (j *javaScript) fail(_ http.ResponseWriter, r *http.Request) {
	p := j.of(r)
	if reason, _ := io.ReadAll(r.Body); p.audience.ctx.Err() == nil {
		p.audience.t.Errorf("the %s: %s", p.watcher.name, reason)
	}
}
