package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestUpload: a file is announced with its size and its checksum, uploaded without a token, and confirmed.
func TestUpload(t *testing.T) {
	t.Parallel()
	var got []string
	refused := false
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint("store ", r.Method, " ", r.URL, " ", r.ContentLength, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Authorization"), string(body)))
		if refused {
			http.Error(w, "the signature has expired", http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer store.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		attachment := `{"id":"A/1","chat":"ann:bob","sender":"ann","name":"a.png","bytes":5,"type":"image/png","state":"confirmed","created":1}`
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost && r.URL.Path != "/api/attachments" {
			_, _ = io.WriteString(w, attachment)
			return
		}
		method := map[string]string{http.MethodPost: http.MethodPut, http.MethodGet: http.MethodGet}[r.Method]
		_, _ = fmt.Fprintf(w, `{"attachment":%s,"url":"%s/x?secret","method":%q,"headers":{"Content-Type":"image/png"},"expires":2}`, attachment, store.URL, method)
	}))
	defer server.Close()
	c, err := client.New(server.URL, nil, client.WithToken("a.b.c"))
	if err != nil {
		t.Fatal(err)
	}
	file := client.NewAttachment{Chat: "ann:bob", Sender: "ann", Name: "a.png", Type: "image/png"}
	uploaded, err := c.Upload(t.Context(), file, strings.NewReader("hello"))
	if err != nil || uploaded.ID != "A/1" || uploaded.State != "confirmed" {
		t.Errorf("Upload() = %+v, %v", uploaded, err)
	}
	_, body, err := c.Download(t.Context(), "ann:bob", "A/1", "ann")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(body)
	_ = body.Close()
	want := []string{
		`POST /api/attachments {"chat":"ann:bob","sender":"ann","name":"a.png","bytes":5,"type":"image/png","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}`,
		`store PUT /x?secret 5 image/png hello`,
		`POST /api/attachments/A%2F1 {"as":"ann","chat":"ann:bob"}`,
		`GET /api/attachments/A%2F1?as=ann&chat=ann%3Abob `,
		`store GET /x?secret 0 image/png `,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || string(text) != "hello" {
		t.Errorf("the requests are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	refused = true
	if _, err := c.Upload(t.Context(), file, strings.NewReader("hello")); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("Upload() = %v, want what the store answered", err)
	}
	store.Close()
	if _, err := c.Upload(t.Context(), file, strings.NewReader("hello")); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Upload() = %v, want an error without the signature", err)
	}
	for kind, want := range map[string]string{"image/png": "image", "video/mp4": "video", "audio/ogg": "audio", "text/plain": "file", "": "file"} {
		if content := client.Attached(client.Attachment{ID: "A", Type: kind}); content.ContentType != want || string(content.Body) != `{"attachment":"A"}` {
			t.Errorf("Attached(%q) = %+v", kind, content)
		}
	}
}
