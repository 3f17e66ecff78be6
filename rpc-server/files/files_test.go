package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// testStore tests the contract of a chat.FileStore, and that its signatures are checked.
func testStore(t *testing.T, store chat.FileStore) {
	const content = "hello, file"
	sum := sha256.Sum256([]byte(content))
	file := func(id string) chat.File {
		return chat.File{
			ID: id, Bytes: int64(len(content)), Type: "image/svg+xml", Disposition: `attachment; filename="a_.svg"; filename*=UTF-8''a%C3%A9.svg`, ServedAs: "application/octet-stream",
		}
	}
	t.Run("a file", func(t *testing.T) {
		f := file("A1")
		f.SHA256 = hex.EncodeToString(sum[:])
		wants(t, store.Keep(t.Context(), f), chat.Conflict, "Keep() before the upload")
		signed := upload(t, store, f)
		do(t, signed, content, 200)
		for range 2 {
			wants(t, store.Keep(t.Context(), f), "", "Keep()")
		}
		if again := do(t, signed, content, 0); again >= 300 {
			t.Errorf("the upload is repeated with %d", again)
		}
		header, body := download(t, store, f, 200)
		if body != content || header.Get("Content-Disposition") != f.Disposition || header.Get("Content-Type") != f.ServedAs {
			t.Errorf("the file is %q with %v", body, header)
		}
		for range 2 {
			wants(t, store.Remove(t.Context(), f.ID), "", "Remove()")
		}
		download(t, store, f, 404)
		wants(t, store.Keep(t.Context(), f), chat.Conflict, "Keep() of a file that was removed")
	})
	t.Run("what was confirmed stays", func(t *testing.T) {
		f := file("A2")
		signed := upload(t, store, f)
		do(t, signed, content, 200)
		wants(t, store.Keep(t.Context(), f), "", "Keep()")
		do(t, signed, strings.ToUpper(content), 200)
		if _, body := download(t, store, f, 200); body != content {
			t.Errorf("the file is %q after a later upload, want %q", body, content)
		}
	})
	t.Run("another file", func(t *testing.T) {
		f := file("A3")
		do(t, upload(t, store, f), content, 200)
		longer, other := f, f
		longer.Bytes++
		other.SHA256 = strings.Repeat("00", 32)
		wants(t, store.Keep(t.Context(), longer), chat.Conflict, "Keep() of another size")
		wants(t, store.Keep(t.Context(), other), chat.Conflict, "Keep() of another sha256")
		download(t, store, f, 404)
	})
	t.Run("forged requests", func(t *testing.T) {
		f := file("A4")
		f.SHA256 = hex.EncodeToString(sum[:])
		signed := upload(t, store, f)
		refused := func(what string, change func(*chat.SignedRequest), body string) {
			t.Helper()
			forged := signed
			forged.Headers = maps.Clone(signed.Headers)
			change(&forged)
			if status := do(t, forged, body, 0); status/100 != 4 {
				t.Errorf("an upload with %s is answered with %d, want it refused", what, status)
			}
		}
		tampered := func(r *chat.SignedRequest) { r.URL = tamper(t, r.URL) }
		refused("another signature", tampered, content)
		refused("another key", func(r *chat.SignedRequest) { r.URL = strings.Replace(r.URL, "/A4", "/A5", 1) }, content)
		refused("another type", func(r *chat.SignedRequest) { r.Headers["Content-Type"] = "text/html" }, content)
		refused("another length", func(*chat.SignedRequest) {}, content+"!")
		refused("another content", func(*chat.SignedRequest) {}, strings.ToUpper(content))
		refused("another method", func(r *chat.SignedRequest) { r.Method = http.MethodDelete }, "")
		wants(t, store.Keep(t.Context(), f), chat.Conflict, "Keep() after refused uploads")
		plain := file("A6") // whose length is all that is known
		if status := do(t, upload(t, store, plain), content+"!", 0); status/100 != 4 {
			t.Errorf("a longer upload without a checksum is answered with %d, want it refused", status)
		}
		do(t, signed, content, 200)
		wants(t, store.Keep(t.Context(), f), "", "Keep()")
		down, err := store.SignDownload(t.Context(), f, time.Minute)
		wants(t, err, "", "SignDownload()")
		for what, link := range map[string]string{
			"another signature":   tamper(t, down.URL),
			"another disposition": strings.Replace(down.URL, "attachment", "inline", 1),
			"another type":        strings.Replace(down.URL, "octet-stream", "html", 1),
			"no signature":        strings.SplitN(down.URL, "?", 2)[0],
		} {
			if status := do(t, chat.SignedRequest{Method: http.MethodGet, URL: link}, "", 0); status/100 != 4 || link == down.URL {
				t.Errorf("a download with %s is answered with %d, want it refused", what, status)
			}
		}
	})
}

func wants(t *testing.T, err error, code chat.Code, what string) {
	t.Helper()
	if got := chat.CodeOf(err); got != code {
		t.Errorf("%s = %v, want code %q", what, err, code)
	}
}

func upload(t *testing.T, store chat.FileStore, f chat.File) chat.SignedRequest {
	t.Helper()
	signed, err := store.SignUpload(t.Context(), f, time.Minute)
	if err != nil || signed.Method != http.MethodPut || signed.Headers["Content-Type"] != f.Type || signed.Expires <= time.Now().UnixMicro() {
		t.Fatalf("SignUpload() = %+v, %v", signed, err)
	}
	return signed
}

// do makes a signed request, and returns the status. want 0 is any.
func do(t *testing.T, signed chat.SignedRequest, body string, want int) int {
	t.Helper()
	response := send(t, signed, body)
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	if want != 0 && response.StatusCode != want {
		t.Errorf("%s %s = %s, want %d: %.300s", signed.Method, signed.URL, response.Status, want, text)
	}
	return response.StatusCode
}

func send(t *testing.T, signed chat.SignedRequest, body string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range signed.Headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s %s: %v", signed.Method, signed.URL, err)
	}
	return response
}

func download(t *testing.T, store chat.FileStore, f chat.File, want int) (http.Header, string) {
	t.Helper()
	signed, err := store.SignDownload(t.Context(), f, time.Minute)
	if err != nil || signed.Method != http.MethodGet {
		t.Fatalf("SignDownload() = %+v, %v", signed, err)
	}
	response := send(t, signed, "")
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		t.Errorf("the download = %s, %v; want %d", response.Status, err, want)
	}
	return response.Header, string(body)
}

// tamper changes one digit of a URL's signature.
func tamper(t *testing.T, link string) string {
	t.Helper()
	parsed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	for _, name := range []string{"signature", "X-Amz-Signature"} {
		if text := []byte(query.Get(name)); len(text) > 0 {
			if text[3] == 'a' {
				text[3] = 'b'
			} else {
				text[3] = 'a'
			}
			query.Set(name, string(text))
			parsed.RawQuery = query.Encode()
			return parsed.String()
		}
	}
	t.Fatalf("%s has no signature", link)
	return ""
}
