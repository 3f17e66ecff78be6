package service

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/rpc-server/handler"
)

// TestHostileBytes: bytes that are not a call, or a call that cannot be read, end at most their connection; other calls
// are answered.
func TestHostileBytes(t *testing.T) {
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: chattest.Silent{}}, &closer{}, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	run(t, server)
	client := connect(t, server)
	call := append([]byte{0x80, 1, 0, 1, 0, 0, 0, 4}, "Pull\x00\x00\x00\x01"...) // a binary call, to which arguments follow
	batch := append([]byte{0x80, 1, 0, 1, 0, 0, 0, 9}, "SendBatch\x00\x00\x00\x01"...)
	framed := func(body []byte, claimed uint32) []byte {
		return append(binary.BigEndian.AppendUint32(nil, claimed), body...)
	}
	listed := append(batch, "\x0c\x00\x01\x0f\x00\x01\x0c\x70\x00\x00\x00\x00\x00\x00"...) // its argument is read, not skipped
	whole := func(arguments string) []byte {
		body := append(append([]byte{}, call...), arguments...)
		return framed(body, uint32(len(body)))
	}
	for name, bytes := range map[string][]byte{
		"HTTP":                         []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		"nothing but zeros":            make([]byte, 1<<16),
		"a frame of 2 GB":              framed(call, 1<<31-1),
		"a frame of 4 GB":              framed(call, 1<<32-1),
		"a field of an unknown type":   whole("\x0c\x00\x01\xd7\x00\x09\x00"),
		"a text of 2 GB":               whole("\x0c\x00\x01\x0b\x00\x01\x7f\xff\xff\xff"),
		"a text of negative length":    whole("\x0c\x00\x01\x0b\x00\x01\xff\xff\xff\xff"),
		"a list of 2,000,000,000":      whole("\x0c\x00\x01\x0f\x00\x01\x0c\x7f\xff\xff\xff"),
		"a batch of 1,900,000,000":     framed(listed, uint32(len(listed))),
		"a map of negative size":       whole("\x0c\x00\x01\x0d\x00\x09\x0c\x0c\xff\xff\xff\xff"),
		"structs without end":          whole("\x0c\x00\x01" + nested(100_000)),
		"a header that claims 4 GB":    {0xff, 0xff, 0xff, 0xff, 0x10, 0x00, 0, 0, 0, 0, 0, 1, 0xff, 0xff},
		"an unknown method, unframed":  append([]byte{0x80, 1, 0, 1, 0, 0, 0, 4}, "Xxxx\x00\x00\x00\x01\x00"...),
		"a method of 2 GB, unframed":   {0x80, 1, 0, 1, 0x7f, 0xff, 0xff, 0xff},
		"half a call, then the end":    whole("")[:10],
		"arguments that are cut short": framed(append(append([]byte{}, call...), 0x0c, 0x00), uint32(len(call)+2)),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(300 * time.Millisecond)) // some wait for more
			_, _ = conn.Write(bytes)
			_, _ = io.Copy(io.Discard, conn)
			if _, err := client.Pull(t.Context(), chat.PullRequest{Chat: "room"}); err != nil {
				t.Errorf("Pull() on another connection = %v, want nil", err)
			}
		})
	}
}

// nested is structs in structs, in an unknown field.
func nested(depth int) string {
	fields := make([]byte, 0, 3*depth)
	for range depth {
		fields = append(fields, 0x0c, 0x00, 0x09)
	}
	return string(fields)
}
