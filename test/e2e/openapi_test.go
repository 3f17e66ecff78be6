package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/openapitest"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// described is a stack whose every answer is compared with the document that it serves.
type described struct {
	t          *testing.T
	base       string
	client     *http.Client
	token      func(user string) string // nil with AUTH=off
	operations []string                 // of the document: "POST /api/rooms/{room}/join"
	met        map[string]bool          // operations with a status behind: "POST /api/login 200"
}

func describe(t *testing.T, base string, token func(string) string) *described {
	t.Helper()
	answer, err := http.Get(base + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	validator, err := openapitest.New(document)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	d := &described{t: t, base: base, token: token, met: map[string]bool{}}
	d.client = &http.Client{Transport: validator.Transport(t, transport)}
	for path, item := range validator.Document().Paths.Map() {
		for method := range item.Operations() {
			d.operations = append(d.operations, method+" "+path)
		}
	}
	return d
}

// do makes a request of a user, or without a token for "", and wants a status.
func (d *described) do(user, method, target, body string, status int) map[string]any {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.base+target, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if d.token != nil && user != "" {
		request.Header.Set("Authorization", "Bearer "+d.token(user))
	}
	switch {
	case body == "":
	case strings.HasPrefix(target, "/api/"):
		request.Header.Set("Content-Type", "application/json")
	default:
		request.Header.Set("Content-Type", "text/plain")
	}
	answer, err := d.client.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		d.t.Errorf("%s: %s %s %s = %d %s, %v; want %d", user, method, target, body, answer.StatusCode, text, err, status)
	}
	d.met[fmt.Sprint(d.operation(method, request.URL.Path), " ", answer.StatusCode)] = true
	read := map[string]any{}
	_ = json.NewDecoder(bytes.NewReader(text)).Decode(&read)
	return read
}

// operation is the document's name of a method of a path, or "". A path that is there as it is goes before a pattern.
func (d *described) operation(method, path string) (found string) {
	asked := strings.Split(method+" "+path, "/")
	for _, operation := range d.operations {
		fits := slices.EqualFunc(strings.Split(operation, "/"), asked, func(part, given string) bool {
			return part == given || strings.HasPrefix(part, "{")
		})
		if fits && (found == "" || !strings.Contains(operation, "{")) {
			found = operation
		}
	}
	return found
}

// answers wants every operation but some to have been answered with one of the statuses.
func (d *described) answers(statuses []int, but ...string) {
	d.t.Helper()
	for _, operation := range d.operations {
		met := slices.ContainsFunc(statuses, func(status int) bool { return d.met[fmt.Sprint(operation, " ", status)] })
		if !met && !slices.Contains(but, operation) {
			d.t.Errorf("%s was never answered with one of %v", operation, statuses)
		}
	}
}

// step is a request and its expected answer.
type step struct {
	user, method, target, body string
	status                     int
}

