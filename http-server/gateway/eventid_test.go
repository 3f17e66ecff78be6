package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// follower is a client of a stream of events as net/http sends its requests.
type follower struct {
	*bufio.Scanner
	id string // of the last event
}

func follows(t *testing.T, d testGateway, target, lastEventID string) *follower {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.addr+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("GET %.60s with %d bytes and an id of %d = %d %s", target, len(target), len(lastEventID), response.StatusCode, body)
	}
	return &follower{Scanner: bufio.NewScanner(response.Body)}
}

// texts reads the texts of n messages.
func (f *follower) texts(t *testing.T, n int) (texts []string) {
	t.Helper()
	for len(texts) < n && f.Scan() {
		switch name, value, _ := strings.Cut(f.Text(), ": "); name {
		case "id":
			f.id = value
		case "data":
			var page struct{ Messages []struct{ Text string } }
			decode(t, value, &page)
			for _, m := range page.Messages {
				texts = append(texts, m.Text)
			}
		}
	}
	if len(texts) != n {
		t.Fatalf("%d messages came, %v; want %d", len(texts), f.Err(), n)
	}
	return texts
}

// longPairs are n chats with the longest of names.
func longPairs(n int) (names []string, query string) {
	for i := range n {
		name := fmt.Sprintf("%064d:%s%02d", i, strings.Repeat("x", 62), i)
		names = append(names, name)
		query += "&chat=" + name
	}
	return names, query
}

// TestLongestStreams: of chats with the longest names there are as many in a stream as fit into a request with its
// event id. A stream that is accepted without an id is accepted with one, and continues from there.
func TestLongestStreams(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	status, n := http.StatusOK, 0
	for status == http.StatusOK {
		n++
		_, query := longPairs(n)
		response, err := http.Head("http://" + d.addr + "/api/stream?cursor=0" + query)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		status = response.StatusCode
	}
	names, query := longPairs(n)
	response, err := http.Get("http://" + d.addr + "/api/stream?cursor=0" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	want := fmt.Sprintf(`{"code":"invalid_argument","message":"the names of these %d chats are too long for one stream: `+
		`its event ids would not fit into a request; open two, or a WebSocket"}`, n)
	if string(body) != want || response.StatusCode != http.StatusBadRequest {
		t.Errorf("%d chats = %d %s; want %s", n, response.StatusCode, body, want)
	}

	names, query = names[:n-1], strings.TrimSuffix(query, "&chat="+names[n-1])
	if n < 50 {
		t.Errorf("%d chats are too many already, want some more", n)
	}
	send := func(text string) (texts []string) {
		for i, name := range names {
			sender, _, _ := strings.Cut(name, ":")
			texts = append(texts, fmt.Sprint(text, i))
			d.send(t, name, sender, texts[i])
		}
		slices.Sort(texts)
		return texts
	}
	id := ""
	for _, text := range []string{"one", "two", "three"} {
		sent := send(text)
		stream := follows(t, d, "/api/stream?cursor=0"+query, id)
		if texts := slices.Sorted(slices.Values(stream.texts(t, len(names)))); !slices.Equal(texts, sent) {
			t.Errorf("after %d bytes of an id %q came, want %q", len(id), texts, sent)
		}
		id = stream.id
	}
}

// TestRoomForInboxIDs: an inbox may need more of a request than is there when its stream begins.
func TestRoomForInboxIDs(t *testing.T) {
	t.Parallel()
	d := openGateway(t, Config{}, usual)
	target := "http://" + d.addr + "/api/stream?reader=alice"
	for i := range 100 {
		target += fmt.Sprintf("&chat=%064d", i)
	}
	for query, want := range map[string]int{"": http.StatusOK, "&inbox=true": http.StatusBadRequest} {
		response, err := http.Head(target + query)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("HEAD with 100 long names and %q = %d, want %d", query, response.StatusCode, want)
		}
	}
}
