package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestWords: the requests are those of the API. An answer without content for the caller is a success.
func TestWords(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.RequestURI())
		answer := `{"status":"success"}`
		switch r.Method {
		case http.MethodGet:
			answer = `{"words":[{"word":"café","count":2,"match":"word","chat":"club","since":1}]}`
		case http.MethodPut:
			answer = `{"word":"café","count":0,"match":"substring","since":1}`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, answer)
	}))
	defer server.Close()
	c, err := client.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Words(t.Context(), client.WordsQuery{Chat: "club", Since: 5, Limit: 7})
	if want := (client.Word{Word: "café", Count: 2, Match: "word", Chat: "club", Since: 1}); err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("Words() = %v, %v", list, err)
	}
	if w, err := c.PutWord(t.Context(), client.Word{Word: "Café", Match: "substring"}); err != nil || w.Word != "café" {
		t.Errorf("PutWord() = %v, %v", w, err)
	}
	if err := c.DeleteWord(t.Context(), client.Word{Word: "c++", Chat: "club", Match: "word"}); err != nil {
		t.Errorf("DeleteWord() = %v", err)
	}
	if err := c.ChangeProjection(t.Context(), "words", client.ProjectionChange{Action: "pause"}); err != nil {
		t.Errorf("ChangeProjection() = %v", err)
	}
	want := []string{
		"GET /api/words?chat=club&limit=7&since=5", "PUT /api/words/Caf%C3%A9?match=substring", "DELETE /api/words/c++?chat=club", "POST /api/projections/words",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the requests are %q, want %q", got, want)
	}
}
