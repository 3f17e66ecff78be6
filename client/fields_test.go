package client_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chattest"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// TestEveryFieldOfTheContract: Send sends each field of a send, and Pull returns each field of a message.
func TestEveryFieldOfTheContract(t *testing.T) {
	t.Parallel()
	var answered api.Message
	chattest.Fill(t, &answered)
	var sent api.SendRequest
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(api.PullResponse{Messages: []*api.Message{&answered}})
			return
		}
		body, err := io.ReadAll(r.Body)
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err == nil {
			err = decoder.Decode(&sent)
		}
		if err != nil {
			t.Errorf("the server gets %s: %v", body, err)
		}
		_, _ = io.WriteString(w, `{"status":"success","send_time":1}`)
	}))
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	var m client.Message
	chattest.Fill(t, &m)
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	chattest.CheckFilled(t, "Client.Send", &sent)
	page, err := c.Pull(t.Context(), client.PullRequest{Chat: "a"})
	if err != nil || len(page.Messages) != 1 {
		t.Fatal(page, err)
	}
	chattest.CheckFilled(t, "client.Message", page.Messages[0])
	var want, got map[string]any
	encoded, _ := json.Marshal(&answered)
	_ = json.Unmarshal(encoded, &want)
	encoded, _ = json.Marshal(page.Messages[0])
	_ = json.Unmarshal(encoded, &got)
	for name := range want {
		if _, has := got[name]; !has && name != "type" { // a notice has an Event
			t.Errorf("client.Message lacks %s", name)
		}
	}
}