// conversation asks every route that does not stay connected, and has it answer well.
func conversation(as func(user, target string) string) []step {
	mine := func(user, method, target, body string, status int) step {
		return step{user, method, as(user, target), body, status}
	}
	const account = `{"user":"zoe","password":"correct horse","name":"Zoe"}`
	return []step{
		{"", "GET", "/ping", "", 200},
		{"", "GET", "/readyz", "", 200},
		{"", "GET", "/openapi.yaml", "", 200},
		{"", "GET", "/", "", 200},
		{"", "GET", "/docs", "", 200},
		{"", "GET", "/admin", "", 200},
		{"", "GET", "/app/icon.svg", "", 200},
		{"", "POST", "/api/users", account, 201},
		{"", "POST", "/api/users", account, 409},
		{"", "POST", "/api/users", `{"user":"a b","password":"correct horse"}`, 400},
		{"ann", "GET", "/api/users?prefix=z", "", 200},
		{"ann", "GET", "/api/users/zoe", "", 200},
		{"ann", "GET", "/api/users/nobody", "", 404},
		{"ann", "POST", "/api/contacts/sync", `{"users":["zoe","ann"]}`, 200},

		{"ann", "POST", "/api/send", `{"chat":"ann:bob","text":"hi","sender":"ann","id":"1"}`, 200},
		{"ann", "POST", "/api/send", `{"chat":"ann:bob","text":"hi","sender":"ann","id":"1"}`, 200},
		{"ann", "POST", "/api/send", `{"chat":"ann:bob","text":"ho","sender":"ann","id":"1"}`, 409},
		{"ann", "POST", "/api/send", `{"chat":"ann:bob","text":"","sender":"ann"}`, 400},
		{"bob", "GET", "/api/pull?chat=bob:ann&reader=bob/phone&unread=true", "", 200},
		{"bob", "POST", "/api/pull", `{"chat":"bob:ann","wait":"1ms","cursor":9007199254740991}`, 200},
		{"bob", "POST", "/api/signal", `{"chat":"ann:bob","sender":"bob","type":"typing","data":"x"}`, 200},
		{"bob", "POST", "/api/read", `{"chat":"ann:bob","reader":"bob","cursor":1}`, 200},
		{"bob", "GET", "/api/presence?chat=ann:bob", "", 200},
		{"bob", "POST", "/send/ann:bob/bob", "hello", 200},
		{"ann", "GET", "/receive/ann:bob/ann", "", 200},
		{"bob", "GET", "/api/readers?chat=ann:bob", "", 200},
		{"bob", "GET", "/api/inbox?reader=bob", "", 200},
		{"bob", "GET", "/api/inbox?reader=bob&cursor=-1", "", 400},
		{"bob", "GET", "/api/unread?reader=bob", "", 200},
		mine("bob", "PUT", "/api/ignored/ann", "", 200),
		mine("bob", "PUT", "/api/ignored/bob", "", 400),
		mine("bob", "GET", "/api/ignored", "", 200),
		mine("bob", "DELETE", "/api/ignored/ann", "", 200),
		mine("bob", "PUT", "/api/push/subscriptions", `{"device":"pad","endpoint":"https://ntfy.example.org/bob"}`, 200),
		mine("bob", "PUT", "/api/push/subscriptions", `{"device":"pad","endpoint":"http://ntfy.example.org/bob"}`, 400),
		mine("bob", "GET", "/api/push/subscriptions", "", 200),
		{"bob", "DELETE", "/api/push/subscriptions?device=pad&as=bob", "", 200},
		mine("bob", "PUT", "/api/muted/ann:bob", `{"until":9007199254740991}`, 200),
		mine("bob", "PUT", "/api/muted/ann:eve", "", 403),
		mine("bob", "GET", "/api/muted", "", 200),
		mine("bob", "DELETE", "/api/muted/ann:bob", "", 200),

		mine("ann", "POST", "/api/rooms", `{"id":"club","name":"The Club","users":["bob"]}`, 201),
		mine("ann", "POST", "/api/rooms", `{"id":"club"}`, 409),
		mine("ann", "POST", "/api/rooms", `{"visibility":"secret"}`, 400),
		mine("ann", "GET", "/api/rooms", "", 200),
		mine("ann", "GET", "/api/rooms/club", "", 200),
		mine("ann", "GET", "/api/rooms/nothing", "", 404),
		mine("ann", "GET", "/api/rooms/ann:bob", "", 400),
		mine("bob", "PATCH", "/api/rooms/club", `{"name":"Mine"}`, 403),
		mine("eve", "POST", "/api/rooms/club/join", "", 403),
		mine("ann", "PATCH", "/api/rooms/club", `{"name":"Ours","visibility":"public"}`, 200),
		{"eve", "GET", "/api/rooms/public", "", 200},
		mine("eve", "POST", "/api/rooms/club/join", "", 200),
		mine("eve", "POST", "/api/rooms/club/leave", "", 200),
		mine("ann", "POST", "/api/rooms/club/members", `{"users":["eve"]}`, 200),
		mine("ann", "PATCH", "/api/rooms/club/members/eve", `{"role":"admin"}`, 200),
		mine("ann", "PATCH", "/api/rooms/club/members/zoe", `{"role":"admin"}`, 404),
		mine("ann", "DELETE", "/api/rooms/club/members/eve", "", 200),
		mine("ann", "PATCH", "/api/rooms/club/members/ann", `{"role":"member"}`, 409),
		mine("bob", "DELETE", "/api/rooms/club", "", 403),
		{"ann", "GET", "/api/pull?chat=club&limit=100", "", 200},
		{"ann", "GET", "/api/inbox?reader=ann", "", 200},
		mine("ann", "DELETE", "/api/rooms/club", "", 200),
		mine("ann", "GET", "/api/rooms/club", "", 404),

		{"ann", "GET", "/api/stream", "", 400},
		{"ann", "HEAD", "/api/stream?chat=ann:bob&reader=ann", "", 200},
	}
}

