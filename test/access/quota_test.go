package access

import (
	"net/http"
	"strings"
	"testing"
)

// TestStreamsOfOneUser: a user has so many streams, WebSockets and waits open, over all connections; another is not meant.
func TestStreamsOfOneUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := w.shared
	open := func(by caller) (status int) {
		response := w.request(t.Context(), t, http.MethodGet, "/api/stream?chat="+in.room(), "", w.token(t, by, in))
		t.Cleanup(func() { _ = response.Body.Close() })
		return response.StatusCode
	}
	for i := range userStreams {
		if status := open(member); status != http.StatusOK {
			t.Fatalf("stream %d = %d", i, status)
		}
	}
	if status := open(member); status != http.StatusTooManyRequests {
		t.Errorf("one more stream = %d, want 429", status)
	}
	if socket, refused := w.dial(t, w.token(t, member, in)); socket != nil || !strings.Contains(refused.body, "which is the limit") {
		t.Errorf("one more WebSocket: %v, want a refusal that names the limit", refused)
	}
	response := w.request(t.Context(), t, http.MethodGet, "/api/pull?chat="+in.room()+"&cursor=9007199254740991&wait=1s", "", w.token(t, member, in))
	_ = response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one more wait = %d, want 429", response.StatusCode)
	}
	if status := open(admin); status != http.StatusOK {
		t.Errorf("another user's stream = %d", status)
	}
}
