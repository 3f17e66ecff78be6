package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
)

// exampleStream stands for a Pullchat server: its stream breaks after the first message, and goes on where it was.
func exampleStream() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if strings.HasSuffix(r.Header.Get("Last-Event-ID"), "=0") {
			_, _ = io.WriteString(w, "event: messages\ndata: "+`{"chat":"alice:bob","messages":[{"chat":"alice:bob","text":"hello","sender":"alice","send_time":1795248043296447}],"has_more":false,"next_cursor":1795248043296448}`+"\n\n")
			return
		}
		_, _ = io.WriteString(w, "event: signal\ndata: "+`{"chat":"alice:bob","sender":"bob","type":"typing"}`+"\n\n")
		_, _ = io.WriteString(w, "event: messages\ndata: "+`{"chat":"alice:bob","messages":[{"chat":"alice:bob","text":"hi Alice","sender":"bob","send_time":1795248043312485}],"has_more":false,"next_cursor":1795248043312486}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
}

// Follow goes on for ever. A program that keeps its cursors misses nothing after a restart, and gets nothing twice.
func ExampleClient_Follow() {
	server := exampleStream()
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	cursors := map[string]int64{"alice:bob": 0} // as they were stored
	for m, err := range c.Follow(context.Background(), client.FollowRequest{Chats: cursors}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Sender+":", m.Text)
		cursors[m.Chat] = m.NextCursor() // store them once m is dealt with
		if m.Text == "hi Alice" {
			break
		}
	}
	fmt.Println(cursors)
	// Output:
	// alice: hello
	// bob: hi Alice
	// map[alice:bob:1795248043312486]
}

// FollowEvents also yields signals and presence.
func ExampleClient_FollowEvents() {
	server := exampleStream()
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	chats := map[string]int64{"alice:bob": 1795248043296448}
	for event, err := range c.FollowEvents(context.Background(), client.FollowRequest{Chats: chats, Reader: "alice"}) {
		switch {
		case err != nil:
			log.Fatal(err)
		case event.Signal != nil:
			fmt.Println(event.Signal.Sender, "is", event.Signal.Type)
		case event.Presence != nil:
			fmt.Println("here:", event.Presence.Readers)
		case event.Page != nil:
			fmt.Println(len(event.Page.Messages), "message, then", event.Page.NextCursor)
			return
		}
	}
	// Output:
	// bob is typing
	// 1 message, then 1795248043312486
}

// A long-poll is answered as soon as there is a message.
func ExamplePullRequest_wait() {
	server := exampleServer(0)
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	page, err := c.Pull(context.Background(), client.PullRequest{Chat: "alice:bob", Wait: 25 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Messages[0].Text)
	// Output: hello
}
