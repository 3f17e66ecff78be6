package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestServeFiles: pullchat serve --data keeps files beside the messages, also when it is killed, and removes one with its message.
// The command line sends and gets one.
func TestServeFiles(t *testing.T) {
	t.Parallel()
	redistest.Need(t)
	dir := t.TempDir()
	serve := programtest.StartServe(t, "DATA_DIR="+dir, "RPC_ADDR=127.0.0.1:0")
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New("http://"+serve.Addr(), &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	const content = "<svg onload='alert(1)'/>"
	file := client.NewAttachment{Chat: "alice:bob", Sender: "alice", Name: "smilé.svg", Type: "image/svg+xml"}
	uploaded, err := c.Upload(t.Context(), file, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	message := client.Message{Chat: "alice:bob", Sender: "alice", Text: "look", Content: client.Attached(uploaded)}
	sent, err := c.Send(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	serve.Kill()
	serve.Restart()
	if c, err = client.New("http://"+serve.Addr(), &http.Client{Transport: transport}); err != nil {
		t.Fatal(err)
	}
	found, body, err := c.Download(t.Context(), "bob:alice", uploaded.ID, "bob")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	_ = body.Close()
	if err != nil || string(text) != content || found.Name != "smilé.svg" || found.SendTime != sent.SendTime || found.State != "sent" {
		t.Errorf("the download is %q, %v of %+v", text, err, found)
	}
	signed, err := c.ReadAttachment(t.Context(), "alice:bob", uploaded.ID, "bob")
	if err != nil {
		t.Fatal(err)
	}
	if header := headOf(t, signed.URL); !strings.HasPrefix(header.Get("Content-Disposition"), `attachment; filename="smil_.svg"`) ||
		header.Get("Content-Type") != "application/octet-stream" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("active content is served with %v", header)
	}

	if _, err := c.Delete(t.Context(), client.Change{Chat: "alice:bob", SendTime: sent.SendTime, Sender: "alice"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Download(t.Context(), "alice:bob", uploaded.ID, "bob"); err == nil {
		t.Error("the file of a deleted message is there")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := filepath.Glob(filepath.Join(dir, "files", "*", "*"))
		if err == nil && len(left) == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the files %v are left, %v", left, err)
		}
	}

	local := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(local, []byte("a note"), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := programtest.Command(t, "pullchat", "attach", "alice:bob", local, "--sender", "alice", "--server", serve.Addr()).CombinedOutput()
	_, rest, named := strings.Cut(string(output), `"attachment":"`)
	if err != nil || !named {
		t.Fatalf("pullchat attach: %v\n%s", err, output)
	}
	id, _, _ := strings.Cut(rest, `"`)
	output, err = programtest.Command(t, "pullchat", "attach", "get", "alice:bob", id, "-o", "-", "--server", serve.Addr()).CombinedOutput()
	if err != nil || string(output) != "a note" {
		t.Errorf("pullchat attach get: %v\n%s", err, output)
	}
}

func headOf(t *testing.T, url string) http.Header {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.Header
}
