package push

import (
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestGone: a subscription that its service does not know is removed, and no other one.
func TestGone(t *testing.T) {
	t.Parallel()
	counted := map[string]int{}
	count := func(c *Config) {
		var mutex sync.Mutex
		c.Notified = func(kind, outcome string) {
			mutex.Lock()
			defer mutex.Unlock()
			counted[kind+" "+outcome]++
		}
	}
	b := newBed(t, count, webPush("bob"), plain("cid", "/topic", chat.PlainText), ofFCM("dan", false), webPush("eve"), ofFCM("fay", true))
	b.answer("/web/bob-web", nil, http.StatusGone)
	b.answer("/topic", nil, http.StatusNotFound)
	b.handle(burst("club", time.Now(), "hi"))
	if left := b.source.left(); left != "eve fay" {
		t.Errorf("left are %q, want eve fay", left)
	}
	b.answer("/v1/projects/proj/messages:send", nil, http.StatusNotFound) // without the error that names the token
	b.answer("/web/eve-web", nil, http.StatusForbidden)
	b.handle(burst("club", time.Now(), "ho"))
	if left := b.source.left(); left != "eve fay" {
		t.Errorf("after other errors, left are %q, want eve fay", left)
	}
	want := map[string]int{"webpush removed": 1, "plain removed": 1, "fcm removed": 1, "webpush sent": 1, "fcm sent": 1, "webpush refused": 1, "fcm refused": 1}
	if !maps.Equal(counted, want) {
		t.Errorf("the notifications are counted as %v, want %v", counted, want)
	}
}

// TestRenewedMeanwhile: the answer to an old subscription does not remove the new one of the device.
func TestRenewedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, http.StatusGone)
	b.source.onQuery = func() { b.source.subscriptions[0].Created = 99 }
	b.handle(burst("club", time.Now(), "hi"))
	if left := b.source.left(); left != "bob" {
		t.Errorf("left are %q, want bob", left)
	}
}

// TestRetries: a call that fails is made again, not before the service wants it, while it is of use.
func TestRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	path := "/web/bob-web"
	b.answer(path, http.Header{"Retry-After": {"600"}}, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	b.handle(burst("club", time.Now(), "hi"))
	b.later(590 * time.Second)
	if n := b.calls(path); n != 1 {
		t.Errorf("before the time of Retry-After there were %d calls, want 1", n)
	}
	b.later(11 * time.Second)
	b.later(601 * time.Second)
	if got := b.next(); got.text != "hi" {
		t.Errorf("after two failures comes %+v", got)
	}
	if stats := b.Stats(); stats.Sent != 1 || stats.Dropped != 0 || b.outbox.hosts[b.Listener.Addr().String()] != nil {
		t.Errorf("the counts are %+v", stats)
	}

	b.answer(path, http.Header{"Retry-After": {"3000"}}, 503, 503)
	b.handle(burst("club", time.Now(), "later than its TTL"))
	b.later(3001 * time.Second)
	if n, stats := b.calls(path), b.Stats(); n != 4 || stats.Dropped != 1 {
		t.Errorf("of a notification that expires there were %d calls, and the counts are %+v; want 4 and 1 dropped", n, stats)
	}
}

// TestFewRetries: they end, long before the TTL does.
func TestFewRetries(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *Config) { c.PushTTL = 24 * time.Hour }, webPush("bob"))
	b.answer("/web/bob-web", nil, 500, 500, 500, 500, 500, 500, 500, 500, 500)
	b.handle(burst("club", time.Now(), "hi"))
	for range 10 {
		b.later(30 * time.Minute)
	}
	if n, stats := b.calls("/web/bob-web"), b.Stats(); n != maxAttempts || stats.Dropped != 1 {
		t.Errorf("there were %d calls, and the counts are %+v; want %d and 1 dropped", n, stats, maxAttempts)
	}
}

// TestReadMeanwhile: who has read the message before the next call is not told; a later burst replaces an earlier one.
func TestReadMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, 503)
	b.handle(burst("club", time.Now(), "hi"))
	b.source.hidden["bob"] = true
	b.later(time.Minute)
	b.nothing("bob has read it")
	if stats := b.Stats(); stats.Obsolete != 1 {
		t.Errorf("the counts are %+v, want one obsolete", stats)
	}
	b.source.hidden["bob"] = false
	b.handle(burst("club", time.Now(), "one")) // waits, as the service fails
	b.handle(burst("club", time.Now(), "two"))
	b.handle(burst("ann:bob", time.Now(), "other"))
	b.later(time.Second)
	texts := map[string]bool{b.next().text: true, b.next().text: true}
	b.nothing("the later one of the chat, and that of another chat")
	if !texts["two"] || !texts["other"] {
		t.Errorf("%v came, want two and other", texts)
	}
}

// TestDeletedMeanwhile: nothing is told of a message that was deleted while its notification waited, for another call or for
// the users to be absent.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil, webPush("bob"))
	b.answer("/web/bob-web", nil, 503)
	b.handle(burst("club", time.Now(), "one", "secret", "three", "four"))
	b.source.remove("secret")
	b.later(time.Minute)
	if got := b.next(); got.text != "one\nthree\nfour" {
		t.Errorf("%q came, want what was not deleted", got.text)
	}
	b.answer("/web/bob-web", nil, 503)
	b.handle(burst("club", time.Now(), "gone"))
	b.source.remove("gone")
	b.later(time.Minute)
	b.nothing("all was deleted")
	if stats := b.Stats(); stats.Obsolete != 1 {
		t.Errorf("the counts are %+v, want one obsolete", stats)
	}

	b = newBed(t, func(c *Config) { c.PushAbsent = 200 * time.Millisecond }, webPush("bob"))
	asked := 0
	b.source.onQuery = func() {
		if asked++; asked == 1 {
			b.source.removeLocked("secret")
		}
	}
	b.handle(burst("club", time.Now(), "one", "secret"))
	if got := b.next(); got.text != "one" {
		t.Errorf("%q came, want what was not deleted while bob was waited for", got.text)
	}
}
