package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestStrayBytes: bytes from the client of a stream have no meaning, and too many of them end the stream.
func TestStrayBytes(t *testing.T) {
	t.Parallel()
	clients(t, func(t *testing.T, d testGateway, connect func() wire) {
		client := connect()
		in := client.events(t, "/api/stream?chat=room", "")
		reads(t, in, streamBegins)
		client.ask(t, strings.Repeat("x", strayBytes-1))
		for at := 1000; at < 1100; at++ { // until they have been read
			d.send(t, "room", "alice", "hello")
			reads(t, in, pageEvent(fmt.Sprint("room=", at+1), "room", at+1, message("room", "hello", "alice", at)))
		}
		client.ask(t, "x")
		_ = client.SetReadDeadline(time.Now().Add(patience))
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("after %d bytes %q, %v come; want the end", strayBytes, rest, err)
		}
		d.untilConnections(t, 0)
	})
}

// TestABigPage: a client that reads it slowly has the time of a part for each piece, and one that stops has no more.
func TestABigPage(t *testing.T) {
	t.Parallel()
	const part, step = 2 * time.Second, 64 << 10
	g := runConfig(t, &largeService{}, Config{}, func(l *limits) { l.part = part })
	for name, stops := range map[string]bool{"steady": false, "stops": true} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, g.addr)
			if tcp, ok := client.Conn.(*net.TCPConn); !ok || tcp.SetReadBuffer(step) != nil {
				t.Fatal("the client's buffer cannot be set")
			}
			in := client.events(t, "/api/stream?chat=a", "")
			began, read := time.Now(), 0
			if stops {
				g.untilConnections(t, 1)
				g.untilConnections(t, 0)
				if n, err := io.Copy(io.Discard, in); n >= 32<<20 {
					t.Errorf("the client reads %d bytes, %v; want a part of the page", n, err)
				}
				return
			}
			tick := time.NewTicker(8 * time.Millisecond) // 8 MB/s, so that the page takes two parts
			defer tick.Stop()
			for piece := make([]byte, step); read < 32<<20; <-tick.C {
				n, err := io.ReadFull(in, piece)
				if read += n; err != nil {
					t.Fatalf("after %v and %d bytes: %v", time.Since(began), read, err)
				}
			}
			if took := time.Since(began); took < 3*part/2 {
				t.Errorf("the page took %v, want longer than the time of a part, %v", took, part)
			}
		})
	}
}

// TestFirstEventID: already the first event's has all chats of the stream.
func TestFirstEventID(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	query := ""
	for i := range maxNamed {
		d.send(t, fmt.Sprint("room", i), "alice", "hello")
		query += fmt.Sprint("&chat=room", i)
	}
	for range 20 { // which comes first is a matter of luck
		stream := follows(t, d, "/api/stream?cursor=0"+query, "")
		stream.texts(t, 1)
		if n := strings.Count(stream.id, "="); n != maxNamed {
			t.Fatalf("the first id has %d chats, want %d: %s", n, maxNamed, stream.id)
		}
	}
}

// maxNamed is how many chats a stream may name.
const maxNamed = 100

// TestBatchKeepsPresenceNotBack: messages wait for a minute, and who is present is told.
func TestBatchKeepsPresenceNotBack(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	client := dial(t, d.addr)
	_ = client.SetReadDeadline(time.Now().Add(patience))
	in := bufio.NewReader(client.events(t, "/api/stream?chat=room&reader=alice&batch=60s", ""))
	presents(t, in, `{"chat":"room","readers":["alice"],"count":1}`)
	d.send(t, "room", "bob", "one")
	presents(t, in, fmt.Sprintf(`{"chat":"room","messages":[%s],"has_more":false,"next_cursor":1001}`, message("room", "one", "bob", 1000)))
	d.send(t, "room", "bob", "two") // is held back, and is before who comes now
	dial(t, d.addr).events(t, "/api/stream?chat=room&reader=bob", "")
	next := ""
	for !strings.Contains(next, "data: ") {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		next = line
	}
	if want := "data: " + `{"chat":"room","readers":["alice","bob"],"count":2}` + "\n"; next != want {
		t.Errorf("after a page comes %q, want %q", next, want)
	}
}
