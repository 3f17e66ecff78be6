package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestDriftIsReported proves that the tests above can fail: the gateway's own answers, changed on their way.
func TestDriftIsReported(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	base, validator := served(t, service)
	send := call{method: "POST", target: "/api/send", body: goodSend}
	pull := call{method: "GET", target: "/api/pull?chat=a"}
	for name, test := range map[string]struct {
		call   call
		fail   chat.Code
		change change
		want   string
	}{
		"another status":           {send, "", func(r *http.Response) { r.StatusCode = http.StatusCreated }, "status 201 is not in the document"},
		"a status of another code": {send, chat.Conflict, func(r *http.Response) { r.StatusCode = http.StatusNotFound }, "value must be 'not_found'"},
		"a new code":               {send, chat.Conflict, replace(`"conflict"`, `"clash"`), "value must be"},
		"no message":               {send, chat.Conflict, replace(`"message"`, `"msg"`), "missing property 'message'"},
		"a cause":                  {send, chat.Internal, replace(`{`, `{"cause":"x",`), "'/cause': false schema"},
		"a new field":              {send, "", replace(`{`, `{"more":1,`), "'/more': false schema"},
		"a new field in a message": {pull, "", replace(`{"chat"`, `{"more":1,"chat"`), "'/messages/0/more': false schema"},
		"no next_cursor":           {pull, "", replace(`next_cursor`, `nextCursor`), "missing property 'next_cursor'"},
		"null for messages":        {pull, "", func(r *http.Response) { setBody(r, `{"messages":null,"has_more":false,"next_cursor":0}`) }, "got null, want array"},
		"a text for a send_time":   {send, "", replace(`1795236409769968`, `"1795236409769968"`), "got string, want integer"},
		"a send_time of 2^53":      {send, "", replace(`1795236409769968`, `9007199254740992`), "maximum"},
		"no request id":            {send, "", func(r *http.Response) { r.Header.Del("X-Request-Id") }, "X-Request-Id is missing"},
		"no Retry-After":           {pull, chat.Unavailable, func(r *http.Response) { r.Header.Del("Retry-After") }, "Retry-After is missing"},
		"a Retry-After of a 500":   {pull, chat.Internal, func(r *http.Response) { r.Header.Set("Retry-After", "1") }, "Retry-After is not in the document"},
		"no Allow":                 {call{method: "GET", target: "/api/send"}, "", func(r *http.Response) { r.Header.Del("Allow") }, "Allow is missing"},
		"HTML":                     {send, "", func(r *http.Response) { r.Header.Set("Content-Type", "text/html") }, `"text/html" is not in the document`},
		"an accepted empty text": {
			call{method: "POST", target: "/api/send", body: strings.Replace(goodSend, "hello", "", 1)}, "", func(*http.Response) {}, "minLength",
		},
		"an accepted chat of three": {
			call{method: "GET", target: "/api/pull?chat=a:b:c"}, "", func(*http.Response) {}, "request's query chat",
		},
	} {
		t.Run(name, func(t *testing.T) {
			service.fail(test.fail)
			defer service.fail("")
			reports := &recorder{TB: t}
			client := newClient(t, func(next http.RoundTripper) http.RoundTripper {
				return validator.Transport(reports, changing{next, test.change})
			})
			test.call.do(t, client, base)
			if got := strings.Join(reports.reported, "\n"); !strings.Contains(got, test.want) {
				t.Errorf("Transport reported %q, want something with %q", got, test.want)
			}
		})
	}
}

// changing is a RoundTripper that changes answers.
type changing struct {
	next   http.RoundTripper
	change change
}

type change func(*http.Response)

func (c changing) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	if err == nil {
		c.change(response)
	}
	return response, err
}

func replace(from, to string) change {
	return func(response *http.Response) {
		body, _ := io.ReadAll(response.Body) // where it breaks, nothing is reported and the test fails
		_ = response.Body.Close()
		setBody(response, strings.Replace(string(body), from, to, 1))
	}
}

func setBody(response *http.Response, body string) {
	response.Body = io.NopCloser(strings.NewReader(body))
}

// recorder is a testing.TB that records reports instead of failing.
type recorder struct {
	testing.TB
	reported []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.reported = append(r.reported, fmt.Sprintf(format, arguments...))
}
