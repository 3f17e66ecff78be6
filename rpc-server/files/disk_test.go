package files

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func runDisk(t *testing.T) *Disk {
	t.Helper()
	disk, err := OpenDisk(t.TempDir(), "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- disk.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return disk
}

func TestDisk(t *testing.T) {
	t.Parallel()
	testStore(t, runDisk(t))
}

// TestDiskExpires: a signature is good for its time, and of this process.
func TestDiskExpires(t *testing.T) {
	t.Parallel()
	disk := runDisk(t)
	f := chat.File{ID: "A", Bytes: 5, Type: "image/png"}
	old, err := disk.SignUpload(t.Context(), f, -2*time.Second)
	wants(t, err, "", "SignUpload()")
	do(t, old, "hello", 403)
	other, err := runDisk(t).SignUpload(t.Context(), f, time.Minute)
	wants(t, err, "", "SignUpload()")
	other.URL = disk.Origin() + other.URL[len(disk.Origin()):]
	do(t, other, "hello", 403)
	signed := upload(t, disk, f)
	do(t, signed, "hello", 200)
	for _, path := range []string{"/", "/uploads/", "/files/../uploads/A", "/uploads/A", "/etc/passwd"} {
		if status := do(t, chat.SignedRequest{Method: http.MethodGet, URL: disk.Origin() + path}, "", 0); status/100 == 2 {
			t.Errorf("GET %s = %d without a signature", path, status)
		}
	}
	asked := send(t, chat.SignedRequest{Method: http.MethodOptions, URL: signed.URL}, "")
	_ = asked.Body.Close()
	if asked.StatusCode != http.StatusNoContent || asked.Header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("a page that asks is answered %s, %v", asked.Status, asked.Header)
	}
}
