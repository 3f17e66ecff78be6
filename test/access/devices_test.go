package access

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
	tcpgateway "github.com/pullchat/pullchat/tcp-server/gateway"
)

// devicePolicy says which callers may connect which device, and ask something of back ends over it. framePolicy says which callers
// may execute which command over a connection of an own device.
const devicePolicy = `
in   action   no   old  fake alg0 other out  gone in   admin svc   device

# The admin's. A service may connect a device that has an owner.
same connect  401  exp  inv  inv  403  403  403  403  ok   ok    {device}
own  measure  401  exp  inv  inv  403  403  403  403  ok   ok    {device}

# One that was never connected belongs to the user who connects it.
same connect  401  exp  inv  inv  ok   ok   ok   ok   ok   404   {new}
own  measure  401  exp  inv  inv  ok   ok   ok   ok   ok   404   {new}
`

// TestDevices tries devicePolicy and framePolicy over connections of devices.
func TestDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addr := w.startTCP(t).DeviceAddr().String()
	connections := 0
	devices := rowsOf(t, devicePolicy, httpColumns, 1)
	for i, r := range append(devices, rowsOf(t, framePolicy, httpColumns, 1)...) {
		t.Run(r.name+" "+r.request, func(t *testing.T) {
			for _, by := range httpColumns {
				in := w.shared
				if r.scene != "same" && allowed(r.want[by]) {
					in = w.another(t)
				}
				connections++
				request := w.fill(t, r.request, in, by)
				uid := fmt.Sprint("box", connections)
				switch {
				case i < len(devices):
					uid = request
				case by == service:
					uid = in.device()
				}
				d := w.device(t, addr)
				got := d.asks(r.name, request, uid, w.token(t, by, in))
				_ = d.conn.Close()
				if told(got, request, in) {
					got.outcome += "*"
				}
				if got.outcome != r.want[by] {
					t.Errorf("%s %s by %q = %s, want %s; the answer is %s", r.name, request, by, got.outcome, r.want[by], got.body)
				}
			}
		})
	}
}

// startTCP starts a tcp-server.
func (w *world) startTCP(t *testing.T) *tcpgateway.Server {
	t.Helper()
	calls, err := rpcclient.New(rpcclient.Config{RPCServers: []string{w.rpc}, RPCSecret: rpcSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(calls.Close)
	server, err := tcpgateway.Listen(tcpgateway.Config{
		Endpoints: tcpgateway.Endpoints{DeviceAddr: "127.0.0.1:0", DeviceIdle: time.Minute, TelnetAddr: "127.0.0.1:0", TelnetIdle: time.Minute},
		Trust:     tcpgateway.Trust{Auth: "on", Token: token.Config{AuthSecret: authSecret}, AccessTokenTTL: time.Hour},
	}, calls.Services(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return server
}

// device is one connection of a device.
type device struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Scanner
}

func (w *world) device(t *testing.T, addr string) *device {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return &device{t, conn, bufio.NewScanner(conn)}
}

// asks connects and makes a request. The answer is its response; of a watch, with all that follows up to the event that a user in a scene
// waits for. A request whose connect is refused is made too, and must be refused.
func (d *device) asks(action, request, uid, token string) answer {
	d.t.Helper()
	connected := d.ask("connect", uid, fmt.Sprintf(`{"token":%q}`, token))
	if action == "connect" {
		return connected
	}
	data := "null"
	if strings.Contains(request, "=") {
		data, _, _ = fields(request, false)
	}
	got := d.ask(action, "", data)
	switch {
	case connected.outcome != "ok" && got.outcome != "401":
		d.t.Errorf("%s after a refused connect = %+v, want 401", action, got)
	case connected.outcome != "ok":
		return connected
	case got.outcome == "ok" && action == "watch":
		for !awaited(got.body) {
			got.body += d.next()
		}
	}
	return got
}

// ask makes a request. One for back ends has no response, if it is not refused: then that of the next Ping comes.
func (d *device) ask(action, uid, data string) answer {
	d.t.Helper()
	_, err := fmt.Fprintf(d.conn, `{"action":%q,"deviceUid":%q,"uid":%q,"data":%s}`+"\nPing\n", action, uid, action, data)
	if err != nil {
		d.t.Fatal(err)
	}
	got := answer{"ok", ""}
	for {
		line := d.next()
		if line == "Pong" {
			return got
		}
		var o struct {
			UID, ErrorCode, ErrorMessage string
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			d.t.Fatalf("%s: %v", line, err)
		}
		if got.body += line; o.UID == action && o.ErrorCode != "" {
			got.outcome = refusal([]byte(fmt.Sprintf(`{"code":%q,"message":%q}`, o.ErrorCode, o.ErrorMessage)))
		}
	}
}

func (d *device) next() string {
	d.t.Helper()
	if !d.read.Scan() {
		d.t.Fatalf("no object comes: %v", d.read.Err())
	}
	return d.read.Text()
}
