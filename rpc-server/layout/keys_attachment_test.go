package layout

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// TestAttachmentKeys pins the names: they are in people's Redis.
func TestAttachmentKeys(t *testing.T) {
	t.Parallel()
	k := NewKeys("im", DefaultPartitions, 0)
	for _, c := range []struct{ got, want string }{
		{k.Attachments(chattest.ID(t, "bob:alice")), "im:{45}:attachments:alice:bob"},
		{k.LookAt("im:{45}"), "im:{45}:lookat"},
		{k.Files("alice"), "im:u:{alice}:files"},
	} {
		if c.got != c.want {
			t.Errorf("key = %q, want %q", c.got, c.want)
		}
	}
}

// TestAttachmentsAreRead: stored attachments are read again, and nothing else is.
func TestAttachmentsAreRead(t *testing.T) {
	t.Parallel()
	for state := range attachmentStates {
		a := chat.Attachment{ID: "A", Sender: "ann", Name: "a b.png", Bytes: 5, Type: "image/png", SHA256: "d0", State: state, Created: 7}
		if state == chat.AttachmentSent {
			a.SendTime = 1 << 52
		}
		if got, ok := ParseAttachment("A", FormatAttachment(a)); !ok || got != a {
			t.Errorf("ParseAttachment(FormatAttachment(%+v)) = %+v, %v", a, got, ok)
		}
	}
	for _, value := range []string{
		"", "p", `x 0000000000000000 ann {"bytes":1}`, `p 0 ann {"bytes":1}`, `p 000000000000000x ann {"bytes":1}`, `p 0000000000000000 ann {`,
		`p 0000000000000000 ann {"bytes":0}`, `p 0000000000000000  {"bytes":1}`, `s 0000000000000000 ann {"bytes":1}`,
	} {
		if a, ok := ParseAttachment("A", value); ok {
			t.Errorf("ParseAttachment(%q) = %+v, want none", value, a)
		}
	}
	ref := chat.AttachmentRef{Chat: chattest.ID(t, "bob:alice"), ID: "A"}
	if got, ok := ParseAttachmentEntry(AttachmentEntry(ref)); !ok || got != ref {
		t.Errorf("ParseAttachmentEntry(AttachmentEntry(%v)) = %v, %v", ref, got, ok)
	}
	for _, entry := range []string{"", "alice:bob", "bob:alice A"} {
		if got, ok := ParseAttachmentEntry(entry); ok {
			t.Errorf("ParseAttachmentEntry(%q) = %v, want none", entry, got)
		}
	}
}
