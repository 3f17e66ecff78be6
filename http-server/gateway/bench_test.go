package gateway

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// BenchmarkSend measures a gateway's work for POST /api/send without the call of an rpc-server: a connection stays
// open, and the log is at LOG_LEVEL=warn. All counted allocations are the gateway's; the client makes none.
func BenchmarkSend(b *testing.B) {
	for _, c := range []struct {
		name   string
		config Config
	}{
		{"plain", Config{}},
		{"with LOGIN_RATE", Config{LoginRate: ratelimit.Rate{Requests: 10, Per: time.Minute}}}, // the default
	} {
		b.Run(c.name, func(b *testing.B) {
			c.config.HTTPAddr, c.config.MaxBodyBytes = "127.0.0.1:0", maxBodyBytes
			log := slog.New(slog.DiscardHandler)
			server, err := Listen(c.config, chat.Services{Messages: &fakeService{}, Live: chattest.Silent{}}, log)
			if err != nil {
				b.Fatal(err)
			}
			chattest.Run(b, server)
			body := fmt.Sprintf(`{"chat":"wrk.7","sender":"alice","text":"%s"}`, strings.Repeat("x", 40))
			request := fmt.Appendf(nil, "POST /api/send HTTP/1.1\r\nContent-Length: %d\r\nContent-Type: application/json\r\nHost: bench\r\n\r\n%s", len(body), body)
			conn, err := net.Dial("tcp", server.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			answer := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(request); err != nil {
					b.Fatal(err)
				}
				n, err := conn.Read(answer)
				if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200 ")) {
					b.Fatalf("%v\n%s", err, answer[:n])
				}
			}
		})
	}
}
