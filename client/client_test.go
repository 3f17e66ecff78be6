package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
)

// server answers every request alike, or from the list answers, and records the requests.
type server struct {
	*httptest.Server
	mutex   sync.Mutex
	asked   []string
	answers []answer // the last one repeats
}

type answer struct {
	status int
	header map[string]string
	body   string
}

func serve(t *testing.T, answers ...answer) *server {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mutex.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%s %s %q %s", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body))
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	s.mutex.Unlock()
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func (s *server) requests() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.asked)
}

// connect makes a client that asks once, and adds no ids.
func connect(t *testing.T, base string) *client.Client {
	t.Helper()
	return with(t, base, nil, client.WithPolicy(client.Policy{Attempts: 1}), client.WithIDs(nil))
}

func with(t *testing.T, base string, httpClient *http.Client, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(base, httpClient, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRequests is the form of every request, byte for byte.
func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name, path string // after the server's address
		call       func(context.Context, *client.Client) error
		want       string
	}{
		{
			"send", "",
			send(client.Message{Chat: "alice:bob", Text: "<hello> \"é\"", Sender: "alice", SendTime: 7}),
			`POST /api/send "application/json" {"chat":"alice:bob","text":"\u003chello\u003e \"é\"","sender":"alice"}`,
		},
		{
			"send with an id", "",
			send(client.Message{Chat: "room", Text: "hello", Sender: "alice", ID: "1"}),
			`POST /api/send "application/json" {"chat":"room","text":"hello","sender":"alice","id":"1"}`,
		},
		{"pull", "", pull(client.PullRequest{Chat: "alice:bob"}), `GET /api/pull?chat=alice%3Abob&cursor=0&limit=0&reverse=false "" `},
		{
			"pull with everything", "",
			pull(client.PullRequest{Chat: "a+é&b", Cursor: 1<<53 - 1, Limit: -3, Reverse: true}),
			`GET /api/pull?chat=a%2B%C3%A9%26b&cursor=9007199254740991&limit=-3&reverse=true "" `,
		},
		{"pull that waits", "", pull(client.PullRequest{Chat: "a", Cursor: 7, Wait: 25 * time.Second}), `GET /api/pull?chat=a&cursor=7&limit=0&reverse=false&wait=25s "" `},
		{
			"signal", "",
			func(ctx context.Context, c *client.Client) error {
				return c.Signal(ctx, client.Signal{Chat: "a:b", Sender: "a", Type: "typing", Data: "x"})
			},
			`POST /api/signal "application/json" {"chat":"a:b","sender":"a","type":"typing","data":"x"}`,
		},
		{
			"read", "",
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Read(ctx, client.Reading{Chat: "a:b", Reader: "a/phone", Cursor: 7})
				return err
			},
			`POST /api/read "application/json" {"chat":"a:b","reader":"a/phone","cursor":7}`,
		},
		{
			"hide last seen", "",
			func(ctx context.Context, c *client.Client) error {
				_, err := c.HideLastSeen(ctx, "", true)
				return err
			},
			`PATCH /api/users/me "application/json" {"hide_last_seen":true}`,
		},
		{
			"delivered", "",
			func(ctx context.Context, c *client.Client) error {
				_, _, err := c.Delivered(ctx, client.Reading{Chat: "a:b", Reader: "a/phone", Cursor: 7})
				return err
			},
			`POST /api/read "application/json" {"chat":"a:b","delivered":7,"reader":"a/phone"}`,
		},
		{
			"receipts", "",
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Receipts(ctx, "a:b", 7)
				return err
			},
			`GET /api/receipts?chat=a%3Ab&send_time=7 "" `,
		},
		{
			"present", "",
			func(ctx context.Context, c *client.Client) error {
				_, err := c.Present(ctx, "a:b")
				return err
			},
			`GET /api/presence?chat=a%3Ab "" `,
		},
		{"ready", "", func(ctx context.Context, c *client.Client) error { return c.Ready(ctx) }, `GET /readyz "" `},
		{"below a path", "/chat/", pull(client.PullRequest{Chat: "a"}), `GET /chat/api/pull?chat=a&cursor=0&limit=0&reverse=false "" `},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, answer{status: http.StatusOK, body: `{}`})
			if err := c.call(t.Context(), connect(t, s.URL+c.path)); err != nil {
				t.Fatalf("%s = %v, want nil", c.name, err)
			}
			if got := s.requests(); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s asks %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func send(m client.Message) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error {
		_, err := c.Send(ctx, m)
		return err
	}
}

