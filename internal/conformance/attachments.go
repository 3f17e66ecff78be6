package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// FileLimits apply to the files of every Domain.
var FileLimits = chat.AttachmentOptions{MaxBytes: 10_000, Types: []string{"image/*", "text/plain"}, Quota: 30_000}

func attaches(d Domain) bool { return d.Attachments != nil }

// settles reports whether a subject removes files itself. Over RPC and HTTP a job does that.
func settles(d Domain) bool { return attaches(d) && settlerOf(d) != nil }

func settlerOf(d Domain) interface{ Settle(context.Context) error } {
	settler, _ := d.Attachments.(interface{ Settle(context.Context) error })
	return settler
}

var attachmentTests = []domainTest{
	{"a file", attaches, testFile},
	{"files that are not announced well", attaches, testAnnounced},
	{"a file of another", attaches, testForeignFile},
	{"a quota of files", attaches, testFileQuota},
	{"files whose message is gone", func(d Domain) bool { return settles(d) && d.Changes != nil && d.Deletion != nil }, testFilesGo},
	{"files that are never sent", settles, testUnsentFiles},
}

// uploads announces, uploads and confirms a file.
func (d *domain) uploads(user, name, content string) chat.Attachment {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	upload, err := d.Attachments.CreateAttachment(as(user), chat.NewAttachment{Chat: name, Name: "a b.txt", Bytes: int64(len(content)), Type: "text/plain"})
	if err != nil {
		d.t.Fatalf("CreateAttachment() = %v", err)
	}
	d.files.Upload(upload.Request.URL, content)
	confirmed, err := d.Attachments.ConfirmAttachment(as(user), chat.AttachmentRequest{Chat: name, ID: upload.ID})
	if err != nil || confirmed.State != chat.AttachmentConfirmed {
		d.t.Fatalf("ConfirmAttachment() = %+v, %v", confirmed, err)
	}
	return confirmed
}

func withFile(id string) *chat.Content {
	return &chat.Content{Type: "file", Body: chat.Object(fmt.Sprintf(`{"attachment":%q,"size":1,"caption":"see"}`, id))}
}

// attach sends a message with a file.
func (d *domain) attach(user, name, file, id string) (chat.Receipt, error) {
	d.clock.Add(time.Microsecond)
	return d.Messages.Send(as(user), chat.Message{Chat: name, Sender: user, Text: "a file", ID: id, Content: withFile(file)})
}

// downloads returns the content of a file.
func (d *domain) downloads(user, name, file string) (string, error) {
	download, err := d.Attachments.ReadAttachment(as(user), chat.AttachmentRequest{Chat: name, ID: file})
	if err != nil {
		return "", err
	}
	return d.files.Download(download.Request.URL), nil
}

func testFile(d *domain) {
	d.register("ann", "bob")
	d.create("ann", "club", chat.Private, "bob")
	upload, err := d.Attachments.CreateAttachment(as("ann"), chat.NewAttachment{Chat: "club", Name: "a.txt", Bytes: 5, Type: "Text/Plain"})
	d.code(err, "", "CreateAttachment()")
	if upload.State != chat.AttachmentPending || upload.Sender != "ann" || upload.Type != "text/plain" || upload.Request.Expires <= upload.Created || upload.Request.Method != http.MethodPut {
		d.t.Errorf("CreateAttachment() = %+v", upload)
	}
	ref := chat.AttachmentRequest{Chat: "club", ID: upload.ID}
	_, err = d.Attachments.ConfirmAttachment(as("ann"), ref)
	d.code(err, chat.Conflict, "ConfirmAttachment() before the upload")
	_, err = d.attach("ann", "club", upload.ID, "")
	d.code(err, chat.NotFound, "Send() with a pending file")
	_, err = d.downloads("ann", "club", upload.ID)
	d.code(err, chat.Conflict, "ReadAttachment() of a pending file")
	d.files.Upload(upload.Request.URL, "hell")
	_, err = d.Attachments.ConfirmAttachment(as("ann"), ref)
	d.code(err, chat.Conflict, "ConfirmAttachment() of another file")
	d.files.Upload(upload.Request.URL, "hello")
	for range 2 {
		confirmed, err := d.Attachments.ConfirmAttachment(as("ann"), ref)
		if err != nil || confirmed.State != chat.AttachmentConfirmed || confirmed.Bytes != 5 {
			d.t.Errorf("ConfirmAttachment() = %+v, %v", confirmed, err)
		}
	}
	d.files.Upload(upload.Request.URL, "jello")
	content, err := d.downloads("ann", "club", upload.ID)
	if err != nil || content != "hello" {
		d.t.Errorf("the file is %q, %v; want what was confirmed", content, err)
	}
	_, err = d.downloads("bob", "club", upload.ID)
	d.code(err, chat.NotFound, "ReadAttachment() of another's file before it is sent")

	first, err := d.attach("ann", "club", upload.ID, "one")
	d.code(err, "", "Send() with a file")
	again, err := d.attach("ann", "club", upload.ID, "one")
	if err != nil || again.SendTime != first.SendTime || !again.Duplicate {
		d.t.Errorf("the repeated Send() = %+v, %v; want a duplicate of %+v", again, err, first)
	}
	_, err = d.attach("ann", "club", upload.ID, "two")
	d.code(err, chat.Conflict, "Send() with a file that is in a message")
	content, err = d.downloads("bob", "club", upload.ID)
	if err != nil || content != "hello" {
		d.t.Errorf("the file is %q, %v", content, err)
	}
	page, err := d.Messages.Pull(as("bob"), chat.PullRequest{Chat: "club", Reverse: true, Limit: 1})
	want := fmt.Sprintf(`{"attachment":%q,"caption":"see","mime":"text/plain","name":"a.txt","size":5}`, upload.ID)
	if err != nil || len(page.Messages) != 1 || page.Messages[0].Content == nil || string(page.Messages[0].Content.Body) != want {
		d.t.Errorf("the message is %+v, %v; want the body %s", page.Messages, err, want)
	}
}

