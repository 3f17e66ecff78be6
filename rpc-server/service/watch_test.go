package service

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cloudwego/gopkg/protocol/thrift"
	"github.com/cloudwego/gopkg/protocol/ttheader"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/rpc-server/handler"
)

// observed is a chat.Live whose watches a test gets, and confirm at once.
type observed struct {
	chattest.Silent
	opened chan *observedWatch
}

type observedWatch struct {
	*events.Queue
	closed chan struct{}
}

func newObserved() *observed { return &observed{opened: make(chan *observedWatch, 100)} }

func (o *observed) Watch() chat.Watch {
	w := &observedWatch{Queue: events.New(), closed: make(chan struct{})}
	o.opened <- w
	return w
}

func (w *observedWatch) Add(ids ...chat.ID) {
	for _, id := range ids {
		w.Put(chat.Event{Chat: id, Kind: chat.Hint, Position: 1})
	}
}

func (w *observedWatch) Remove(...chat.ID) {}

func (w *observedWatch) Close() {
	w.Queue.Close()
	close(w.closed)
}

// TestStopDoesNotWaitForStreams: Kitex would, as for calls.
func TestStopDoesNotWaitForStreams(t *testing.T) {
	live, store := newObserved(), &closer{}
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: live}, store, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	watch := connect(t, server).Watch()
	t.Cleanup(watch.Close)
	id, _ := chat.ParseID("room")
	watch.Add(id)
	if got, err := watch.Next(t.Context()); err != nil || len(got) != 1 {
		t.Fatalf("Next() = %v, %v; want the confirmation", got, err)
	}
	start := time.Now()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if took := time.Since(start); took > drainTimeout-time.Second { // 0.15 s, on a machine that has the time
		t.Errorf("the stop took %v, want it not to wait for the stream", took)
	}
	if opened := <-live.opened; store.closed.Load() == 1 {
		<-opened.closed
	}
}

// TestAGatewayThatDoesNotRead loses its connection, and nothing waits for it any more.
func TestAGatewayThatDoesNotRead(t *testing.T) {
	live := newObserved()
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: live}, &closer{}, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	server.listener.unreadFor = 300 * time.Millisecond
	run(t, server)
	conn := dial(t, server)
	if _, err := conn.Write(frame(ttheader.FrameTypeHeader, nil, 0)); err != nil {
		t.Fatal(err)
	}
	watch := <-live.opened
	id, _ := chat.ParseID("room")
	news := make([]chat.Event, events.MaxNews)
	for i := range news {
		news[i] = chat.Event{Chat: id, Kind: chat.Signalled, Signal: &chat.Signal{
			Chat: "room", Sender: "alice", Type: "typing", Data: strings.Repeat("x", chat.MaxSignalBytes),
		}}
	}
	deadline := time.After(30 * time.Second)
	for {
		watch.Put(news...)
		select {
		case <-watch.closed:
			return
		case <-deadline:
			t.Fatal("the stream of a gateway that reads nothing is open still")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestHostileStreams end at most themselves: another gateway's goes on, and hears.
func TestHostileStreams(t *testing.T) {
	live := newObserved()
	server, err := ListenOver(handler.Services{Messages: chattest.OneByOne{Service: &holding{}}, Live: live}, &closer{}, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	run(t, server)
	watch := connect(t, server).Watch()
	t.Cleanup(watch.Close)
	id, _ := chat.ParseID("room")
	hello := frame(ttheader.FrameTypeHeader, nil, 0)
	whole := thrift.FastMarshal(&rpc.WatchRequest{Add: []string{"a", "no chat", strings.Repeat("x", 1<<20)}})
	for name, frames := range map[string][][]byte{
		"a header, and nothing":        {hello},
		"the same stream twice":        {hello, hello},
		"data of no stream":            {frame(ttheader.FrameTypeData, whole, 0)},
		"a request that is cut short":  {hello, frame(ttheader.FrameTypeData, whole[:7], 0)},
		"a list of 2,000,000,000":      {hello, frame(ttheader.FrameTypeData, []byte("\x0f\x00\x01\x0b\x77\x00\x00\x00"), 0)},
		"a request of all sorts":       {hello, frame(ttheader.FrameTypeData, whole, 0)},
		"no request":                   {hello, frame(ttheader.FrameTypeData, nil, 0)},
		"a kind of frame that is none": {hello, frame("9", whole, 0)},
		"no method":                    {[]byte(strings.ReplaceAll(string(hello), "Watch", "Xatch"))},
		"a reset without a reason":     {hello, frame(ttheader.FrameTypeRst, nil, 0)},
		"a request of a gigabyte":      {hello, frame(ttheader.FrameTypeData, whole, 1<<30)},
		"a request of 4 gigabytes":     {hello, frame(ttheader.FrameTypeData, whole, 1<<32-1)},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, server)
			for _, frame := range frames {
				_, _ = conn.Write(frame)
			}
			watch.Add(id)
			if got, err := watch.Next(t.Context()); err != nil || len(got) != 1 {
				t.Errorf("Next() of another gateway = %v, %v; want the confirmation", got, err)
			}
		})
	}
}

func dial(t *testing.T, server *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// frame is one of stream 1 of Watch, as Kitex sends it; it claims to be longer than it is by more.
func frame(kind string, payload []byte, claimed uint32) []byte {
	bytes, err := ttheader.EncodeToBytes(context.Background(), ttheader.EncodeParam{
		Flags: ttheader.HeaderFlagsStreaming, SeqID: 1, ProtocolID: ttheader.ProtocolIDThriftStruct,
		IntInfo: map[uint16]string{ttheader.FrameType: kind, ttheader.ToMethod: "Watch"},
		StrInfo: map[string]string{ttheader.HeaderIDLServiceName: "IMService"},
	})
	if err != nil {
		panic(err)
	}
	bytes = append(bytes, payload...)
	if claimed == 0 {
		claimed = uint32(len(bytes) - 4)
	}
	binary.BigEndian.PutUint32(bytes, claimed)
	return bytes
}
