package files

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestS3 runs on a real server that checks signatures. `make s3-test` installs it; without it the test is skipped.
func TestS3(t *testing.T) {
	t.Parallel()
	config := startS3(t)
	testStore(t, newS3(t, config))
	t.Run("another secret", func(t *testing.T) {
		wrong := config
		wrong.SecretKey = "another"
		store := newS3(t, wrong)
		f := chat.File{ID: "B1", Bytes: 5, Type: "image/png"}
		do(t, upload(t, store, f), "hello", 403)
		wants(t, store.Keep(t.Context(), f), chat.Unavailable, "Keep() with a wrong secret")
	})
	t.Run("without a prefix", func(t *testing.T) {
		plain := config
		plain.URL = strings.TrimSuffix(plain.URL, "/some/prefix")
		testStore(t, newS3(t, plain))
	})
}

// TestS3Away: a store that does not answer is Unavailable, and signing needs no answer.
func TestS3Away(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	store := newS3(t, S3Config{URL: "http://" + closed.Addr().String() + "/chats", AccessKey: "k", SecretKey: "s", Region: "us-east-1", PublicURL: "https://s3.example.org/chats"})
	f := chat.File{ID: "A", Bytes: 5, Type: "image/png"}
	if signed := upload(t, store, f); !strings.HasPrefix(signed.URL, "https://s3.example.org/chats/uploads/A?") {
		t.Errorf("SignUpload() = %s, want the public address", signed.URL)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	wants(t, store.Keep(ctx, f), chat.Unavailable, "Keep()")
}

func TestS3URL(t *testing.T) {
	t.Parallel()
	for _, wrong := range []S3Config{
		{URL: ""},
		{URL: "s3.example.org/chats"},
		{URL: "https://s3.example.org"},
		{URL: "https://key:secret@s3.example.org/chats"},
		{URL: "ftp://s3.example.org/chats"},
		{URL: "https://s3.example.org/chats?x"},
		{URL: "https://s3.example.org/chats", PublicURL: "https://files.example.org/other"},
		{URL: "https://s3.example.org/chats", PublicURL: "files"},
	} {
		if _, err := NewS3(wrong); err == nil {
			t.Errorf("NewS3(%+v) = nil, want an error", wrong)
		}
	}
}

func newS3(t *testing.T, config S3Config) *S3 {
	t.Helper()
	store, err := NewS3(config)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// startS3 starts versitygw with a bucket.
func startS3(t *testing.T) S3Config {
	t.Helper()
	program := os.Getenv("VERSITYGW")
	if program == "" {
		program, _ = exec.LookPath("versitygw")
	}
	if program == "" {
		t.Skip("versitygw is not installed; make s3-test runs this with it")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "chats"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--port", addr, "--access", "key", "--secret", "a secret", "--quiet", "posix", dir)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	config := S3Config{URL: "http://" + addr + "/chats/some/prefix", AccessKey: "key", SecretKey: "a secret", Region: "us-east-1"}
	store := newS3(t, config)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		_, err := store.client.StatObject(t.Context(), "chats", "none", minio.StatObjectOptions{})
		if isMissing(err) {
			return config
		}
		if time.Now().After(end) {
			t.Fatalf("versitygw does not answer: %v", err)
		}
	}
}