// changes edits a message, answers it, reacts to it and deletes it.
func (d *described) changes() {
	d.t.Helper()
	sent := d.do("ann", "POST", "/api/send", `{"chat":"ann:bob","text":"at noon","sender":"ann"}`, 200)
	at, _ := sent["send_time"].(float64)
	position := fmt.Sprintf("%.0f", at)
	message, thread := "/api/messages?chat=ann:bob&sender=ann&send_time="+position, "/api/thread?chat=ann:bob&send_time="+position
	edit := func(sender, text string) string {
		return fmt.Sprintf(`{"chat":"ann:bob","sender":%q,"send_time":%s,"text":%q}`, sender, position, text)
	}
	d.do("ann", "PATCH", "/api/messages", edit("ann", "at one"), 200)
	d.do("ann", "PATCH", "/api/messages", edit("ann", ""), 400)
	d.do("bob", "PATCH", "/api/messages", edit("bob", "at two"), 403)
	history := "/api/messages/history?chat=ann:bob&send_time=" + position
	if d.token != nil { // for admins of a room and services
		d.do("ann", "GET", history, "", 403)
		d.do("", "GET", history, "", 401)
	}
	d.do("backend", "GET", history, "", 200)
	d.do("ann", "GET", history+"&limit=few", "", 400)
	d.do("bob", "POST", "/api/send", fmt.Sprintf(`{"chat":"ann:bob","text":"yes","sender":"bob","reply_to":%s,"mentions":["ann"],"metadata":{"order":7}}`, position), 200)
	d.do("bob", "POST", "/api/send", `{"chat":"ann:bob","text":"here","sender":"bob","content_type":"location","body":{"latitude":52.5,"longitude":13.4}}`, 200)
	d.do("bob", "GET", thread, "", 200)
	react := func(sender, emoji string) string {
		return fmt.Sprintf(`{"chat":"ann:bob","sender":%q,"send_time":%s,"emoji":%q}`, sender, position, emoji)
	}
	d.do("bob", "PUT", "/api/reactions", react("bob", "👍"), 200)
	d.do("bob", "PUT", "/api/reactions", react("bob", "fine"), 400)
	d.do("bob", "GET", "/api/pull?chat=ann:bob&limit=100&reader=bob", "", 200)
	d.do("bob", "DELETE", "/api/reactions?chat=ann:bob&sender=bob&emoji=%F0%9F%91%8D&send_time="+position, "", 200)
	d.do("bob", "DELETE", "/api/reactions", react("bob", ""), 400)
	if d.token != nil {
		for _, s := range []step{
			{"eve", "PATCH", "/api/messages", edit("eve", "at two"), 403},
			{"eve", "DELETE", strings.Replace(message, "=ann&", "=eve&", 1), "", 403},
			{"eve", "PUT", "/api/reactions", react("eve", "👍"), 403},
			{"eve", "DELETE", "/api/reactions", react("eve", "👍"), 403},
			{"eve", "GET", thread, "", 403},
		} {
			d.do(s.user, s.method, s.target, s.body, s.status)
			d.do("", s.method, s.target, s.body, 401)
		}
	}
	d.do("ann", "DELETE", message, "", 200)
	d.do("bob", "GET", "/api/pull?chat=ann:bob&limit=100", "", 200)
}