func testAnnounced(d *domain) {
	d.register("ann", "bob")
	good := chat.NewAttachment{Chat: "ann:bob", Name: "a.txt", Bytes: 5, Type: "text/plain", SHA256: strings.Repeat("Ab", 32)}
	for name, c := range map[string]struct {
		change func(*chat.NewAttachment)
		want   chat.Code
	}{
		"good":             {func(*chat.NewAttachment) {}, ""},
		"no name":          {func(n *chat.NewAttachment) { n.Name = "" }, chat.InvalidArgument},
		"a path":           {func(n *chat.NewAttachment) { n.Name = "../a" }, chat.InvalidArgument},
		"a backslash":      {func(n *chat.NewAttachment) { n.Name = `a\b` }, chat.InvalidArgument},
		"a line":           {func(n *chat.NewAttachment) { n.Name = "a\r\nSet-Cookie: b" }, chat.InvalidArgument},
		"another order":    {func(n *chat.NewAttachment) { n.Name = "a\u202egpj.exe" }, chat.InvalidArgument},
		"a long name":      {func(n *chat.NewAttachment) { n.Name = strings.Repeat("a", chat.MaxFileName+1) }, chat.InvalidArgument},
		"nothing":          {func(n *chat.NewAttachment) { n.Bytes = 0 }, chat.InvalidArgument},
		"too much":         {func(n *chat.NewAttachment) { n.Bytes = FileLimits.MaxBytes + 1 }, chat.TooLarge},
		"no type":          {func(n *chat.NewAttachment) { n.Type = "" }, chat.InvalidArgument},
		"a parameter":      {func(n *chat.NewAttachment) { n.Type = "text/plain; charset=utf-8" }, chat.InvalidArgument},
		"a line in a type": {func(n *chat.NewAttachment) { n.Type = "text/plain\r\na" }, chat.InvalidArgument},
		"another type":     {func(n *chat.NewAttachment) { n.Type = "text/html" }, chat.UnsupportedMediaType},
		"a short sum":      {func(n *chat.NewAttachment) { n.SHA256 = "ab" }, chat.InvalidArgument},
		"another chat":     {func(n *chat.NewAttachment) { n.Chat = "bob:cat" }, chat.PermissionDenied},
		"another sender":   {func(n *chat.NewAttachment) { n.Sender = "bob" }, chat.PermissionDenied},
		"no room":          {func(n *chat.NewAttachment) { n.Chat = "nowhere" }, chat.NotFound},
	} {
		n := good
		c.change(&n)
		_, err := d.Attachments.CreateAttachment(as("ann"), n)
		d.code(err, c.want, "CreateAttachment() with %s", name)
	}
}

func testForeignFile(d *domain) {
	d.register("ann", "bob", "cat")
	d.create("ann", "club", chat.Private, "bob")
	file := d.uploads("ann", "club", "hello")
	_, err := d.attach("bob", "club", file.ID, "")
	d.code(err, chat.NotFound, "Send() with the file of another")
	_, err = d.attach("ann", "ann:bob", file.ID, "")
	d.code(err, chat.NotFound, "Send() with a file of another chat")
	_, err = d.Attachments.ConfirmAttachment(as("bob"), chat.AttachmentRequest{Chat: "club", ID: file.ID})
	d.code(err, chat.NotFound, "ConfirmAttachment() of another's file")
	_, err = d.attach("ann", "club", file.ID, "")
	d.code(err, "", "Send()")
	_, err = d.downloads("cat", "club", file.ID)
	d.code(err, chat.PermissionDenied, "ReadAttachment() by no member")
	_, err = d.downloads("bob", "ann:bob", file.ID)
	d.code(err, chat.NotFound, "ReadAttachment() in another chat")
	_, err = d.Attachments.ReadAttachment(context.Background(), chat.AttachmentRequest{Chat: "club", ID: file.ID})
	d.code(err, chat.Unauthenticated, "ReadAttachment() by an anonymous caller")
	_, err = d.downloads("bob", "club", "none")
	d.code(err, chat.NotFound, "ReadAttachment() of no file")
}

