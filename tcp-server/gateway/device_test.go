package gateway

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/devicelog"
)

// object is an object as a device reads it.
type object struct {
	Action, DeviceUID, UID, Status, ErrorCode, ErrorMessage string
	Data                                                    json.RawMessage
}

// next returns the next line.
func (p *peer) next() object {
	p.t.Helper()
	line, err := p.read.ReadBytes('\n')
	var o object
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		p.t.Fatalf("read %q, %v", line, err)
	}
	return o
}

// gets fails the test unless the next object begins like this: action, uid, status and the error's code.
func (p *peer) gets(want string) object {
	p.t.Helper()
	o := p.next()
	if got := strings.TrimSpace(fmt.Sprintln(o.Action, o.UID, o.Status, o.ErrorCode)); got != want {
		p.t.Fatalf("read %q (%s, %s), want %q", got, o.ErrorMessage, o.Data, want)
	}
	return o
}

func (p *peer) asks(action, device, uid, data string) {
	p.t.Helper()
	p.types(fmt.Sprintf(`{"action":%q,"deviceUid":%q,"uid":%q,"data":%s}`+"\n", action, device, uid, data))
}

// connects connects a device and returns its connection's id.
func (s *stack) connects(t *testing.T, device, token string) (*peer, string) {
	t.Helper()
	p := dial(t, s.DeviceAddr())
	p.asks("connect", device, "c", `{"token":"`+token+`"}`)
	var of struct{ Connection string }
	if err := json.Unmarshal(p.gets("connect.response c ok").Data, &of); err != nil || of.Connection == "" {
		t.Fatalf("the connection is %+v, %v", of, err)
	}
	return p, of.Connection
}

// backend is a service that acts on devices' chats.
func (s *stack) backend(t *testing.T, device, text string) {
	t.Helper()
	ctx := t.Context()
	if s.config.Auth == authOn {
		ctx = chat.WithCaller(ctx, chat.Caller{User: "backend", Service: true})
	}
	if _, err := s.domain.Messages.Send(ctx, chat.Message{Chat: "device." + device, Sender: "backend", Text: text}); err != nil {
		t.Fatal(err)
	}
}