// services asks the routes that are for services: projections, words, webhooks, and answers to devices. A worker runs meanwhile.
func (d *described) services() {
	d.t.Helper()
	const svc = serviceName
	d.do(svc, "PUT", "/api/words/hello", "", 200)
	d.do(svc, "PUT", "/api/words/two%20words", "", 400)
	d.do(svc, "GET", "/api/words", "", 200)
	d.do(svc, "GET", "/api/projections", "", 200)
	d.do(svc, "GET", "/api/projections/none", "", 404)
	d.until(svc, "/api/projections/words")
	d.do(svc, "POST", "/api/projections/words", `{"action":"replay"}`, 200)
	d.do(svc, "POST", "/api/projections/words", `{"action":"dance"}`, 400)
	d.do(svc, "GET", "/api/projections/words/dead", "", 200)
	d.do(svc, "DELETE", "/api/words/hello", "", 200)
	d.do(svc, "DELETE", "/api/words/hello", "", 404)

	hook := d.do(svc, "POST", "/api/webhooks", `{"url":"https://example.org/hook"}`, 201)
	target := fmt.Sprint("/api/webhooks/", hook["id"])
	d.do(svc, "POST", "/api/webhooks", `{"url":"example.org"}`, 400)
	d.do(svc, "GET", "/api/webhooks", "", 200)
	d.do(svc, "GET", target, "", 200)
	d.do(svc, "GET", "/api/webhooks/none", "", 404)
	d.do(svc, "PATCH", target, `{"enabled":false}`, 200)

	d.do("ann", "POST", "/api/rooms?as=ann", `{"id":"device.oven"}`, 201)
	d.do(svc, "POST", "/api/send", `{"chat":"device.oven","sender":"ann","text":"{\"kind\":\"request\",\"action\":\"bake\",\"uid\":\"7\",\"connection\":\"c\",\"data\":null}"}`, 200)
	d.do(svc, "POST", "/api/devices/oven/responses", `{"uid":"7","data":{"minutes":5}}`, 200)
	d.do(svc, "POST", "/api/devices/oven/responses", `{"uid":"8"}`, 404)
	for _, s := range []step{
		{"eve", "GET", "/api/words", "", 403},
		{"eve", "PUT", "/api/words/hello", "", 403},
		{"eve", "DELETE", "/api/words/hello", "", 403},
		{"eve", "GET", "/api/projections", "", 403},
		{"eve", "GET", "/api/projections/words", "", 403},
		{"eve", "POST", "/api/projections/words", `{"action":"skip"}`, 403},
		{"eve", "GET", "/api/projections/words/dead", "", 403},
		{"eve", "POST", "/api/webhooks", `{"url":"https://example.org/hook"}`, 403},
		{"eve", "GET", target, "", 404},
		{"eve", "PATCH", target, `{"enabled":true}`, 404},
		{"eve", "DELETE", target, "", 404},
		{"eve", "POST", "/api/devices/oven/responses", `{"uid":"7"}`, 403},
	} {
		if d.token == nil {
			break
		}
		d.do(s.user, s.method, s.target, s.body, s.status)
		d.do("", s.method, s.target, s.body, 401)
	}
	if d.token != nil {
		d.do("", "GET", "/api/webhooks", "", 401)
	}
	d.do(svc, "DELETE", target, "", 200)
}

