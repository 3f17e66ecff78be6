package gateway

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

const (
	maxBodyBytes = 65536
	// causeText is in the cause of every error of fakeService, and may be in no answer.
	causeText = "10.0.0.7:6379: connection refused"
)

// fakeService is a chat.Service that answers well, or with the code that it is told, or panics.
type fakeService struct {
	code atomic.Pointer[chat.Code]
}

const panics chat.Code = "panics"

func (f *fakeService) fail(code chat.Code) { f.code.Store(&code) }

func (f *fakeService) err() error {
	switch code := f.code.Load(); {
	case code == nil || *code == "":
		return nil
	case *code == panics:
		panic(causeText)
	default:
		return chat.Wrap(errors.New(causeText), *code, "told to fail")
	}
}

func (f *fakeService) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	return chat.Receipt{SendTime: 1795236409769968, Duplicate: m.ID != ""}, f.err()
}

func (f *fakeService) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	if r.Chat == "device.sensor1" {
		return chat.Page{Messages: []chat.Message{{Chat: r.Chat, Text: `{"kind":"request","uid":"1"}`, Sender: "alice", SendTime: 1}}}, f.err()
	}
	if r.Cursor > 0 {
		return chat.Page{NextCursor: r.Cursor}, f.err()
	}
	return chat.Page{
		Messages: []chat.Message{
			{Chat: r.Chat, Text: "hello", Sender: "alice", SendTime: 1795236409769968},
			{Chat: r.Chat, Text: "hello", Sender: "bob", ID: "1", SendTime: chat.MaxSendTime},
		},
		NextCursor: chat.MaxCursor,
	}, f.err()
}

func (f *fakeService) Ready(context.Context) error { return f.err() }

// fakeLive is the chat.Live that fails as its fakeService does. Its watches hear of nothing.
type fakeLive struct {
	chattest.Silent
	service *fakeService
}

func (f fakeLive) Signal(context.Context, chat.Signal) error { return f.service.err() }

func (f fakeLive) Read(_ context.Context, r chat.ReadRequest) (int64, error) {
	return r.Reading.Cursor, f.service.err()
}

func (f fakeLive) Present(_ context.Context, name string) ([]string, error) {
	if name == "empty" {
		return nil, f.service.err()
	}
	return []string{"alice", "bob/phone"}, f.service.err()
}

// fakeDeliveries are deliveries that answer well, or fail as their fakeService does.
type fakeDeliveries struct{ service *fakeService }

func (f fakeDeliveries) Deliver(_ context.Context, d chat.Delivery) (chat.Delivered, error) {
	return chat.Delivered{Position: d.Position}, f.service.err()
}

func (f fakeDeliveries) Receipts(context.Context, chat.MessageReceiptsRequest) (chat.MessageReceipts, error) {
	return chat.MessageReceipts{Recipients: 1, DeliveredTo: []string{"bob"}}, f.service.err()
}

// liveOf returns the parts of a service beside the log.
func liveOf(service chat.Service) chat.Live {
	switch service := service.(type) {
	case chat.Live:
		return service
	case *fakeService:
		return fakeLive{service: service}
	}
	return chattest.Silent{}
}
