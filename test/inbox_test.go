package test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestReading goes through the routes of readers as applications do.
func TestReading(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	s.send("bob:alice", "bob", "1")
	s.send("alice:bob", "bob", "2")
	s.send("alice:carol", "carol", "3")
	s.want("/api/inbox?reader=alice", "chats.chat=[alice:carol,alice:bob] chats.unread=[1,2] chats.last_message.text=[3,2] has_more=false next_cursor=0")
	first := s.ask("GET", "/api/inbox?reader=alice&limit=1", "")
	s.want(fmt.Sprintf("/api/inbox?reader=alice&limit=1&cursor=%.0f", first["next_cursor"]), "chats.chat=[alice:bob] has_more=false")
	s.want("/api/unread?reader=alice", "chats.chat=[alice:bob,alice:carol] chats.unread=[2,1]")
	s.want("/api/unread?reader=carol", "chats=[]")

	// pull, read, pull: each message once for each reader
	page := s.ask("GET", "/api/pull?chat=alice:bob&unread=true&reader=alice&limit=1", "")
	s.ask("POST", "/api/read", fmt.Sprintf(`{"chat":"alice:bob","reader":"alice","cursor":%.0f}`, page["next_cursor"]))
	s.want("/api/pull?chat=alice:bob&unread=true&reader=alice", "messages.text=[2]")
	s.want("/api/pull?chat=alice:bob&unread=true&reader=alice/phone", "messages.text=[1,2]")
	s.want("/api/unread?reader=alice", "chats.unread=[1,1]")
	s.want("/api/readers?chat=bob:alice", "chat=bob:alice readers.reader=[alice] count=1")

	// sending reads nothing, and is nothing to read
	s.send("alice:bob", "alice", "4")
	s.want("/api/unread?reader=alice", "chats.chat=[alice:bob,alice:carol] chats.unread=[1,1]")
	s.want("/api/inbox?reader=alice", "chats.chat=[alice:bob,alice:carol] chats.unread=[1,1]")
	s.want("/api/unread?reader=bob", "chats.unread=[1]")
	s.want("/api/pull?chat=alice:bob&unread=true&reader=alice", "messages.text=[2,4]")
	s.want("/api/readers?chat=bob:alice", "readers.reader=[alice]")
	s.want("/api/unread?reader=alice/phone", "chats.chat=[alice:bob,alice:carol] chats.unread=[2,1]")

	s.ask("PUT", "/api/ignored/bob?as=alice", "")
	s.want("/api/ignored?reader=alice/phone", "users=[bob]")
	s.want("/api/pull?chat=alice:bob&reader=alice", "messages.text=[4] has_more=false")
	s.want("/api/pull?chat=alice:bob&reader=alice&reverse=true&limit=1", "messages.text=[4]")
	s.want("/api/pull?chat=alice:bob", "messages.text=[1,2,4]")
	s.want("/api/unread?reader=alice/phone", "chats.chat=[alice:carol]")
	s.ask("DELETE", "/api/ignored/bob?as=alice", "")
	s.want("/api/pull?chat=alice:bob&reader=alice", "messages.text=[1,2,4]")
}