// moderation asks the routes with which services act on users. They need AUTH=on.
func (d *described) moderation() {
	d.t.Helper()
	const svc = serviceName
	d.do("", "POST", "/api/users", `{"user":"mallory","password":"correct horse"}`, 201)
	d.do("", "POST", "/api/login", `{"user":"mallory","password":"correct horse"}`, 200)
	user := "/api/admin/users/mallory"
	for _, s := range []step{
		{svc, "GET", user + "/sessions", "", 200},
		{svc, "DELETE", user + "/sessions/none", "", 400},
		{svc, "GET", "/api/admin/rooms", "", 200},
		{svc, "GET", "/api/admin/metrics", "", 200},
		{svc, "PUT", user + "/password", `{"password":"short"}`, 400},
		{svc, "PUT", user + "/password", `{"password":"staple staple"}`, 200},
		{svc, "DELETE", user + "/sessions?reason=lost", "", 200},
		{svc, "PUT", user + "/suspension", `{"reason":"spam"}`, 200},
		{svc, "PUT", "/api/admin/users/none/suspension", `{"reason":"spam"}`, 404},
		{svc, "GET", "/api/admin/suspensions", "", 200},
		{svc, "DELETE", user + "/suspension", "", 200},
		{svc, "GET", "/api/audit", "", 200},
		{svc, "GET", "/api/audit?cursor=x", "", 400},
		{"eve", "GET", user + "/sessions", "", 403},
		{"eve", "DELETE", user + "/sessions", "", 403},
		{"eve", "DELETE", user + "/sessions/none", "", 403},
		{"eve", "GET", "/api/admin/rooms", "", 403},
		{"eve", "GET", "/api/admin/metrics", "", 403},
		{"eve", "PUT", user + "/password", `{"password":"staple staple"}`, 403},
		{"eve", "PUT", user + "/suspension", `{"reason":"spam"}`, 403},
		{"eve", "GET", "/api/admin/suspensions", "", 403},
		{"eve", "DELETE", user + "/suspension", "", 403},
		{"eve", "GET", "/api/audit", "", 403},
	} {
		d.do(s.user, s.method, s.target, s.body, s.status)
		d.do("", s.method, s.target, s.body, 401)
	}
	begun := d.do("", "POST", "/api/login", `{"user":"mallory","password":"staple staple"}`, 200)
	listed := d.do(svc, "GET", user+"/sessions", "", 200)
	sessions, _ := listed["sessions"].([]any)
	if len(sessions) != 1 || begun["access_token"] == nil {
		d.t.Fatalf("the sessions are %v after the login %v, want one", listed, begun)
	}
	session, _ := sessions[0].(map[string]any)
	d.do(svc, "DELETE", fmt.Sprint(user, "/sessions/", session["session"]), "", 200)
}

// serviceName is the user of do that is a service.
const serviceName = "backend"

// until makes a request again until it is answered with 200.
func (d *described) until(user, target string) {
	d.t.Helper()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(30 * time.Second); ; {
		request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.base+target, nil)
		if err != nil {
			d.t.Fatal(err)
		}
		if d.token != nil {
			request.Header.Set("Authorization", "Bearer "+d.token(user))
		}
		answer, err := d.client.Do(request)
		if err != nil {
			d.t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			d.do(user, http.MethodGet, target, "", 200)
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			d.t.Fatalf("%s is answered with %d", target, answer.StatusCode)
		}
	}
}

