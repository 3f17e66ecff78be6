// The bot answers every message that its user gets, each once, through restarts and crashes.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/pullchat/pullchat/client"
)

func main() {
	const me = "bot"
	c, err := client.New("http://127.0.0.1:8080", nil, client.WithToken(os.Getenv("PULLCHAT_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for m, err := range c.Follow(ctx, client.FollowRequest{Inbox: true, Reader: me}) {
		if err != nil {
			log.Fatal(err)
		}
		if m.Sender == me || m.Notice != nil {
			continue
		}
		answer := client.Message{Chat: m.Chat, Sender: me, Text: "You said: " + m.Text, ID: fmt.Sprint("re-", m.SendTime)}
		if _, err := c.Send(ctx, answer); err != nil {
			log.Fatal(err)
		}
		if _, err := c.Read(ctx, client.Reading{Chat: m.Chat, Reader: me, Cursor: m.NextCursor()}); err != nil {
			log.Fatal(err)
		}
	}
}
