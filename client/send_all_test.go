package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
)

// TestSendAll: a request that may have arrived is repeated with the ids of the first, and each message has its own outcome.
func TestSendAll(t *testing.T) {
	t.Parallel()
	s := serve(t, answer{status: http.StatusServiceUnavailable, body: `{"code":"unavailable","message":"away"}`}, answer{status: http.StatusOK, body: `[
		{"status":"success","send_time":7,"duplicate":true},
		{"status":"failed","code":"resource_exhausted","message":"later","retry_after":3}]`})
	messages := []client.Message{{Chat: "a", Text: "one", Sender: "ann"}, {Chat: "a", Text: "two", Sender: "ann", ID: "mine"}}
	c := with(t, s.URL, nil, client.WithPolicy(client.Policy{Attempts: 2}))
	results, err := c.SendAll(t.Context(), messages)
	if err != nil || len(results) != 2 {
		t.Fatalf("SendAll() = %+v, %v; want two results", results, err)
	}
	if want := (client.Receipt{SendTime: 7, Duplicate: true}); results[0].Receipt != want || results[0].Err != nil {
		t.Errorf("the first result is %+v, want %+v", results[0], want)
	}
	var failed *client.Error
	if !errors.As(results[1].Err, &failed) || failed.Code != "resource_exhausted" || failed.RetryAfter != 3*time.Second {
		t.Errorf("the second result is %+v, want the error of the server", results[1])
	}
	if messages[0].ID == "" || messages[1].ID != "mine" {
		t.Errorf("the messages have the ids %q and %q; want a new one and the given one", messages[0].ID, messages[1].ID)
	}
	asked := s.requests()
	if len(asked) != 2 || asked[0] != asked[1] || !strings.Contains(asked[0], messages[0].ID) || !strings.Contains(asked[0], `"id":"mine"`) {
		t.Errorf("the server was asked %q; want twice the same, with both ids", asked)
	}
	if results, err := c.SendAll(t.Context(), nil); results != nil || err != nil {
		t.Errorf("SendAll() of nothing = %+v, %v", results, err)
	}
}