func pull(r client.PullRequest) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error {
		_, err := c.Pull(ctx, r)
		return err
	}
}

func TestAnswers(t *testing.T) {
	s := serve(t,
		answer{status: http.StatusOK, body: `{"status":"success","send_time":9007199254740990,"duplicate":true,"later":[1]}`},
		answer{status: http.StatusOK, body: `{"messages":[{"chat":"a","text":"é","sender":"b","send_time":1700000000000001,"id":"1"}],"has_more":true,"next_cursor":9007199254740991}`},
	)
	c := connect(t, s.URL)
	receipt, err := c.Send(t.Context(), client.Message{})
	if want := (client.Receipt{SendTime: 9007199254740990, Duplicate: true}); err != nil || receipt != want {
		t.Errorf("Send() = %+v, %v; want %+v", receipt, err, want)
	}
	page, err := c.Pull(t.Context(), client.PullRequest{})
	message := client.Message{Chat: "a", Text: "é", Sender: "b", ID: "1", SendTime: 1700000000000001}
	if err != nil || !slices.Equal(page.Messages, []client.Message{message}) || !page.HasMore || page.NextCursor != 9007199254740991 {
		t.Errorf("Pull() = %+v, %v; want the page", page, err)
	}
	if got, want := message.Time().UTC(), time.Date(2023, time.November, 14, 22, 13, 20, 1000, time.UTC); !got.Equal(want) {
		t.Errorf("Time() = %v, want %v", got, want)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		in   answer
		want client.Error
	}{
		{
			"of Pullchat",
			answer{http.StatusConflict, map[string]string{"X-Request-Id": "7f"}, `{"code":"conflict","message":"used before"}`},
			client.Error{Status: 409, RequestID: "7f", Code: "conflict", Message: "used before"},
		},
		{"of a proxy", answer{http.StatusBadGateway, nil, `<html>bad gateway</html>`}, client.Error{Status: 502, Code: "unknown", Message: "502 Bad Gateway"}},
		{"without a body", answer{http.StatusNotFound, nil, ``}, client.Error{Status: 404, Code: "unknown", Message: "404 Not Found"}},
		{"other JSON", answer{http.StatusTooManyRequests, nil, `{"message":"slow"}`}, client.Error{Status: 429, Code: "unknown", Message: "429 Too Many Requests"}},
		{"a code that is a number", answer{http.StatusForbidden, nil, `{"code":7}`}, client.Error{Status: 403, Code: "unknown", Message: "403 Forbidden"}},
		{"an array", answer{http.StatusServiceUnavailable, nil, `[]`}, client.Error{Status: 503, Code: "unknown", Message: "503 Service Unavailable"}},
		{"another success", answer{http.StatusAccepted, nil, `{}`}, client.Error{Status: 202, Code: "unknown", Message: "202 Accepted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			api := connect(t, serve(t, c.in).URL)
			_, sendErr := api.Send(t.Context(), client.Message{})
			_, pullErr := api.Pull(t.Context(), client.PullRequest{})
			for method, err := range map[string]error{"Send": sendErr, "Pull": pullErr, "Ready": api.Ready(t.Context())} {
				var got *client.Error
				if !errors.As(err, &got) || *got != c.want {
					t.Errorf("%s() = %#v, want %#v", method, err, c.want)
					continue
				}
				if want := c.want.Code + ": " + c.want.Message; got.Error() != want || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("Error() = %q in %q, want %q", got.Error(), err, want)
				}
			}
		})
	}
}

