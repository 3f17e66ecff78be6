package chat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
)

var errCrashed = errors.New("the server has crashed")

// mortal is the stores of an AttachmentService that crashes: only some writes are made.
type mortal struct {
	chat.AttachmentStore
	files *chattest.Files
	left  int // writes until the crash
}

func (m *mortal) dies() error {
	if m.left--; m.left < 0 {
		return errCrashed
	}
	return nil
}

func (m *mortal) AddAttachment(ctx context.Context, ref chat.AttachmentRef, a chat.Attachment, look time.Time) error {
	if err := m.dies(); err != nil {
		return err
	}
	return m.AttachmentStore.AddAttachment(ctx, ref, a, look)
}

func (m *mortal) SetAttachment(ctx context.Context, ref chat.AttachmentRef, was chat.StoredAttachment, state chat.AttachmentState) (bool, error) {
	if err := m.dies(); err != nil {
		return false, err
	}
	return m.AttachmentStore.SetAttachment(ctx, ref, was, state)
}

func (m *mortal) ChargeFile(ctx context.Context, user string, ref chat.AttachmentRef, bytes, quota int64) (bool, error) {
	if err := m.dies(); err != nil {
		return false, err
	}
	return m.AttachmentStore.ChargeFile(ctx, user, ref, bytes, quota)
}

func (m *mortal) ReturnCharge(ctx context.Context, user string, ref chat.AttachmentRef) error {
	if err := m.dies(); err != nil {
		return err
	}
	return m.AttachmentStore.ReturnCharge(ctx, user, ref)
}

func (m *mortal) DropAttachment(ctx context.Context, ref chat.AttachmentRef) error {
	if err := m.dies(); err != nil {
		return err
	}
	return m.AttachmentStore.DropAttachment(ctx, ref)
}

func (m *mortal) LookAt(ctx context.Context, refs []chat.AttachmentRef, at time.Time) error {
	if err := m.dies(); err != nil {
		return err
	}
	return m.AttachmentStore.LookAt(ctx, refs, at)
}

func (m *mortal) DueAttachments(ctx context.Context, limit int) ([]chat.AttachmentRef, error) {
	if err := m.dies(); err != nil {
		return nil, err
	}
	return m.AttachmentStore.DueAttachments(ctx, limit)
}

func (m *mortal) SignUpload(ctx context.Context, f chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	return m.files.SignUpload(ctx, f, lasts)
}

func (m *mortal) SignDownload(ctx context.Context, f chat.File, lasts time.Duration) (chat.SignedRequest, error) {
	return m.files.SignDownload(ctx, f, lasts)
}

func (m *mortal) Keep(ctx context.Context, f chat.File) error {
	if err := m.dies(); err != nil {
		return err
	}
	return m.files.Keep(ctx, f)
}

func (m *mortal) Remove(ctx context.Context, id string) error {
	if err := m.dies(); err != nil {
		return err
	}
	return m.files.Remove(ctx, id)
}

// TestCrashesLeaveNoFiles: wherever a server crashes, a file is there as long as its message is, and no longer. No charge is
// left either.
func TestCrashesLeaveNoFiles(t *testing.T) {
	t.Parallel()
	for _, deletes := range []bool{false, true} {
		for writes := 0; ; writes++ {
			if done := crashAfter(t, writes, deletes); done {
				if writes < 6 {
					t.Errorf("all is done after %d writes", writes)
				}
				break
			}
		}
	}
}

