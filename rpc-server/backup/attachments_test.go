package backup

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestAttachmentsAreImported: those of messages, each counted once for its sender, and no others.
func TestAttachmentsAreImported(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from, to := newPlace(t, url, "from"), newPlace(t, url, "to")
	now := time.Now()
	for name, state := range map[string]chat.AttachmentState{"SENT": chat.AttachmentConfirmed, "OTHER": chat.AttachmentConfirmed} {
		a := chat.Attachment{Sender: "ann", Name: "a.png", Bytes: 5000, Type: "image/png", State: state, Created: now.UnixMicro()}
		if err := from.store.AddAttachment(context.Background(), chat.AttachmentRef{Chat: chattest.ID(t, "ann:bob"), ID: name}, a, now); err != nil {
			t.Fatal(err)
		}
	}
	appended := from.store.Append(context.Background(), []chat.Append{{Chat: chattest.ID(t, "ann:bob"), Attachment: "SENT", Message: chat.Message{
		Sender: "ann", Text: "a file", Content: &chat.Content{Type: "file", Body: `{"attachment":"SENT"}`},
	}}})
	if appended[0].Err != nil {
		t.Fatal(appended[0].Err)
	}
	for range 2 {
		to.imports(from.exports())
	}
	ref := chat.AttachmentRef{Chat: chattest.ID(t, "ann:bob"), ID: "SENT"}
	want, err := from.store.FindAttachment(context.Background(), ref)
	if err != nil || want.State != chat.AttachmentSent || want.SendTime != appended[0].SendTime {
		t.Fatalf("FindAttachment() = %+v, %v", want, err)
	}
	if got, err := to.store.FindAttachment(context.Background(), ref); err != nil || got != want {
		t.Errorf("the imported attachment is %+v, %v; want %+v", got, err, want)
	}
	if there, err := to.store.HasMessage(context.Background(), ref, want.SendTime); err != nil || !there {
		t.Errorf("HasMessage() = %v, %v", there, err)
	}
	if all, err := to.store.ListAttachments(context.Background(), ref.Chat); err != nil || len(all) != 1 {
		t.Errorf("the imported attachments are %v, %v; want one", all, err)
	}
	if total, err := to.redis.HGet(context.Background(), to.keys.Files("ann"), "").Result(); err != nil || total != "5000" {
		t.Errorf("the files of ann count %q, %v; want 5000", total, err)
	}
	for _, bad := range []string{
		`{"kind":"attachment","chat":"ann:bob","attachment":"A","stored":"x"}`,
		`{"kind":"attachment","chat":"a b","attachment":"A","stored":"s 0000000000000005 ann {\"bytes\":5}"}`,
		`{"kind":"attachment","chat":"ann:bob","attachment":"A","stored":"c 0000000000000000 ann {\"bytes\":5}"}`,
	} {
		if err := to.importer(ImportOptions{}).Run(context.Background(), strings.NewReader(file(bad))); err == nil {
			t.Errorf("%s is imported", bad)
		}
	}
}
