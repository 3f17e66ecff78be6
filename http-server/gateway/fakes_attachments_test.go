package gateway

import (
	"context"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// fakeAttachments is attachments, likewise.
type fakeAttachments struct{ service *fakeService }

var anAttachment = chat.Attachment{
	ID: "b", Chat: "a", Sender: "a", Name: "c.png", Bytes: 1, Type: "image/png", SHA256: "d0", State: chat.AttachmentSent, Created: 1, SendTime: 2,
}

func (f fakeAttachments) CreateAttachment(context.Context, chat.NewAttachment) (chat.Upload, error) {
	signed := chat.SignedRequest{URL: "https://s3.example/b", Method: "PUT", Headers: map[string]string{"Content-Type": "image/png"}, Expires: 3}
	return chat.Upload{Attachment: anAttachment, Request: signed}, f.service.err()
}

func (f fakeAttachments) ConfirmAttachment(context.Context, chat.AttachmentRequest) (chat.Attachment, error) {
	return anAttachment, f.service.err()
}

func (f fakeAttachments) ReadAttachment(context.Context, chat.AttachmentRequest) (chat.Download, error) {
	return chat.Download{Attachment: anAttachment, Request: chat.SignedRequest{URL: "https://s3.example/b", Method: "GET", Expires: 3}}, f.service.err()
}

// answersOfAttachments are those of files.
func answersOfAttachments(large string) map[string]answered {
	announced := `{"chat":"a","sender":"a","name":"c.png","bytes":1,"type":"image/png"}`
	return map[string]answered{
		"an attachment":                  {call{method: "POST", target: "/api/attachments", body: announced}, 201},
		"an attachment without a body":   {call{method: "POST", target: "/api/attachments"}, 400},
		"an attachment of another field": {call{method: "POST", target: "/api/attachments", body: `{"file":"x"}`}, 400},
		"an attachment with too much":    {call{method: "POST", target: "/api/attachments", body: large}, 413},
		"attachments with GET":           {call{method: "GET", target: "/api/attachments"}, 405},
		"a confirmation":                 {call{method: "POST", target: "/api/attachments/b", body: `{"chat":"a"}`}, 200},
		"a confirmation, other query":    {call{method: "POST", target: "/api/attachments/b?chat=a", body: `{"chat":"a"}`}, 400},
		"a file":                         {call{method: "GET", target: "/api/attachments/b?chat=a&as=a"}, 200},
		"a file at once":                 {call{method: "GET", target: "/api/attachments/b?chat=a&redirect=true"}, 302},
		"a file, perhaps":                {call{method: "GET", target: "/api/attachments/b?chat=a&redirect=maybe"}, 400},
	}
}

// TestPageReachesFiles: the page may upload to the configured store of files and show its images, and use no other
// origin.
func TestPageReachesFiles(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string][]string{
		"":                       {"img-src 'self';", "connect-src 'self';"},
		"https://s3.example.org": {"img-src 'self' https://s3.example.org;", "connect-src 'self' https://s3.example.org;", "media-src https://s3.example.org"},
	} {
		g := runConfig(t, &fakeService{}, Config{AttachmentOrigin: origin}, func(*limits) {})
		_, header, _ := fetch(t, g.addr, "/", nil)
		for _, part := range want {
			if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, part) || strings.Contains(policy, "media-src") != (origin != "") {
				t.Errorf("with %q the policy is %q, want %q in it", origin, policy, part)
			}
		}
	}
	for _, wrong := range []string{"*", "s3.example.org", "https://s3.example.org/chats"} {
		if err := (Config{MaxBodyBytes: 1, AttachmentOrigin: wrong}).Validate(); err == nil {
			t.Errorf("the origin %q is accepted", wrong)
		}
	}
}