// crashAfter sends a message with a file, and perhaps deletes it, at a server that crashes after some writes. It reports
// whether the server did not.
func crashAfter(t *testing.T, writes int, deletes bool) (done bool) {
	t.Helper()
	clock, files := conformance.NewClock(), chattest.NewFiles()
	store := chattest.NewStore(chattest.StoreOptions{Clock: clock.Now})
	options := chat.AttachmentOptions{MaxBytes: 100, Types: []string{"*/*"}, Quota: 8 << 10, Now: clock.Now}
	failing := &mortal{AttachmentStore: store, files: files, left: writes}
	first := chat.NewAttachmentService(failing, chat.Access{}, failing, options)
	sends := func(s *chat.AttachmentService) (at int64, err error) {
		upload, err := s.CreateAttachment(t.Context(), chat.NewAttachment{Chat: "ann:bob", Sender: "ann", Name: "a", Bytes: 5, Type: "a/b"})
		if err != nil {
			return 0, err
		}
		files.Upload(upload.Request.URL, "hello")
		if _, err := s.ConfirmAttachment(t.Context(), chat.AttachmentRequest{Chat: "ann:bob", ID: upload.ID}); err != nil {
			return 0, err
		}
		messages := chat.NewMessageService(store, chat.Access{}, conformance.Limits)
		messages.Files = s
		receipt, err := messages.Send(t.Context(), chat.Message{
			Chat: "ann:bob", Sender: "ann", Text: "a file", Content: &chat.Content{Type: "file", Body: chat.Object(fmt.Sprintf(`{"attachment":%q}`, upload.ID))},
		})
		return receipt.SendTime, err
	}
	at, err := sends(first)
	there := err == nil
	if there && deletes {
		limits := conformance.Limits
		limits.EditWindow = time.Hour
		_, err := chat.NewChangeService(store, chat.Access{}, limits).Change(t.Context(), chat.Change{Chat: "ann:bob", Ref: at, Sender: "ann", Kind: chat.MessageDeleted})
		if err != nil {
			t.Fatal(err)
		}
		there = false
	}
	err = errors.Join(err, first.Settle(t.Context()))
	clock.Add(time.Hour)
	err = errors.Join(err, first.Settle(t.Context()))

	second := chat.NewAttachmentService(store, chat.Access{}, files, options)
	for range 4 {
		clock.Add(25 * time.Hour)
		if err := second.Settle(t.Context()); err != nil {
			t.Errorf("crashed after %d writes: Settle() = %v", writes, err)
		}
	}
	want := 0
	if there {
		want = 1
	}
	if got := files.All(); len(got) != want {
		t.Errorf("crashed after %d writes, deleted %v: the files are %q, want %d", writes, deletes, got, want)
	}
	if all, _ := store.ListAttachments(t.Context(), must(t, "ann:bob")); len(all) != want {
		t.Errorf("crashed after %d writes, deleted %v: the attachments are %v, want %d", writes, deletes, all, want)
	}
	for range 2 - want { // the quota has room for two
		if _, err := second.CreateAttachment(t.Context(), chat.NewAttachment{Chat: "ann:bob", Sender: "ann", Name: "a", Bytes: 5, Type: "a/b"}); err != nil {
			t.Errorf("crashed after %d writes, deleted %v: %v", writes, deletes, err)
		}
	}
	return err == nil
}