// sessions goes through the life of one, of zoe.
func (d *described) sessions() {
	d.t.Helper()
	const login, wrong = `{"user":"zoe","password":"correct horse"}`, `{"user":"zoe","password":"wrong horse","new_password":"staple staple"}`
	refresh := func(tokens map[string]any) string {
		return fmt.Sprintf(`{"refresh_token":%q}`, tokens["refresh_token"])
	}
	first := d.do("", "POST", "/api/login", login, 200)
	second := d.do("", "POST", "/api/refresh", refresh(first), 200)
	d.do("", "POST", "/api/refresh", refresh(first), 401)
	d.do("zoe", "POST", "/api/password", wrong, 401)
	d.do("ann", "POST", "/api/password", wrong, 403)
	d.do("zoe", "POST", "/api/password", strings.Replace(wrong, "wrong", "correct", 1), 200)
	d.do("zoe", "POST", "/api/logout", refresh(second), 200)
	d.do("", "POST", "/api/logout", refresh(second), 401)
	d.do("", "POST", "/api/password", wrong, 401)
	d.do("", "DELETE", "/api/users/me", "", 401)
	d.do("ann", "DELETE", "/api/users/me?user=zoe", "", 403)
	d.do("zoe", "DELETE", "/api/users/me?erase=perhaps", "", 400)
	lasting := d.do("", "POST", "/api/login", strings.Replace(login, "correct horse", "staple staple", 1), 200)
	minted := d.token
	defer func() { d.token = minted }()
	d.token = func(string) string { return fmt.Sprint(lasting["access_token"]) } // of a session that has not ended
	d.do("zoe", "DELETE", "/api/users/me?erase=true", "", 200)
}

// denied are requests that eve may not make: the data is another user's, or closed.
func (d *described) denied() {
	d.t.Helper()
	d.do("ann", "POST", "/api/rooms", `{"id":"den"}`, 201)
	for _, s := range []step{
		{"eve", "POST", "/api/send", `{"chat":"ann:bob","text":"hi","sender":"eve"}`, 403},
		{"eve", "POST", "/api/send", `{"chat":"lobby","text":"hi","sender":"ann"}`, 403},
		{"eve", "POST", "/send/ann:bob/eve", "hi", 403},
		{"eve", "GET", "/receive/ann:bob/ann", "", 403},
		{"eve", "GET", "/api/pull?chat=ann:bob", "", 403},
		{"eve", "POST", "/api/pull", `{"chat":"den"}`, 403},
		{"eve", "GET", "/api/stream?chat=den", "", 403},
		{"eve", "HEAD", "/api/stream?chat=den", "", 403},
		{"eve", "POST", "/api/signal", `{"chat":"den","sender":"eve","type":"typing"}`, 403},
		{"eve", "POST", "/api/read", `{"chat":"ann:bob","reader":"bob","cursor":1}`, 403},
		{"eve", "GET", "/api/presence?chat=den", "", 403},
		{"eve", "GET", "/api/readers?chat=den", "", 403},
		{"eve", "GET", "/api/inbox?reader=ann", "", 403},
		{"eve", "GET", "/api/unread?reader=ann", "", 403},
		{"eve", "GET", "/api/ignored?as=ann", "", 403},
		{"eve", "PUT", "/api/ignored/bob?as=ann", "", 403},
		{"eve", "DELETE", "/api/ignored/bob?as=ann", "", 403},
		{"eve", "PUT", "/api/push/subscriptions?as=ann", `{"device":"pad","endpoint":"https://ntfy.example.org/eve"}`, 403},
		{"eve", "GET", "/api/push/subscriptions?as=ann", "", 403},
		{"eve", "DELETE", "/api/push/subscriptions?device=pad&as=ann", "", 403},
		{"eve", "GET", "/api/muted?as=ann", "", 403},
		{"eve", "PUT", "/api/muted/den?as=ann", "", 403},
		{"eve", "DELETE", "/api/muted/den?as=ann", "", 403},
		{"eve", "GET", "/api/rooms?as=ann", "", 403},
		{"eve", "POST", "/api/rooms?as=ann", "{}", 403},
		{"eve", "GET", "/api/rooms/den", "", 403},
		{"eve", "PATCH", "/api/rooms/den", `{"name":"x"}`, 403},
		{"eve", "DELETE", "/api/rooms/den", "", 403},
		{"eve", "POST", "/api/rooms/den/join", "", 403},
		{"eve", "POST", "/api/rooms/den/leave?as=ann", "", 403},
		{"eve", "POST", "/api/rooms/den/members", `{"users":["eve"]}`, 403},
		{"eve", "PATCH", "/api/rooms/den/members/eve", `{"role":"admin"}`, 403},
		{"eve", "DELETE", "/api/rooms/den/members/ann", "", 403},
	} {
		d.do(s.user, s.method, s.target, s.body, s.status)
	}
}

