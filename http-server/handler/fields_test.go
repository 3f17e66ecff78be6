package handler

import (
	"encoding/json"
	"testing"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// TestEveryFieldIsAnswered: answers other than pages have each field of a message.
func TestEveryFieldIsAnswered(t *testing.T) {
	t.Parallel()
	var m chat.Message
	chattest.Fill(t, &m)
	chattest.CheckFilled(t, "answeredMessage", answeredMessage(&m))
}

// TestEveryFieldOfASendIsRead: a field of a send reaches the service, and a send with all of them is read the fast way.
func TestEveryFieldOfASendIsRead(t *testing.T) {
	t.Parallel()
	var sent api.SendRequest
	chattest.Fill(t, &sent)
	body, err := json.Marshal(&sent)
	if err != nil {
		t.Fatal(err)
	}
	if !readHot(body, new(api.SendRequest)) {
		t.Errorf("readHot does not know a field of %s", body)
	}
	c := app.NewContext(0)
	c.Request.SetBody(body)
	c.Request.Header.SetContentTypeBytes([]byte("application/json"))
	m, err := readMessage(c, body)
	if err != nil {
		t.Fatal(err)
	}
	chattest.CheckSent(t, "readMessage", &sent, m)
}
