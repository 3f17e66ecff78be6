package test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/gen/apache/rpc"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestApacheThrift: a client that Apache's own compiler generated from the IDL sends and pulls, with either of the
// two transports that Apache Thrift servers speak.
func TestApacheThrift(t *testing.T) {
	t.Parallel()
	store, err := storage.Open(redistest.Start(t).URL(), storage.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	server, err := service.ListenOver(handler.Services{Messages: chat.NewMessageService(store, chat.Access{}, conformance.Limits), Live: chat.NewLiveService(store, chat.Access{})}, store, "127.0.0.1:0", quiet())
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	configuration := &thrift.TConfiguration{}
	for name, factory := range map[string]thrift.TTransportFactory{
		"framed":   thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), configuration),
		"buffered": thrift.NewTBufferedTransportFactory(8 << 10),
	} {
		t.Run(name, func(t *testing.T) {
			transport, err := factory.GetTransport(thrift.NewTSocketConf(server.Addr().String(), configuration))
			if err != nil {
				t.Fatal(err)
			}
			if err := transport.Open(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = transport.Close() }()
			talkThrift(t, rpc.NewIMServiceClientFactory(transport, thrift.NewTBinaryProtocolFactoryConf(configuration)), name)
		})
	}
}

func talkThrift(t *testing.T, client *rpc.IMServiceClient, room string) {
	ctx := context.Background()
	id := "1"
	message := &rpc.Message{Chat: room, Sender: "alice", Text: "héllo", ID: &id}
	sent, err := client.Send(ctx, &rpc.SendRequest{Message: message})
	if err != nil || sent.Code != 0 || sent.Msg != "success" || sent.GetSendTime() == 0 {
		t.Fatalf("Send() = %v, %v; want success", sent, err)
	}
	again, err := client.Send(ctx, &rpc.SendRequest{Message: message})
	if err != nil || !again.GetDuplicate() || again.GetSendTime() != sent.GetSendTime() {
		t.Errorf("Send() again = %v, %v; want a duplicate", again, err)
	}
	// As the first version of the IDL had it: no id, no reverse.
	if old, err := client.Send(ctx, &rpc.SendRequest{Message: &rpc.Message{Chat: room, Sender: "bob", Text: "2"}}); err != nil || old.Code != 0 {
		t.Errorf("Send() without an id = %v, %v; want success", old, err)
	}
	pulled, err := client.Pull(ctx, &rpc.PullRequest{Chat: room, Limit: 1})
	if err != nil || pulled.Code != 0 || len(pulled.Messages) != 1 || !pulled.GetHasMore() {
		t.Fatalf("Pull() = %v, %v; want the first message and more", pulled, err)
	}
	if got := pulled.Messages[0]; got.Text != message.Text || got.Chat != room || got.SendTime != sent.GetSendTime() || got.GetID() != id {
		t.Errorf("Pull() = %v, want what was sent", got)
	}
	reverse := true
	newest, err := client.Pull(ctx, &rpc.PullRequest{Chat: room, Limit: 1, Reverse: &reverse})
	if err != nil || len(newest.Messages) != 1 || newest.Messages[0].Text != "2" || newest.GetNextCursor() != sent.GetSendTime() {
		t.Errorf("Pull(reverse) = %v, %v; want the newest", newest, err)
	}
	refused, err := client.Pull(ctx, &rpc.PullRequest{Chat: "", Limit: 1})
	if err != nil || refused.Code != int32(rpc.Code_INVALID_ARGUMENT) || !strings.Contains(refused.Msg, "chat is empty") {
		t.Errorf("Pull(no chat) = %v, %v; want invalid_argument", refused, err)
	}
	if ready, err := client.Ready(ctx, &rpc.ReadyRequest{}); err != nil || ready.Code != 0 {
		t.Errorf("Ready() = %v, %v; want success", ready, err)
	}
}
