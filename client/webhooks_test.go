package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestWebhooks: requests and answers have the form of the API.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	const hook = `{"id":"x","url":"https://example.org","chats":["a:b"],"events":["messages"],"bursts":true,"enabled":false,"reason":"410","created":7`
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+string(body)))
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method == http.MethodDelete:
			_, _ = io.WriteString(w, `{"status":"success"}`)
		case r.Method == http.MethodGet && r.URL.Path == "/api/webhooks":
			_, _ = io.WriteString(w, `{"webhooks":[`+hook+`}]}`)
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, hook+`}`)
		default:
			_, _ = io.WriteString(w, hook+`,"secret":"whsec_x","previous_until":8}`)
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := client.Webhook{ID: "x", URL: "https://example.org", Chats: []string{"a:b"}, Events: []string{"messages"}, Bursts: true, Reason: "410", Created: 7}
	secret := shown
	secret.Secret, secret.PreviousUntil = "whsec_x", 8
	made, err := c.CreateWebhook(t.Context(), client.NewWebhook{URL: "https://example.org", Chats: []string{"a:b"}})
	if err != nil || !reflect.DeepEqual(made, secret) {
		t.Errorf("CreateWebhook = %+v, %v; want %+v", made, err, secret)
	}
	if all, err := c.Webhooks(t.Context()); err != nil || !reflect.DeepEqual(all, []client.Webhook{shown}) {
		t.Errorf("Webhooks = %+v, %v; want %+v", all, err, shown)
	}
	if one, err := c.Webhook(t.Context(), "x/y"); err != nil || !reflect.DeepEqual(one, shown) {
		t.Errorf("Webhook = %+v, %v; want %+v", one, err, shown)
	}
	if changed, err := c.ChangeWebhook(t.Context(), "x", client.WebhookChange{Enabled: new(true), Rotate: new(false)}); err != nil || !reflect.DeepEqual(changed, secret) {
		t.Errorf("ChangeWebhook = %+v, %v; want %+v", changed, err, secret)
	}
	if err := c.RemoveWebhook(t.Context(), "x"); err != nil {
		t.Errorf("RemoveWebhook = %v", err)
	}
	want := []string{
		`POST /api/webhooks {"url":"https://example.org","chats":["a:b"]}`, `GET /api/webhooks`, `GET /api/webhooks/x%2Fy`,
		`PATCH /api/webhooks/x {"enabled":true,"rotate":false}`, `DELETE /api/webhooks/x`,
	}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("the requests were %q, want %q", asked, want)
	}
}
