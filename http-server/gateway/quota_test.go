package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestChatsOfOneAddress: a stream whose chats are too many beside the others' is refused before it begins, and a watch
// alone.
func TestChatsOfOneAddress(t *testing.T) {
	d := openGateway(t, Config{AddressFollowedChats: 3}, usual)
	ask := func(target string) (status int, body string) {
		response, err := http.Get("http://" + d.addr + target)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusOK { // a stream has no end
			t.Cleanup(func() { _ = response.Body.Close() })
			return response.StatusCode, ""
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(text)
	}
	if status, body := ask("/api/stream?chat=a&chat=b&chat=c&chat=d"); status != http.StatusTooManyRequests || !strings.Contains(body, "follows 3 chats here") {
		t.Errorf("a stream of four chats = %d %s, want 429 and the limit", status, body)
	}
	stream := follows(t, d, "/api/stream?chat=a&chat=b", "")
	d.send(t, "a", "alice", "hello")
	stream.texts(t, 1)
	if status, body := ask("/api/stream?chat=a&chat=c"); status != http.StatusTooManyRequests {
		t.Errorf("a stream of two more = %d %s, want 429", status, body)
	}
	if status, body := ask("/api/stream?chat=c"); status != http.StatusOK {
		t.Errorf("a stream of one more = %d %s", status, body)
	}
}