// TestWhatIsNoPullchatServer: it answers 200 to everything, as web servers with one page do.
func TestWhatIsNoPullchatServer(t *testing.T) {
	for name, body := range map[string]string{"HTML": "<html>", "nothing": "", "a list": "[1]", "cut off": `{"messages":[`} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer{status: http.StatusOK, body: body})
			c := connect(t, s.URL)
			_, sendErr := c.Send(t.Context(), client.Message{})
			_, pullErr := c.Pull(t.Context(), client.PullRequest{})
			for method, err := range map[string]error{"Send": sendErr, "Pull": pullErr, "Ready": c.Ready(t.Context())} {
				if err == nil || !strings.Contains(err.Error(), s.URL+" does not look like a Pullchat server") {
					t.Errorf("%s() = %v, want that %s does not look like a Pullchat server", method, err, s.URL)
				}
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	cut := serve(t, answer{http.StatusOK, map[string]string{"Content-Length": "100"}, `{}`})
	gone := serve(t, answer{})
	gone.Close()
	for name, s := range map[string]*server{"cut off": cut, "gone": gone} {
		var answered *client.Error
		if _, err := connect(t, s.URL).Send(t.Context(), client.Message{}); err == nil || errors.As(err, &answered) {
			t.Errorf("Send() to a server that is %s = %v, want an error that is no answer", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := connect(t, cut.URL).Send(ended, client.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Send(cancelled) = %v, want %v", err, context.Canceled)
	}
}

func TestNewRefusesWhatIsNoURL(t *testing.T) {
	for _, in := range []string{"", "127.0.0.1:8080", "localhost:8080", "localhost", "http://", "ftp://localhost", "/api", "http://%zz", "://a", "http://a,", "http://a,b", "http://a http://b"} {
		if _, err := client.New(in, nil); err == nil || !strings.Contains(err.Error(), "is not a URL like http://127.0.0.1:8080") {
			t.Errorf("New(%q) = %v, want an error with an example", in, err)
		}
	}
	for _, in := range []string{"http://localhost", "https://chat.example.com/below/", "http://[::1]:8080", "http://a, https://b:1/c"} {
		if _, err := client.New(in, nil); err != nil {
			t.Errorf("New(%q) = %v, want nil", in, err)
		}
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewUsesTheGivenClient(t *testing.T) {
	refused := errors.New("no network here")
	transport := roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused })
	c := with(t, "http://pullchat", &http.Client{Transport: transport}, client.WithPolicy(client.Policy{Attempts: 1}))
	if err := c.Ready(t.Context()); !errors.Is(err, refused) {
		t.Errorf("Ready() = %v, want %v", err, refused)
	}
}

const (
	firstPage  = `{"messages":[{"text":"1"},{"text":"2"}],"has_more":true,"next_cursor":3}`
	emptyPage  = `{"messages":[],"has_more":true,"next_cursor":4}`
	secondPage = `{"messages":[{"text":"3"}],"has_more":false,"next_cursor":5}`
)

func page(body string) answer { return answer{status: http.StatusOK, body: body} }

func TestAllFollowsThePages(t *testing.T) {
	s := serve(t, page(firstPage), page(emptyPage), page(secondPage))
	var got []string
	for m, err := range connect(t, s.URL).All(t.Context(), client.PullRequest{Chat: "a", Limit: 2}) {
		if err != nil {
			t.Fatalf("All() = %v", err)
		}
		got = append(got, m.Text)
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("All() = %q, want %q", got, want)
	}
	var want []string
	for _, cursor := range []int{0, 3, 4} {
		want = append(want, fmt.Sprintf(`GET /api/pull?chat=a&cursor=%d&limit=2&reverse=false "" `, cursor))
	}
	if got := s.requests(); !slices.Equal(got, want) {
		t.Errorf("All() asks %q, want %q", got, want)
	}
}

func TestAllStopsAtTheFirstError(t *testing.T) {
	s := serve(t, page(firstPage), answer{http.StatusServiceUnavailable, nil, `{"code":"unavailable","message":"away"}`}, page(secondPage))
	var texts []string
	var errs []error
	for m, err := range connect(t, s.URL).All(t.Context(), client.PullRequest{Chat: "a"}) {
		if err != nil {
			if m != (client.Message{}) {
				t.Errorf("All() has %+v with an error, want no message", m)
			}
			errs = append(errs, err)
			continue
		}
		texts = append(texts, m.Text)
	}
	var answered *client.Error
	if len(errs) != 1 || !errors.As(errs[0], &answered) || answered.Code != "unavailable" || !slices.Equal(texts, []string{"1", "2"}) {
		t.Errorf("All() = %q and %v, want the first page and one error", texts, errs)
	}
	if got := len(s.requests()); got != 2 {
		t.Errorf("All() asks %d times, want 2", got)
	}
}

func TestAllEndsWithTheLoop(t *testing.T) {
	s := serve(t, page(firstPage))
	all := connect(t, s.URL).All(t.Context(), client.PullRequest{Chat: "a"})
	for range 2 { // and can be gone through again, from the beginning
		for m, err := range all {
			if err != nil || m.Text != "1" {
				t.Fatalf("All() = %+v, %v; want the first message", m, err)
			}
			break
		}
	}
	want := `GET /api/pull?chat=a&cursor=0&limit=0&reverse=false "" `
	if got := s.requests(); !slices.Equal(got, []string{want, want}) {
		t.Errorf("two loops that end early ask %q, want the first page twice", got)
	}
}