// TestReadingWithTheClient: the Go client says the same.
func TestReadingWithTheClient(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	c, err := client.New(s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.send("alice:bob", "bob", "1")
	s.send("alice:bob", "bob", "2")
	inbox, err := c.Inbox(t.Context(), client.InboxRequest{Reader: "alice"})
	if err != nil || len(inbox.Chats) != 1 || inbox.Chats[0].Last.Text != "2" || inbox.Chats[0].Unread != 2 || inbox.HasMore {
		t.Errorf("Inbox() = %+v, %v", inbox, err)
	}
	if unread, err := c.Unread(t.Context(), "alice"); err != nil || !maps.Equal(unread, map[string]int{"alice:bob": 2}) {
		t.Errorf("Unread() = %v, %v", unread, err)
	}
	var texts []string
	for m, err := range c.All(t.Context(), client.PullRequest{Chat: "alice:bob", Reader: "alice", Unread: true, Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, m.Text)
	}
	if !slices.Equal(texts, []string{"1", "2"}) {
		t.Errorf("All(unread) = %q, want both", texts)
	}
	if readings, count, err := c.Readers(t.Context(), "alice:bob"); err != nil || count != 0 {
		t.Errorf("Readers() = %v, %d, %v; want none: the user has only sent", readings, count, err)
	}
	end := inbox.Chats[0].Last.NextCursor()
	if got, err := c.ReadAll(t.Context(), "alice:bob", "alice"); err != nil || got != end {
		t.Errorf("ReadAll() = %d, %v; want %d", got, err, end)
	}
	if unread, err := c.Unread(t.Context(), "alice"); err != nil || len(unread) != 0 {
		t.Errorf("Unread() after ReadAll() = %v, %v; want nothing", unread, err)
	}
	if got, err := c.Read(t.Context(), client.Reading{Chat: "alice:bob", Reader: "alice", Cursor: end - 1}); err != nil || got != end {
		t.Errorf("Read() back = %d, %v; want %d, as before", got, err, end)
	}
	if got, err := c.ReadBack(t.Context(), client.Reading{Chat: "alice:bob", Reader: "alice", Cursor: 1}); err != nil || got != 1 {
		t.Errorf("ReadBack() = %d, %v; want 1", got, err)
	}
	if readings, count, err := c.Readers(t.Context(), "alice:bob"); err != nil || count != 1 || readings[0].Reader != "alice" || readings[0].Cursor != 1 {
		t.Errorf("Readers() = %v, %d, %v; want alice at 1", readings, count, err)
	}
	if err := c.Ignore(t.Context(), "alice", "bob"); err != nil {
		t.Fatal(err)
	}
	if ignored, err := c.Ignored(t.Context(), "alice"); err != nil || !slices.Equal(ignored, []string{"bob"}) {
		t.Errorf("Ignored() = %q, %v; want bob", ignored, err)
	}
	if unread, err := c.Unread(t.Context(), "alice"); err != nil || len(unread) != 0 {
		t.Errorf("Unread() with bob ignored = %v, %v; want nothing", unread, err)
	}
	if err := c.Unignore(t.Context(), "alice", "bob"); err != nil {
		t.Fatal(err)
	}
	if unread, err := c.Unread(t.Context(), "alice"); err != nil || unread["alice:bob"] != 2 {
		t.Errorf("Unread() = %v, %v; want 2 again", unread, err)
	}
}

// TestInboxStream: all of a user's chats, those that begin later too, come over one stream, and come on after a break.
func TestInboxStream(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	s.send("alice:bob", "bob", "read")
	s.ask("POST", "/api/read", `{"chat":"alice:bob","reader":"alice","cursor":"end"}`)
	s.send("alice:bob", "alice", "own")
	s.send("alice:bob", "bob", "unread")
	events := s.stream("inbox=true&reader=alice", "")
	all := s.stream("inbox=true&reader=alice&cursor=0", "")
	frames := s.socket(`{"type":"watch","inbox":true,"reader":"alice"}`)
	for _, f := range []*feed{events, all, frames} {
		f.until("unread") // each has the list from before the next events
	}
	s.send("alice:bob", "bob", "more")
	s.send("alice:carol", "alice", "hello carol")
	s.send("alice:carol", "carol", "hello alice")
	s.send("room", "dave", "before")
	s.members("room", "alice", chat.MemberJoined)
	s.send("room", "dave", "after")
	for name, c := range map[string]struct {
		feed  *feed
		first []string
	}{
		"events": {events, []string{"own", "unread"}}, "frames": {frames, []string{"own", "unread"}},
		"from the beginning": {all, []string{"read", "own", "unread"}},
	} {
		c.feed.until("more")
		c.feed.until("hello alice")
		got := slices.Sorted(slices.Values(c.feed.until("after")))
		want := slices.Sorted(slices.Values(append(c.first, "more", "hello carol", "hello alice", "joined", "after")))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q came, want each once of %q", name, got, want)
		}
	}
	events.close()
	s.send("alice:bob", "bob", "meanwhile")
	s.send("alice:eve", "eve", "meanwhile too")
	again := s.stream("inbox=true&reader=alice", events.id)
	again.until("meanwhile too")
	if got := slices.Sorted(slices.Values(again.until("meanwhile"))); !slices.Equal(got, []string{"meanwhile", "meanwhile too"}) {
		t.Errorf("after the break %q came, want what was sent meanwhile", got)
	}
	s.members("room", "alice", chat.MemberLeft)
	s.send("room", "dave", "after leaving, which may be late")
	s.send("alice:bob", "bob", "last")
	again.until("last")
}