func testFileQuota(d *domain) {
	d.register("ann", "bob")
	announce := func(bytes int64) error {
		_, err := d.Attachments.CreateAttachment(as("ann"), chat.NewAttachment{Chat: "ann:bob", Name: "a.png", Bytes: bytes, Type: "image/png"})
		return err
	}
	for range 3 {
		d.code(announce(FileLimits.MaxBytes), "", "CreateAttachment() within the quota")
	}
	d.code(announce(1), chat.ResourceExhausted, "CreateAttachment() beyond the quota")
	if settler := settlerOf(d.Domain); settler != nil {
		d.clock.Add(2 * time.Hour)
		d.code(settler.Settle(context.Background()), "", "Settle()")
		for range 7 { // each small file counts 4 KiB
			d.code(announce(1), "", "CreateAttachment() of a small file")
		}
		d.code(announce(1), chat.ResourceExhausted, "CreateAttachment() of one small file more")
	}
}

// testFilesGo: files go with their message, in each way in which one goes, and no other file does.
func testFilesGo(d *domain) {
	d.register("ann", "bob")
	d.create("bob", "club", chat.Private, "ann")
	d.create("bob", "den", chat.Private, "ann")
	settle := func() {
		d.t.Helper()
		d.code(settlerOf(d.Domain).Settle(context.Background()), "", "Settle()")
	}
	sent := func(user, name string) (file string, at int64) {
		d.t.Helper()
		file = d.uploads(user, name, "hello").ID
		receipt, err := d.attach(user, name, file, "")
		d.code(err, "", "Send() with a file in %s", name)
		return file, receipt.SendTime
	}
	deleted, at := sent("ann", "ann:bob")
	inRoom, _ := sent("ann", "den")
	erased, _ := sent("ann", "club")
	kept, _ := sent("bob", "club")
	d.clock.Add(40 * time.Minute)
	settle()
	if got := len(d.files.All()); got != 4 {
		d.t.Fatalf("there are %d files, want 4", got)
	}
	_, err := d.Changes.Change(as("ann"), chat.Change{Chat: "ann:bob", Ref: at, Kind: chat.MessageDeleted})
	d.code(err, "", "Change()")
	_, err = d.downloads("bob", "ann:bob", deleted)
	d.code(err, chat.NotFound, "ReadAttachment() of a deleted message's file")
	settle()
	d.same(d.files.All(), sortedFiles(inRoom, erased, kept), "the files after a message was deleted")
	_, err = d.Rooms.ChangeRoom(as("bob"), chat.RoomChange{Room: "den", Kind: chat.DeleteRoom})
	d.code(err, "", "ChangeRoom()")
	settle()
	d.same(d.files.All(), sortedFiles(erased, kept), "the files after a room was deleted")
	d.deleted("ann", true)
	settle()
	d.same(d.files.All(), kept, "the files after a user was erased")
	d.clock.Add(48 * time.Hour)
	settle()
	content, err := d.downloads("bob", "club", kept)
	if err != nil || content != "hello" {
		d.t.Errorf("the file that stays is %q, %v", content, err)
	}
}

func sortedFiles(files ...string) string {
	slices.Sort(files)
	return strings.Join(files, ", ")
}

func testUnsentFiles(d *domain) {
	d.register("ann", "bob")
	settle := func() {
		d.t.Helper()
		d.code(settlerOf(d.Domain).Settle(context.Background()), "", "Settle()")
	}
	pending, err := d.Attachments.CreateAttachment(as("ann"), chat.NewAttachment{Chat: "ann:bob", Name: "a.png", Bytes: 5, Type: "image/png"})
	d.code(err, "", "CreateAttachment()")
	d.files.Upload(pending.Request.URL, "hello")
	confirmed := d.uploads("ann", "ann:bob", "hello").ID
	d.clock.Add(50 * time.Minute)
	settle()
	d.same(d.files.All(), sortedFiles(pending.ID, confirmed), "the files after less than an hour")
	d.clock.Add(20 * time.Minute)
	settle()
	d.same(d.files.All(), confirmed, "the files after more than an hour")
	_, err = d.Attachments.ConfirmAttachment(as("ann"), chat.AttachmentRequest{Chat: "ann:bob", ID: pending.ID})
	d.code(err, chat.NotFound, "ConfirmAttachment() after more than an hour")
	d.clock.Add(24 * time.Hour)
	settle()
	d.same(d.files.All(), "", "the files after more than a day")
	_, err = d.attach("ann", "ann:bob", confirmed, "")
	d.code(err, chat.NotFound, "Send() after more than a day")
}