// The operations that answer by staying connected, and those that need no token.
var (
	connected = []string{"GET /api/stream", "GET /api/ws"}
	public    = []string{"GET /", "GET /docs", "GET /admin", "GET /app/{file}", "GET /ping", "GET /readyz", "GET /openapi.yaml", "POST /api/users"}
)

// TestAnswersAreAsDescribed over the whole stack: the answers of every route, and that no request passes without its
// token.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Run("AUTH=off", func(t *testing.T) {
		s := startStack(t, redistest.Start(t).URL())
		programtest.StartWorker(t, []string{s.rpc.Addr()})
		d := describe(t, s.base, nil)
		for _, s := range conversation(func(user, target string) string { return target + "?as=" + user }) {
			d.do(s.user, s.method, s.target, s.body, s.status)
		}
		d.do("", "GET", "/api/ws", "", 400)
		d.do("", "POST", "/api/login", `{"user":"zoe","password":"correct horse"}`, 404)
		d.do("", "POST", "/api/refresh", `{"refresh_token":"zoe.a.b"}`, 404)
		d.do("", "DELETE", "/api/users/me", `{"user":"zoe","password":"correct horse"}`, 200)
		d.do("", "GET", "/api/rooms", "", 400)
		d.do("", "GET", "/api/ignored", "", 400)
		d.changes()
		d.services()
		d.restraints()
		needAuth := []string{"GET /api/reports", "PATCH /api/reports/{report}", "GET /api/online", "GET /api/users/{user}/export", "POST /api/login", "POST /api/refresh", "POST /api/logout", "POST /api/password"}
		for _, operation := range d.operations {
			if strings.Contains(operation, "/api/admin/") || strings.HasSuffix(operation, "/api/audit") {
				needAuth = append(needAuth, operation)
			}
		}
		d.answers([]int{200, 201}, slices.Concat(needAuth, connected, needStore)...)
	})
	t.Run("AUTH=on", func(t *testing.T) {
		c := startClosed(t)
		programtest.StartWorker(t, []string{c.rpc.Addr()}, c.auth.Gateways()...)
		d := describe(t, c.base, func(user string) string {
			if user == serviceName {
				return c.auth.ServiceToken(user)
			}
			return c.auth.Token(user)
		})
		for _, s := range conversation(func(_, target string) string { return target }) {
			d.do(s.user, s.method, s.target, s.body, s.status)
			if s.user != "" {
				d.do("", s.method, s.target, s.body, 401)
			}
		}
		d.do("ann", "POST", "/api/send", `{"chat":"club","text":"hi"}`, 404) // it was deleted
		d.do("", "POST", "/api/login", `{"user":"zoe","password":"wrong horse"}`, 401)
		d.do("", "GET", "/api/ws", "", 401)
		d.do("ann", "GET", "/api/ws", "", 400)
		d.sessions()
		d.denied()
		d.changes()
		d.services()
		d.moderation()
		d.restraints()
		d.answers([]int{200, 201}, slices.Concat(connected, needStore)...)
		d.answers([]int{401}, public...)
		d.answers([]int{403}, append(public, "GET /api/ws", "GET /api/users", "GET /api/users/{user}", "POST /api/contacts/sync",
			"POST /api/login", "POST /api/refresh", "POST /api/logout", "GET /api/rooms/public",
			"GET /api/webhooks", "GET /api/webhooks/{webhook}", "PATCH /api/webhooks/{webhook}", "DELETE /api/webhooks/{webhook}")...)
	})
}