// requests returns the requests that a device's chat has.
func (s *stack) requests(t *testing.T, device string) (all []string) {
	t.Helper()
	page, err := s.domain.Messages.Pull(chat.WithCaller(t.Context(), chat.Caller{User: "backend", Service: true}), chat.PullRequest{Chat: "device." + device, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Messages {
		if strings.Contains(m.Text, `"kind":"request"`) {
			all = append(all, m.Text)
		}
	}
	return all
}

func (s *stack) token(t *testing.T, user string) string {
	t.Helper()
	session, err := s.domain.Accounts.Login(t.Context(), chat.Credentials{User: user, Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.keys.ForUser(user, session.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestDeviceRequests: a request is stored for back ends, and answered once, also after the device was away.
func TestDeviceRequests(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, nil).run(t)
	s.account(t, "alice")
	token := s.token(t, "alice")
	p, connection := s.connects(t, "sensor1", token)
	p.asks("measure", "sensor1", "7", `{"celsius":21}`)
	await(t, func() bool { return len(s.requests(t, "sensor1")) == 1 })
	want := `{"kind":"request","action":"measure","uid":"7","connection":"` + connection + `","data":{"celsius":21}}`
	if got := s.requests(t, "sensor1")[0]; got != want {
		t.Errorf("the request is %s, want %s", got, want)
	}
	s.backend(t, "sensor1", `{"kind":"response","uid":"7","data":{"next":60}}`)
	if got := p.gets("response 7 ok"); string(got.Data) != `{"next":60}` || got.DeviceUID != "sensor1" {
		t.Errorf("the response is %+v", got)
	}
	p.asks("measure", "sensor1", "7", `null`)
	p.gets("measure.response 7 error conflict")
	p.asks("ack", "sensor1", "7", `null`)
	p.gets("ack.response 7 ok")
	p.asks("ack", "sensor1", "7", `null`)
	p.gets("ack.response 7 error not_found")
	_ = p.Close()
	for i := range 3 { // while it is away
		s.backend(t, "sensor1", fmt.Sprintf(`{"kind":"push","action":"set","uid":"p%d"}`, i))
	}
	s.backend(t, "sensor1", "hello")
	p, _ = s.connects(t, "sensor1", token)
	for i := range 3 {
		p.gets(fmt.Sprint("set p", i))
	}
	if got := p.next(); got.Action != "message" || string(got.Data) != `{"sender":"backend","text":"hello"}` {
		t.Errorf("the message is %+v", got)
	}
	p.asks("ack", "", "p0", `null`)
	p.gets("ack.response p0 ok")
	_ = p.Close()
	p, _ = s.connects(t, "sensor1", token) // unacknowledged entries come again
	p.gets("set p1")
	p.gets("set p2")
}

// TestDeviceOwners: a device belongs to the user who has connected it first.
func TestDeviceOwners(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, nil).run(t)
	s.account(t, "alice", "bob")
	p := dial(t, s.DeviceAddr())
	p.asks("send", "sensor1", "1", `{"chat":"alice:bob","text":"hi"}`)
	p.gets("send.response 1 error unauthenticated")
	p.types("Ping\n")
	p.sees("Pong\n")
	p.asks("connect", "sensor1", "2", `{"token":"none"}`)
	p.gets("connect.response 2 error token_invalid")
	p.asks("connect", "sensor 1", "3", `{"token":"`+s.token(t, "alice")+`"}`)
	p.gets("connect.response 3 error invalid_argument")
	p.asks("connect", "sensor1", "4", `{"token":"`+s.token(t, "alice")+`"}`)
	p.gets("connect.response 4 ok")
	p.asks("connect", "sensor1", "5", `{"token":"`+s.token(t, "alice")+`"}`)
	p.gets("connect.response 5 error conflict")
	p.asks("send", "sensor2", "6", `{}`)
	p.gets("send.response 6 error invalid_argument")
	q := dial(t, s.DeviceAddr())
	q.asks("connect", "sensor1", "1", `{"token":"`+s.token(t, "bob")+`"}`)
	q.gets("connect.response 1 error permission_denied")
	q.asks("pull", "", "2", `{"chat":"device.sensor1"}`)
	q.gets("pull.response 2 error unauthenticated")
	service, err := s.keys.ForService("backend", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	q.asks("connect", "sensor1", "3", `{"token":"`+service+`"}`)
	q.gets("connect.response 3 ok")
}

// TestDeviceResponses: a back end answers a request once, wherever the device is.
func TestDeviceResponses(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, nil).run(t)
	s.account(t, "alice")
	token := s.token(t, "alice")
	p, connection := s.connects(t, "sensor1", token)
	respond := func(by chat.Caller, device string, a devicelog.Answer) (chat.Receipt, error) {
		return devicelog.Respond(chat.WithCaller(t.Context(), by), s.domain.Messages, device, a)
	}
	backend, other := chat.Caller{User: "backend", Service: true}, chat.Caller{User: "another", Service: true}
	for uid := range 3 {
		p.asks("measure", "sensor1", fmt.Sprint(uid), "null")
	}
	await(t, func() bool { return len(s.requests(t, "sensor1")) == 3 })
	first, err := respond(backend, "sensor1", devicelog.Answer{UID: "0", Data: json.RawMessage(`{ "next": 60 }`)})
	if err != nil || first.Duplicate {
		t.Errorf("the first response is %+v, %v", first, err)
	}
	if got := p.gets("measure.response 0 ok"); string(got.Data) != `{"next":60}` {
		t.Errorf("the response has %s", got.Data)
	}
	again, err := respond(other, "sensor1", devicelog.Answer{UID: "0", Connection: connection, Status: "ok", Data: json.RawMessage(`{"next":60}`)})
	if err != nil || again != (chat.Receipt{SendTime: first.SendTime, Duplicate: true}) {
		t.Errorf("the same response again is %+v, %v", again, err)
	}
	for _, c := range []struct {
		why    string
		by     chat.Caller
		device string
		answer devicelog.Answer
		want   chat.Code
	}{
		{"a second response", backend, "sensor1", devicelog.Answer{UID: "0"}, chat.Conflict},
		{"a second one of another service", other, "sensor1", devicelog.Answer{UID: "0", ErrorCode: "busy"}, chat.Conflict},
		{"no such request", backend, "sensor1", devicelog.Answer{UID: "9"}, chat.NotFound},
		{"no such connection", backend, "sensor1", devicelog.Answer{UID: "1", Connection: "c"}, chat.NotFound},
		{"no such device", backend, "sensor2", devicelog.Answer{UID: "1"}, chat.NotFound},
		{"the device's user", chat.Caller{User: "alice", Session: "s"}, "sensor1", devicelog.Answer{UID: "1"}, chat.PermissionDenied},
	} {
		if _, err := respond(c.by, c.device, c.answer); chat.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", c.why, err, c.want)
		}
	}
	_ = p.Close()
	if _, err := respond(backend, "sensor1", devicelog.Answer{UID: "1", ErrorCode: "busy", ErrorMessage: "later"}); err != nil {
		t.Error(err)
	}
	p, _ = s.connects(t, "sensor1", token) // nothing was acknowledged
	p.gets("measure.response 0 ok")
	if got := p.gets("measure.response 1 error busy"); got.ErrorMessage != "later" {
		t.Errorf("the error is %q", got.ErrorMessage)
	}

	both := make(chan error, 2) // two services answer at the same time
	for _, by := range []chat.Caller{backend, other} {
		go func() {
			_, err := respond(by, "sensor1", devicelog.Answer{UID: "2", Data: json.RawMessage(`"` + by.User + `"`)})
			both <- err
		}()
	}
	if a, b := <-both, <-both; (a == nil) == (b == nil) || chat.CodeOf(errors.Join(a, b)) != chat.Conflict {
		t.Errorf("two responses at the same time: %v, %v; want one conflict", a, b)
	}
	p.gets("measure.response 2 ok")
	p.types("Ping\n")
	p.sees("Pong\n")
}

// TestDeviceIsReleased: a service gives a device to another user, who gets later entries for the device.
func TestDeviceIsReleased(t *testing.T) {
	t.Parallel()
	s := startStack(t, true, nil).run(t)
	s.account(t, "alice", "bob")
	p, _ := s.connects(t, "sensor1", s.token(t, "alice"))
	s.backend(t, "sensor1", `{"kind":"push","action":"set","uid":"secret"}`)
	p.gets("set secret")
	by := chat.WithCaller(t.Context(), chat.Caller{User: "backend", Service: true})
	for _, c := range []chat.RoomChange{
		{Kind: chat.AddMembers, Users: []string{"bob"}}, {Kind: chat.PromoteMember, Users: []string{"bob"}}, {Kind: chat.RemoveMembers, Users: []string{"alice"}},
	} {
		c.Room = "device.sensor1"
		if _, err := s.domain.Rooms.ChangeRoom(by, c); err != nil {
			t.Fatal(err)
		}
	}
	p.gets("expired")
	p.closes()
	s.backend(t, "sensor1", `{"kind":"push","action":"set","uid":"new"}`)
	q, _ := s.connects(t, "sensor1", s.token(t, "bob"))
	q.gets("set new")
	r := dial(t, s.DeviceAddr())
	r.asks("connect", "sensor1", "1", `{"token":"`+s.token(t, "alice")+`"}`)
	r.gets("connect.response 1 error permission_denied")
}

// TestDeviceCommands: the same commands as over a WebSocket.
func TestDeviceCommands(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p, _ := s.connects(t, "sensor1", "")
	p.asks("watch", "sensor1", "1", `{"chat":"lab"}`)
	p.gets("watch.response 1 ok")
	p.asks("send", "sensor1", "2", `{"chat":"lab","sender":"sensor1","text":"warm"}`)
	seen := map[string]bool{}
	for range 2 { // in either order
		o := p.next()
		seen[o.Action] = true
		if o.Action == "push" && !strings.Contains(string(o.Data), `"type":"messages"`) {
			t.Errorf("the push is %s", o.Data)
		}
	}
	if !seen["send.response"] || !seen["push"] {
		t.Errorf("it reads %v", seen)
	}
	for uid, c := range map[string]struct{ action, data, want string }{
		"3": {"pull", `{"chat":"lab"}`, "pull.response 3 ok"},
		"4": {"read", `{"chat":"lab","reader":"sensor1","cursor":5}`, "read.response 4 ok"},
		"5": {"signal", `{"chat":"other","sender":"sensor1","signal":"typing"}`, "signal.response 5 ok"},
		"6": {"send", `{"chat":"lab","sender":"sensor1","text":"x","mistake":1}`, "send.response 6 error invalid_argument"},
		"7": {"send", `[1]`, "send.response 7 error invalid_argument"},
		"8": {"watch", `{"chat":"device.sensor1"}`, "watch.response 8 error invalid_argument"},
		"9": {"", `{}`, "response 9 error invalid_argument"},
	} {
		p.asks(c.action, "sensor1", uid, c.data)
		for {
			o := p.next()
			if o.Action == "push" { // the reading of the watched chat
				continue
			}
			if got := strings.TrimSpace(fmt.Sprintln(o.Action, o.UID, o.Status, o.ErrorCode)); got != c.want {
				t.Errorf("%s %s is answered %q, %s; want %q", c.action, c.data, got, o.ErrorMessage, c.want)
			}
			break
		}
	}
}

// TestDeviceObjects: several in a packet, one over many, frames, and mistakes that the connection survives.
func TestDeviceObjects(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p := dial(t, s.DeviceAddr())
	p.types(`{"action":"ping","uid":"1"}` + "\r\n\n" + `{"action":"ping","uid":"2"}` + "\nnonsense\n{\"action\":\n[]\n" + `{"action":"ping","uid":"3"}` + "\n")
	p.gets("ping.response 1 ok")
	p.gets("ping.response 2 ok")
	for range 3 {
		p.gets("response  error invalid_argument")
	}
	p.gets("ping.response 3 ok")
	p.types(strings.Repeat("x", 100_000) + "\n")
	p.gets("response  error too_large")
	for _, b := range []byte(`{"action":"ping","uid":"4"}` + "\n") {
		p.types(string([]byte{b}))
	}
	p.gets("ping.response 4 ok")
	big := strings.Repeat("y", 60_000)
	p.asks("send", "", "5", `{"chat":"lab","sender":"a","text":"`+big+`"}`)
	p.gets("send.response 5 error invalid_argument")

	q := dial(t, s.DeviceAddr())
	for _, text := range []string{"Ping", `{"action":"ping","uid":"1"}`} {
		q.types(string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) + text)
	}
	q.sees("\x00\x00\x00\x04Pong")
	want := `{"action":"ping.response","deviceUid":"","uid":"1","status":"ok","errorCode":"","errorMessage":"","data":{"type":"pong","ref":"1"}}`
	q.sees(string(binary.BigEndian.AppendUint32(nil, uint32(len(want)))) + want)
	q.types("\x7f\x00\x00\x00")
	got := make([]byte, 4)
	if _, err := q.read.Read(got); err != nil {
		t.Fatal(err)
	}
	if _, err := q.read.Discard(int(binary.BigEndian.Uint32(got))); err != nil {
		t.Fatal(err)
	}
	q.closes()
}

// TestFollowedChats: the chats that all of a user's devices follow are bounded. A refused watch changes nothing.
func TestFollowedChats(t *testing.T) {
	t.Parallel()
	for _, auth := range []bool{true, false} {
		s := startStack(t, auth, func(c *Config, _ *limits) { c.FollowedChats, c.AddressFollowedChats = 4, 4 }).run(t)
		token := ""
		if auth {
			s.account(t, "alice")
			for _, room := range []string{"r1", "r2", "r3"} {
				s.room(t, room, "alice")
			}
			token = s.token(t, "alice")
		}
		p, _ := s.connects(t, "sensor1", token) // each follows its own chat, too
		q, _ := s.connects(t, "sensor2", token)
		p.asks("watch", "sensor1", "1", `{"chat":"r1","cursor":9007199254740990}`)
		p.gets("watch.response 1 ok")
		p.asks("watch", "sensor1", "2", `{"chat":"r2","cursor":9007199254740990}`)
		p.gets("watch.response 2 ok")
		q.asks("watch", "sensor2", "3", `{"chat":"r3","cursor":9007199254740990}`)
		q.gets("watch.response 3 error resource_exhausted")
		p.asks("unwatch", "sensor1", "4", `{"chat":"r1"}`)
		p.gets("unwatch.response 4 ok")
		q.asks("watch", "sensor2", "5", `{"chat":"r3","cursor":9007199254740990}`)
		q.gets("watch.response 5 ok")
		_ = p.Close()
		await(t, func() bool { // its followed chats no longer count
			q.asks("watch", "sensor2", "6", `{"chat":"r1","cursor":9007199254740990}`)
			return q.next().Status == "ok"
		})
	}
}

// TestTheNewestConnection: of two connections of a device the newer one gets its entries.
func TestTheNewestConnection(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	p, _ := s.connects(t, "sensor1", "")
	q, _ := s.connects(t, "sensor1", "")
	p.gets("replaced")
	p.closes()
	s.backend(t, "sensor1", `{"kind":"push","action":"set","uid":"1"}`)
	q.gets("set 1")
}

// TestDevicesComeAndGo: a thousand connections that break leave nothing behind that would hold the next one up.
func TestDevicesComeAndGo(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(c *Config, _ *limits) { c.TCPMaxConnections = 50 }).run(t)
	for i := range 1000 {
		p := dial(t, s.DeviceAddr())
		p.types(`{"action":"ping","uid":"1"}` + "\n")
		if o := p.next(); o.Action == "full" {
			t.Fatalf("connection %d finds it full", i)
		}
		_ = p.Conn.(*net.TCPConn).SetLinger(0) // breaks it
		_ = p.Close()
		if i%40 == 39 { // those before may still be on their way out
			await(t, func() bool {
				p := dial(t, s.DeviceAddr())
				defer p.Close()
				p.types("Ping\n")
				got, _ := p.read.ReadString('\n')
				return got == "Pong\n"
			})
		}
	}
}

func TestDevicesDrain(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, func(c *Config, _ *limits) { c.TelnetAddr = "" })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	p, _ := s.connects(t, "sensor1", "")
	stop()
	p.sees(`{"action":"reconnect"}` + "\n")
	p.closes()
	_ = p.Close()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}

// TestUnacknowledged: while too much is unacknowledged, the rest waits.
func TestUnacknowledged(t *testing.T) {
	t.Parallel()
	s := startStack(t, false, nil).run(t)
	for i := range 1200 {
		s.backend(t, "sensor1", fmt.Sprintf(`{"kind":"push","action":"set","uid":"%d"}`, i))
	}
	p, _ := s.connects(t, "sensor1", "")
	for i := range 1000 {
		p.gets(fmt.Sprint("set ", i))
	}
	for i := range 500 {
		p.types("Ping\n") // nothing comes but its answer
		p.sees("Pong\n")
		p.asks("ack", "", fmt.Sprint(i), "null")
		if i < 499 {
			p.gets(fmt.Sprint("ack.response ", i, " ok"))
		}
	}
	for next, acknowledged := 1000, false; next < 1200 || !acknowledged; {
		o := p.next()
		if o.Action == "ack.response" {
			acknowledged = true
			continue
		}
		if o.UID != fmt.Sprint(next) {
			t.Fatalf("read %+v, want push %d", o, next)
		}
		next++
	}
}
