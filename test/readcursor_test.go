package test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestBotThatIsKilled follows the recipe of docs/live.md: a bot is killed after it has answered two of five questions,
// before it marks the second as read. After its restart it answers the other three, and none twice.
func TestBotThatIsKilled(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	c, err := client.New(s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		s.send("ann:bot", "ann", fmt.Sprintf("question %d", i))
	}
	work := func(killed int) (answered []string) {
		t.Helper()
		for m, err := range c.All(t.Context(), client.PullRequest{Chat: "ann:bot", Reader: "bot", Unread: true, Limit: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			if m.Sender == "bot" {
				continue
			}
			id := "re-" + strconv.FormatInt(m.SendTime, 10)
			receipt, err := c.Send(t.Context(), client.Message{Chat: "ann:bot", Sender: "bot", Text: "to " + m.Text, ID: id})
			if err != nil {
				t.Fatal(err)
			}
			if !receipt.Duplicate {
				answered = append(answered, m.Text)
			}
			if killed--; killed == 0 {
				return answered
			}
			if _, err := c.Read(t.Context(), client.Reading{Chat: "ann:bot", Reader: "bot", Cursor: m.NextCursor()}); err != nil {
				t.Fatal(err)
			}
		}
		return answered
	}
	if got := work(2); len(got) != 2 {
		t.Fatalf("the bot answered %q, want two", got)
	}
	s.want("/api/unread?reader=bot", "chats.unread=[4]")
	s.want("/api/unread?reader=ann", "chats.unread=[2]")
	if got := work(0); !slices.Equal(got, []string{"question 2", "question 3", "question 4"}) {
		t.Errorf("started again the bot answered %q, want the other three", got)
	}
	s.want("/api/unread?reader=bot", "chats=[]")
}

// TestReadToTheEnd: no cursor stands past the end, whatever is said, and a user moves it back; those who follow are told
// where it really is.
func TestReadToTheEnd(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	for _, text := range []string{"1", "2"} {
		s.send("alice:bob", "bob", text)
	}
	last := s.ask("GET", "/api/pull?chat=alice:bob&reverse=true&limit=1", "")["messages"].([]any)[0].(map[string]any)["send_time"].(float64)
	for name, c := range map[string]struct {
		cursor string
		want   float64
	}{
		"the largest cursor":   {"9007199254740991", last + 1},
		"the end":              {`"end"`, last + 1},
		"one past the end":     {fmt.Sprintf("%.0f", last+2), last + 1},
		"back, but with force": {`1,"force":true`, 1},
		"forced past the end":  {`9007199254740991,"force":true`, last + 1},
		"the end with force":   {`"end","force":true`, last + 1},
		"null":                 {`null,"force":true`, 0},
	} {
		body := fmt.Sprintf(`{"chat":"alice:bob","reader":"alice","cursor":%s}`, c.cursor)
		if got := s.ask("POST", "/api/read", body)["cursor"]; got != c.want {
			t.Errorf("%s: read(%s) = %v, want %.0f", name, body, got, c.want)
		}
	}
	s.ask("POST", "/api/read", `{"chat":"alice:bob","reader":"alice","cursor":9007199254740991}`)
	s.want("/api/unread?reader=alice", "chats=[]")
	s.send("alice:bob", "bob", "3")
	s.want("/api/unread?reader=alice", "chats.unread=[1]")
	s.want("/api/inbox?reader=alice", "chats.unread=[1]")
	s.want("/api/pull?chat=alice:bob&reader=alice&unread=true", "messages.text=[3]")
}

// TestInboxPagesWhileChatsMove: twelve chats in pages of four; one that moves up between two pages is on one all the same.
func TestInboxPagesWhileChatsMove(t *testing.T) {
	s := startInboxStack(t, redistest.Start(t).URL())
	c, err := client.New(s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		s.send(fmt.Sprintf("alice:u%02d", i), "alice", "hello")
	}
	seen := map[string]int{}
	var order []string
	request := client.InboxRequest{Reader: "alice", Limit: 4}
	for page := 0; ; page++ {
		inbox, err := c.Inbox(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if len(inbox.Chats) > 4 || request.Cursor > 1<<53-1 {
			t.Errorf("page %d has %d chats, and the cursor %d", page, len(inbox.Chats), request.Cursor)
		}
		for _, e := range inbox.Chats {
			seen[e.Chat]++
			order = append(order, e.Chat)
		}
		if page < 2 { // of those that come last
			s.send(fmt.Sprintf("alice:u%02d", page), "alice", "more")
		}
		if request.Cursor = inbox.NextCursor; !inbox.HasMore {
			break
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d chats of 12 are on the pages: %q", len(seen), order)
	}
}
