package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/pullchat/pullchat/client"
)

// exampleRooms stands for a Pullchat server: each request has one answer.
func exampleRooms(answers map[string]string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, known := answers[r.Method+" "+r.URL.Path]; known {
			_, _ = io.WriteString(w, answer)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"not_found","message":"nobody has created it"}`)
	}))
}

// The creator of a room is its admin. Each change returns the changed room.
func ExampleClient_RoomsAs() {
	server := exampleRooms(map[string]string{
		"POST /api/rooms":                      `{"id":"club","name":"The Club","visibility":"private","created":1795248043296447,"member_count":2,"role":"admin"}`,
		"POST /api/rooms/club/members":         `{"id":"club","name":"The Club","visibility":"private","created":1795248043296447,"member_count":3,"role":"admin"}`,
		"PATCH /api/rooms/club/members/bob":    `{"id":"club","name":"The Club","visibility":"private","created":1795248043296447,"member_count":3,"role":"admin"}`,
		"DELETE /api/rooms/club/members/carol": `{"id":"club","name":"The Club","visibility":"private","created":1795248043296447,"member_count":2,"role":"admin"}`,
		"PATCH /api/rooms/club":                `{"id":"club","name":"The Club","visibility":"public","created":1795248043296447,"member_count":2,"role":"admin"}`,
	})
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, alice := context.Background(), c.RoomsAs("alice")
	room, err := alice.Create(ctx, client.NewRoom{ID: "club", Name: "The Club", Users: []string{"bob"}})
	fmt.Println(room.Name, room.Visibility, room.Count, room.Role, err)
	room, err = alice.Add(ctx, "club", "carol")
	fmt.Println(room.Count, err)
	_, err = alice.Assign(ctx, "club", "bob", "admin")
	fmt.Println(err)
	room, err = alice.Remove(ctx, "club", "carol")
	fmt.Println(room.Count, err)
	room, err = alice.Open(ctx, "club")
	fmt.Println(room.Visibility, err)
	// Output:
	// The Club private 2 admin <nil>
	// 3 <nil>
	// <nil>
	// 2 <nil>
	// public <nil>
}

// Show has the members of a room, those who are for longest first.
func ExampleRooms_Show() {
	server := exampleRooms(map[string]string{
		"GET /api/rooms/club": `{"id":"club","name":"The Club","visibility":"private","created":1795248043296447,"member_count":2,"role":"member",` +
			`"members":[{"user":"alice","role":"admin","since":1795248043296447},{"user":"bob","role":"member","since":1795248043312485}]}`,
	})
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	room, err := c.RoomsAs("bob").Show(context.Background(), "club")
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range room.Members {
		fmt.Println(m.User, m.Role)
	}
	// Output:
	// alice admin
	// bob member
}

// Public has all rooms that any user may join, page by page.
func ExampleRooms_Public() {
	server := exampleRooms(map[string]string{
		"GET /api/rooms/public":       `{"rooms":[{"id":"lounge","name":"","visibility":"public","created":1795248043296447,"member_count":7}],"has_more":false,"next_cursor":""}`,
		"POST /api/rooms/lounge/join": `{"id":"lounge","name":"","visibility":"public","created":1795248043296447,"member_count":8,"role":"member"}`,
	})
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, bob := context.Background(), c.RoomsAs("bob")
	for from := ""; ; {
		page, err := bob.Public(ctx, from, 100)
		if err != nil {
			log.Fatal(err)
		}
		for _, room := range page.Rooms {
			joined, err := bob.Join(ctx, room.ID)
			fmt.Println(joined.ID, joined.Count, joined.Role, err)
		}
		if !page.HasMore {
			break
		}
		from = page.NextCursor
	}
	// Output: lounge 8 member <nil>
}

// An inbox lists the chats with the newest messages first, with their unread counts.
func ExampleClient_Inbox() {
	server := exampleRooms(map[string]string{
		"GET /api/inbox": `{"chats":[{"chat":"alice:bob","last_message":{"chat":"alice:bob","text":"hi","sender":"alice","send_time":1795248043312485},` +
			`"unread":1,"cursor":0}],"has_more":false,"next_cursor":0}`,
		"POST /api/read": `{"status":"success","cursor":1795248043312486}`,
	})
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	inbox, err := c.Inbox(context.Background(), client.InboxRequest{Reader: "bob"})
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range inbox.Chats {
		fmt.Println(entry.Chat, entry.Unread, entry.Last.Text)
		cursor, err := c.Read(context.Background(), client.Reading{Chat: entry.Chat, Reader: "bob", Cursor: entry.Last.NextCursor()})
		fmt.Println("read up to", cursor, err)
	}
	// Output:
	// alice:bob 1 hi
	// read up to 1795248043312486 <nil>
}