func must(t *testing.T, name string) chat.ID {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestFilesExpireWithTheirMessage: retention removes the file when it removes the message.
func TestFilesExpireWithTheirMessage(t *testing.T) {
	t.Parallel()
	clock, files := conformance.NewClock(), chattest.NewFiles()
	store := chattest.NewStore(chattest.StoreOptions{Clock: clock.Now, Retention: 10 * time.Hour})
	service := chat.NewAttachmentService(store, chat.Access{}, files, chat.AttachmentOptions{MaxBytes: 100, Types: []string{"*/*"}, Now: clock.Now})
	messages := chat.NewMessageService(store, chat.Access{}, conformance.Limits)
	messages.Files = service
	upload, err := service.CreateAttachment(t.Context(), chat.NewAttachment{Chat: "ann:bob", Sender: "ann", Name: "a", Bytes: 5, Type: "a/b"})
	if err != nil {
		t.Fatal(err)
	}
	files.Upload(upload.Request.URL, "hello")
	ref := chat.AttachmentRequest{Chat: "ann:bob", ID: upload.ID}
	if _, err := service.ConfirmAttachment(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if _, err := messages.Send(t.Context(), chat.Message{
		Chat: "ann:bob", Sender: "ann", Text: "a file", Content: &chat.Content{Type: "file", Body: chat.Object(fmt.Sprintf(`{"attachment":%q}`, upload.ID))},
	}); err != nil {
		t.Fatal(err)
	}
	for hour := 1; hour <= 11; hour++ {
		clock.Add(time.Hour)
		if hour == 11 {
			clock.Add(2 * time.Second)
		}
		if _, err := service.ReadAttachment(t.Context(), ref); (err == nil) != (hour <= 10) {
			t.Errorf("ReadAttachment() after %d hours = %v", hour, err)
		}
		if err := service.Settle(t.Context()); err != nil {
			t.Errorf("Settle() = %v", err)
		}
		if got := len(files.All()); (got == 1) != (hour <= 10) {
			t.Errorf("there are %d files after %d hours", got, hour)
		}
	}
}

// TestUploadAfterDeletion: the signed request may upload a file again after its message was deleted. It goes, too.
func TestUploadAfterDeletion(t *testing.T) {
	t.Parallel()
	clock, files := conformance.NewClock(), chattest.NewFiles()
	files.Clock = clock.Now
	store := chattest.NewStore(chattest.StoreOptions{Clock: clock.Now})
	service := chat.NewAttachmentService(store, chat.Access{}, files, chat.AttachmentOptions{MaxBytes: 100, Types: []string{"*/*"}, Now: clock.Now})
	upload, err := service.CreateAttachment(t.Context(), chat.NewAttachment{Chat: "ann:bob", Sender: "ann", Name: "a", Bytes: 5, Type: "a/b"})
	if err != nil {
		t.Fatal(err)
	}
	ref := chat.AttachmentRef{Chat: must(t, "ann:bob"), ID: upload.ID}
	stored, err := store.FindAttachment(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if set, err := store.SetAttachment(t.Context(), ref, stored, chat.AttachmentDeleted); err != nil || !set {
		t.Fatalf("SetAttachment() = %v, %v", set, err)
	}
	if err := store.LookAt(t.Context(), []chat.AttachmentRef{ref}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{0, time.UnixMicro(upload.Request.Expires).Sub(clock.Now()), time.Hour} {
		clock.Add(wait)
		if wait < time.Hour { // later the request has expired
			files.Upload(upload.Request.URL, "hello")
		}
		if err := service.Settle(t.Context()); err != nil {
			t.Errorf("Settle() = %v", err)
		}
	}
	if left := files.All(); len(left) > 0 {
		t.Errorf("the files %q are left", left)
	}
	if all, _ := store.ListAttachments(t.Context(), ref.Chat); len(all) > 0 {
		t.Errorf("the attachments %v are left", all)
	}
}

// interrupted is a store in which something happens between the look at an attachment and its mark.
type interrupted struct {
	chat.AttachmentStore
	before func()
}

func (i *interrupted) SetAttachment(ctx context.Context, ref chat.AttachmentRef, was chat.StoredAttachment, state chat.AttachmentState) (bool, error) {
	i.before()
	return i.AttachmentStore.SetAttachment(ctx, ref, was, state)
}

// TestSentWhileRemoved: a file that is sent just before it would be marked as deleted stays.
func TestSentWhileRemoved(t *testing.T) {
	t.Parallel()
	clock, files := conformance.NewClock(), chattest.NewFiles()
	store := chattest.NewStore(chattest.StoreOptions{Clock: clock.Now})
	options := chat.AttachmentOptions{MaxBytes: 100, Types: []string{"*/*"}, Now: clock.Now}
	service := chat.NewAttachmentService(store, chat.Access{}, files, options)
	messages := chat.NewMessageService(store, chat.Access{}, conformance.Limits)
	messages.Files = service
	upload, err := service.CreateAttachment(t.Context(), chat.NewAttachment{Chat: "ann:bob", Sender: "ann", Name: "a", Bytes: 5, Type: "a/b"})
	if err != nil {
		t.Fatal(err)
	}
	files.Upload(upload.Request.URL, "hello")
	if _, err := service.ConfirmAttachment(t.Context(), chat.AttachmentRequest{Chat: "ann:bob", ID: upload.ID}); err != nil {
		t.Fatal(err)
	}
	clock.Add(25 * time.Hour)
	sent := false
	settles := chat.NewAttachmentService(&interrupted{store, func() {
		_, err := messages.Send(t.Context(), chat.Message{
			Chat: "ann:bob", Sender: "ann", Text: "a file", Content: &chat.Content{Type: "file", Body: chat.Object(fmt.Sprintf(`{"attachment":%q}`, upload.ID))},
		})
		sent = err == nil
	}}, chat.Access{}, files, options)
	if err := settles.Settle(t.Context()); err != nil || !sent {
		t.Errorf("Settle() = %v, and the message was sent: %v", err, sent)
	}
	if left := files.All(); len(left) != 1 {
		t.Errorf("the files are %q, want the one that was sent", left)
	}
}

// TestNoFiles: without a store of files an attachment is refused, and the error names the setting.
func TestNoFiles(t *testing.T) {
	t.Parallel()
	d := newDomain(t, nil)
	d.register(t, "ann", "bob")
	_, err := d.Attachments.CreateAttachment(as("ann"), chat.NewAttachment{Chat: "ann:bob", Name: "a", Bytes: 5, Type: "text/plain"})
	if chat.CodeOf(err) != chat.NotFound || !strings.Contains(err.Error(), "S3_URL") {
		t.Errorf("CreateAttachment() = %v, want what to set", err)
	}
	_, err = d.Messages.Send(as("ann"), chat.Message{Chat: "ann:bob", Sender: "ann", Text: "a", Content: &chat.Content{Type: "image", Body: `{"attachment":"A"}`}})
	if chat.CodeOf(err) != chat.NotFound || !strings.Contains(err.Error(), "S3_URL") {
		t.Errorf("Send() = %v, want what to set", err)
	}
	_, err = d.Messages.Send(as("ann"), chat.Message{Chat: "ann:bob", Sender: "ann", Text: "a", Content: &chat.Content{Type: "image", Body: `{"url":"https://a.example/b"}`}})
	if err != nil {
		t.Errorf("Send() of a URL = %v", err)
	}
}
