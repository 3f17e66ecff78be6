package test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/redistest"
)

// cable is a way to a server that can be cut.
type cable struct {
	listener net.Listener
	to       string
	mutex    sync.Mutex
	conns    []net.Conn
}

func lay(t *testing.T, base string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener, to: strings.TrimPrefix(base, "http://")}
	var carrying sync.WaitGroup
	carrying.Go(func() { c.carry(&carrying) })
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		carrying.Wait()
	})
	return c
}

func (c *cable) carry(carrying *sync.WaitGroup) {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		c.mutex.Lock()
		c.conns = append(c.conns, near, far)
		c.mutex.Unlock()
		for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
			carrying.Go(func() {
				_, _ = io.Copy(ends[0], ends[1])
				_ = ends[0].Close()
			})
		}
	}
}

func (c *cable) cut() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// TestClientFollowsAnInbox at both transports: unread messages, new messages, chats that begin, and through breaks each
// message once.
func TestClientFollowsAnInbox(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	for name, over := range map[string]client.Transport{"sse": client.ServerSentEvents, "ws": client.WebSocket} {
		t.Run(name, func(t *testing.T) {
			me := "bob-" + name
			writer, err := client.New(s.url, http.DefaultClient)
			if err != nil {
				t.Fatal(err)
			}
			send := func(from string, n int) {
				t.Helper()
				m := client.Message{Chat: from + ":" + me, Sender: from, Text: fmt.Sprint(n)}
				if _, err := writer.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			way := lay(t, s.url)
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			reader, err := client.New("http://"+way.listener.Addr().String(), &http.Client{Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			const last = 12
			send("ann", 1)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			next := 1
			for m, err := range reader.Follow(ctx, client.FollowRequest{Inbox: true, Reader: me, Over: over}) {
				if err != nil {
					t.Fatalf("Follow() = %v", err)
				}
				if want := fmt.Sprint(next); m.Text != want {
					t.Fatalf("message %s of %s came, want %s", m.Text, m.Chat, want)
				}
				if next == last {
					return
				}
				next++
				if next%3 == 0 {
					way.cut()
				}
				send([]string{"ann", "carol", fmt.Sprint("new-", next)}[next%3], next)
			}
		})
	}
}
