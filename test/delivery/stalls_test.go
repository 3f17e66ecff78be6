package delivery

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestStalledReaders: readers take nothing from their sockets while more is written to their chats than sockets hold.
// Other readers get it meanwhile. The stalled ones get all of it once they read again.
func TestStalledReaders(t *testing.T) { eachMode(t, []string{"off"}, stallReaders) }

func stallReaders(t *testing.T, auth *programtest.Auth) {
	s := startStack(t, auth, redistest.Start(t), direct, neverSwept)
	chats := s.rooms(t)[:10]
	a, w := newAudience(t, s), newWriting(t, s)
	for i, over := range ofClients {
		a.steady(i, over, chats, false)
	}
	again := make(chan struct{})
	for _, over := range append(slices.Clone(ofClients), overDevice) {
		a.trusts("takes nothing for a while", over, chats, stalling(again))
	}
	for i := 0; i < len(chats) && !auth.On(); i += 2 { // with accounts, they would share their user's read cursors
		stalled := a.stack.personOf(t, fmt.Sprint("a.", i+1), chats[i:i+2])
		stalled.dial = stalling(again).DialContext
		a.listens("takes nothing for a while", stalled, false)
	}
	began := time.Now()
	w.padding = strings.Repeat("x", 4000)
	each := 100 // 4 MB for each reader: more than Linux buffers for a reader that does not read
	if long() {
		each = 500
	}
	w.burst(chats, each)
	a.catchUp("while others take nothing", w.acknowledged(chats))
	close(again)
	report(t, a.judge("readers that take nothing", 1, w.logs(chats), began))
}

// stalling is a transport whose connections read a little, then nothing until again is closed.
func stalling(again <-chan struct{}) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		return &stallingConn{Conn: conn, again: again}, nil
	}}
}

type stallingConn struct {
	net.Conn
	again <-chan struct{}
	read  int
}

func (c *stallingConn) Read(p []byte) (int, error) {
	if c.read > 16<<10 {
		<-c.again
	}
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}
