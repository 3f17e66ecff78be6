package storage_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestSentOrRemoved: files that are due are sent while two servers remove them. Each is in a message and there, or neither.
func TestSentOrRemoved(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"embedded": "redis://" + miniredis.RunT(t).Addr(), "real": redistest.Start(t).URL()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock, files := conformance.NewClock(), chattest.NewFiles()
			store := open(t, url, conformance.Options{Clock: clock, IdempotencyWindow: time.Hour})
			service := chat.NewAttachmentService(store, chat.Access{}, files, chat.AttachmentOptions{MaxBytes: 100, Types: []string{"*/*"}, Now: clock.Now})
			messages := chat.NewMessageService(store, chat.Access{}, conformance.Limits)
			messages.Files = service
			const chats, each = 5, 10
			var ids []string
			for i := range chats * each {
				where := fmt.Sprintf("ann:user%d", i%chats)
				upload, err := service.CreateAttachment(t.Context(), chat.NewAttachment{Chat: where, Sender: "ann", Name: "a", Bytes: 5, Type: "a/b"})
				if err != nil {
					t.Fatal(err)
				}
				files.Upload(upload.Request.URL, "hello")
				if _, err := service.ConfirmAttachment(t.Context(), chat.AttachmentRequest{Chat: where, ID: upload.ID}); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, upload.ID)
			}
			clock.Add(25 * time.Hour)
			sent := make([]bool, len(ids))
			var running sync.WaitGroup
			running.Go(func() {
				for i, id := range ids {
					_, err := messages.Send(t.Context(), chat.Message{
						Chat: fmt.Sprintf("ann:user%d", i%chats), Sender: "ann", Text: "a file",
						Content: &chat.Content{Type: "file", Body: chat.Object(fmt.Sprintf(`{"attachment":%q}`, id))},
					})
					if code := chat.CodeOf(err); code != "" && code != chat.NotFound {
						t.Errorf("Send() = %v", err)
					}
					sent[i] = err == nil
				}
			})
			for range 2 {
				running.Go(func() {
					for range 5 {
						if err := service.Settle(t.Context()); err != nil {
							t.Errorf("Settle() = %v", err)
						}
					}
				})
			}
			running.Wait()
			clock.Add(chat.AttachmentLease) // one server finishes the other's work
			if err := service.Settle(t.Context()); err != nil {
				t.Errorf("Settle() = %v", err)
			}
			there := map[string]bool{}
			for _, id := range files.All() {
				there[id] = true
			}
			for i, id := range ids {
				if there[id] != sent[i] {
					t.Errorf("file %d was sent: %v, and it is there: %v", i, sent[i], there[id])
				}
			}
		})
	}
}
