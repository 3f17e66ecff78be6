package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/pullchat/pullchat/client"
)

// exampleServer stands for a Pullchat server with two messages; the first requests it answers with 503.
func exampleServer(unavailable int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case unavailable > 0:
			unavailable--
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"code":"unavailable","message":"redis does not answer"}`)
		case r.URL.Path == "/api/send":
			_, _ = io.WriteString(w, `{"status":"success","send_time":1795248043296447}`)
		case r.URL.Query().Get("cursor") == "0":
			_, _ = io.WriteString(w, `{"messages":[{"chat":"alice:bob","text":"hello","sender":"alice","send_time":1795248043296447}],"has_more":true,"next_cursor":1795248043312485}`)
		default:
			_, _ = io.WriteString(w, `{"messages":[{"chat":"alice:bob","text":"hi Alice","sender":"bob","send_time":1795248043312485}],"has_more":false,"next_cursor":1795248043312486}`)
		}
	}))
}

// A send goes out under an id of its own, so it can be repeated without storing twice.
func ExampleClient_Send() {
	server := exampleServer(2)
	defer server.Close()
	c, err := client.New(server.URL, nil, client.WithNotify(func(r client.Repeat) {
		fmt.Printf("attempt %d: %v\n", r.Attempt, r.Err)
	}))
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := c.Send(context.Background(), client.Message{Chat: "alice:bob", Sender: "alice", Text: "hello"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored at", receipt.SendTime)
	// Output:
	// attempt 1: unavailable: redis does not answer
	// attempt 2: unavailable: redis does not answer
	// stored at 1795248043296447
}

// All follows the pages to the end of a chat.
func ExampleClient_All() {
	server := exampleServer(0)
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range c.All(context.Background(), client.PullRequest{Chat: "alice:bob"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Time().UTC().Format("15:04:05"), m.Sender+":", m.Text)
	}
	// Output:
	// 08:00:43 alice: hello
	// 08:00:43 bob: hi Alice
}

// With several servers a call goes on to another one where one is gone.
func ExampleNew_severalServers() {
	gone := exampleServer(0)
	gone.Close()
	server := exampleServer(0)
	defer server.Close()
	c, err := client.New(gone.URL+","+server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Ready(context.Background()))
	// Output: <nil>
}

// Repeats can be bounded, or switched off with one attempt.
func ExampleWithPolicy() {
	server := exampleServer(100)
	defer server.Close()
	c, err := client.New(server.URL, nil, client.WithPolicy(client.Policy{Attempts: 1, Attempt: time.Minute}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Ready(context.Background()))
	// Output: unavailable: redis does not answer
}

// When a send gives up, its error says whether the message may be there, and how to find out.
func ExampleRetryError() {
	server := exampleServer(2)
	defer server.Close()
	c, err := client.New(server.URL, nil, client.WithPolicy(client.Policy{Attempts: 2}))
	if err != nil {
		log.Fatal(err)
	}
	message := client.Message{Chat: "alice:bob", Sender: "alice", Text: "hello"}
	_, err = c.Send(context.Background(), message)
	if unsure, ok := errors.AsType[*client.RetryError](err); ok && unsure.Unknown {
		fmt.Println("attempts:", unsure.Attempts)
		message.ID = unsure.ID // the same message, not another one
		receipt, err := c.Send(context.Background(), message)
		fmt.Println("stored at", receipt.SendTime, err)
	}
	// Output:
	// attempts: 2
	// stored at 1795248043296447 <nil>
}