// TestIgnoreDuringStreams: messages of the ignored user after the answer to an ignore come over no stream of the
// ignoring user, whichever the transport; messages of others come over all.
func TestIgnoreDuringStreams(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	s.send("room", "bob", "first")
	s.members("room", "alice", chat.MemberJoined)
	feeds := map[string]*feed{
		"stream": s.stream("chat=room&reader=alice/phone", ""),
		"inbox":  s.stream("inbox=true&reader=alice&cursor=0", ""),
		"socket": s.socket(`{"type":"watch","chat":"room","reader":"alice"}`),
		"other":  s.stream("chat=room&reader=dave", ""),
	}
	for _, f := range feeds {
		f.until("first")
	}
	noise := make(chan struct{})
	var noisy sync.WaitGroup
	noisy.Go(func() { // so that there are pages on their way at every moment
		for i := 0; ; i++ {
			select {
			case <-noise:
				return
			default:
				s.send("room", "carol", fmt.Sprintf("noise %d", i))
			}
		}
	})
	const rounds = 20
	for i := range rounds {
		s.ask("PUT", "/api/ignored/bob?as=alice", "")
		s.send("room", "bob", fmt.Sprintf("hidden %d", i))
		s.send("room", "carol", fmt.Sprintf("carol %d", i))
		for _, f := range feeds {
			f.until(fmt.Sprintf("carol %d", i))
		}
		s.ask("DELETE", "/api/ignored/bob?as=alice", "")
		s.send("room", "bob", fmt.Sprintf("shown %d", i))
		for _, f := range feeds {
			f.until(fmt.Sprintf("shown %d", i))
		}
	}
	close(noise)
	noisy.Wait()
	for name, f := range feeds {
		hidden := slices.DeleteFunc(f.until(fmt.Sprintf("shown %d", rounds-1)), func(text string) bool { return !strings.HasPrefix(text, "hidden") })
		if want := 0; name != "other" && len(hidden) != want {
			t.Errorf("%s: %q came over it", name, hidden)
		}
		if name == "other" && len(hidden) != rounds {
			t.Errorf("a reader without ignored users got %q, want all %d", hidden, rounds)
		}
	}
}

// TestIgnoredElsewhere: another gateway hears of it soon.
func TestIgnoredElsewhere(t *testing.T) {
	redis := redistest.Start(t)
	s, other := startInboxStack(t, redis.URL()), startInboxStack(t, redis.URL())
	s.send("alice:bob", "bob", "first")
	f := s.stream("chat=alice:bob&reader=alice", "")
	f.until("first")
	other.ask("PUT", "/api/ignored/bob?as=alice", "")
	wait := "/api/pull?" + url.Values{"chat": {"alice:bob"}, "reader": {"alice"}, "wait": {"100ms"}}.Encode()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range 200 {
		<-tick.C
		probe := fmt.Sprintf("probe %d", i)
		s.send("alice:bob", "bob", probe)
		s.send("alice:bob", "alice", "after "+probe)
		if !slices.Contains(f.until("after "+probe), probe) {
			s.want(wait+"&cursor=0", "has_more=false")
			return
		}
	}
	t.Error("bob is never ignored here")
}
