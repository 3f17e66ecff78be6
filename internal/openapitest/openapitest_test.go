package openapitest_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pullchat/pullchat/internal/openapitest"
)

const document = `
openapi: 3.1.0
info: { title: Test, version: "1" }
paths:
  /add:
    post:
      parameters:
        - { name: times, in: query, schema: { type: integer, minimum: 1 } }
        - { name: loud, in: query, schema: { type: boolean } }
        - { name: Key, in: header, schema: { type: string, maxLength: 3 } }
      requestBody:
        required: true
        content:
          application/json:
            schema: { type: object, required: [n], properties: { n: { type: integer } } }
      responses:
        "200":
          description: added
          headers:
            Left: { required: true, schema: { type: integer } }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Sums" }
        "204": { description: nothing to add }
  /text:
    get:
      responses:
        "200": { description: text, content: { text/plain: { schema: { type: string, minLength: 2 } } } }
  /text/{id}:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, maxLength: 3 } }
      responses:
        "200": { description: text, content: { text/plain: { schema: { type: string, minLength: 2 } } } }
components:
  schemas:
    Sums:
      type: object
      required: [sums]
      properties:
        sums:
          type: array
          items: { type: object, required: [of], properties: { of: { type: integer, maximum: 9007199254740991 } } }
  responses:
    NotFound: { description: no such path, content: { text/plain: { schema: { const: "no path" } } } }
    MethodNotAllowed:
      description: no such method
      headers: { Allow: { required: true, schema: { type: string } } }
      content: { text/plain: { schema: { const: "no method" } } }
`

// exchange is one request and its answer. An empty field means a valid value, and "-" means none.
type exchange struct {
	method, target string
	requestType    string
	key            string
	requestBody    string
	status         int
	header         http.Header // besides Content-Type and Left
	contentType    string
	left           string
	body           string
}

func (e exchange) roundTrip(t testing.TB, through func(http.RoundTripper) http.RoundTripper) {
	t.Helper()
	set := func(s *string, standard string) {
		switch *s {
		case "":
			*s = standard
		case "-":
			*s = ""
		}
	}
	set(&e.method, http.MethodPost)
	set(&e.target, "/add")
	set(&e.requestBody, `{"n":1}`)
	set(&e.requestType, "application/json")
	set(&e.contentType, "application/json; charset=utf-8")
	set(&e.left, "7")
	set(&e.body, `{"sums":[{"of":1}]}`)
	if e.status == 0 {
		e.status = http.StatusOK
	}
	answer := roundTripper(func(request *http.Request) (*http.Response, error) {
		got, err := io.ReadAll(request.Body)
		if err != nil || string(got) != e.requestBody {
			t.Errorf("the server reads %q, %v; want %q", got, err, e.requestBody)
		}
		header := http.Header{}
		for name, value := range map[string]string{"Content-Type": e.contentType, "Left": e.left} {
			if value != "" {
				header.Set(name, value)
			}
		}
		maps.Copy(header, e.header)
		return &http.Response{
			StatusCode: e.status, Header: header, Body: io.NopCloser(strings.NewReader(e.body)), Request: request,
		}, nil
	})
	request, err := http.NewRequestWithContext(t.Context(), e.method, "http://test.invalid"+e.target, strings.NewReader(e.requestBody))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": e.requestType, "Key": e.key} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := (&http.Client{Transport: through(answer)}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got, err := io.ReadAll(response.Body); err != nil || string(got) != e.body {
		t.Errorf("the client reads %q, %v; want %q", got, err, e.body)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// recorder is a testing.TB that records failures instead of failing.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	reported []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reported = append(r.reported, fmt.Sprintf(format, arguments...))
}

func TestTransport(t *testing.T) {
	validator, err := openapitest.New([]byte(document))
	if err != nil {
		t.Fatalf("New(document) = %v", err)
	}
	if err := validator.Valid(); err != nil {
		t.Fatalf("Valid() = %v", err)
	}
	noMethod := exchange{
		method: "PUT", status: 405, header: http.Header{"Allow": {"POST"}}, left: "-", contentType: "text/plain", body: "no method",
	}
	otherAllow := noMethod
	otherAllow.header = http.Header{"Allow": {"GET, POST"}}
	for name, test := range map[string]struct {
		exchange exchange
		want     string // part of the report; empty means no report
	}{
		"good":                          {exchange{}, ""},
		"without a body":                {exchange{status: 204, left: "-", body: "-", contentType: "-"}, ""},
		"text":                          {exchange{method: "GET", target: "/text", left: "-", contentType: "text/plain", body: "hi"}, ""},
		"arguments":                     {exchange{target: "/add?times=2&loud=true&other=1", key: "abc"}, ""},
		"folded names":                  {exchange{target: "/add?TIMES=2", requestBody: `{"N":1}`}, ""},
		"request without Content-Type":  {exchange{requestType: "-"}, ""},
		"unknown field in a request":    {exchange{requestBody: `{"n":1,"m":2}`}, ""},
		"unknown path":                  {exchange{target: "/sub", status: 404, left: "-", contentType: "text/plain", body: "no path"}, ""},
		"unknown method":                {noMethod, ""},
		"status":                        {exchange{status: 418}, "status 418 is not in the document"},
		"field missing":                 {exchange{body: `{"sums":[{}]}`}, "missing property 'of'"},
		"field unknown":                 {exchange{body: `{"sums":[],"more":1}`}, "more': false schema"},
		"field unknown, deep":           {exchange{body: `{"sums":[{"of":1,"more":1}]}`}, "more': false schema"},
		"field of another type":         {exchange{body: `{"sums":[{"of":"1"}]}`}, "got string, want integer"},
		"number too large by one":       {exchange{body: `{"sums":[{"of":9007199254740992}]}`}, "maximum"},
		"not JSON":                      {exchange{body: `{"sums":`}, "response body: unexpected EOF"},
		"two values":                    {exchange{body: `{"sums":[]}{}`}, "something behind"},
		"Content-Type":                  {exchange{contentType: "text/html"}, `"text/html" is not in the document`},
		"no Content-Type":               {exchange{contentType: "-"}, `"" is not in the document`},
		"header missing":                {exchange{left: "-"}, "header Left is missing"},
		"header of another type":        {exchange{left: "many"}, "got string, want integer"},
		"header unknown":                {exchange{header: http.Header{"Right": {"1"}}}, "header Right is not in the document"},
		"header twice":                  {exchange{header: http.Header{"Left": {"1", "2"}}}, "header Left is there 2 times"},
		"body where there is none":      {exchange{status: 204, left: "-", body: "x"}, "the document has none"},
		"a path with an argument":       {exchange{method: "GET", target: "/text/abc", left: "-", contentType: "text/plain", body: "hi"}, ""},
		"a long argument of a path":     {exchange{method: "GET", target: "/text/abcd", left: "-", contentType: "text/plain", body: "hi"}, "request's path id"},
		"no argument of a path":         {exchange{method: "GET", target: "/text/", left: "-", contentType: "text/plain", body: "hi"}, "status 200 for what is not in the document"},
		"short text":                    {exchange{method: "GET", target: "/text", left: "-", contentType: "text/plain", body: "x"}, "minLength"},
		"accepted a missing field":      {exchange{requestBody: `{}`}, "request body: jsonschema"},
		"accepted a missing body":       {exchange{requestBody: "-"}, "request body is missing"},
		"accepted another Content-Type": {exchange{requestType: "text/plain"}, `request's Content-Type "text/plain"`},
		"accepted a wrong argument":     {exchange{target: "/add?times=two"}, "request's query times"},
		"accepted a small argument":     {exchange{target: "/add?times=0"}, "minimum"},
		"accepted half a truth":         {exchange{target: "/add?loud=1"}, "got string, want boolean"},
		"accepted a wrong header":       {exchange{key: "abcd"}, "request's header Key"},
		"answered an unknown path":      {exchange{target: "/sub"}, "it should be 404"},
		"answered an unknown method":    {exchange{method: "PUT"}, "it should be 405"},
		"wrong Allow":                   {otherAllow, "response header Allow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reports := &recorder{TB: t}
			test.exchange.roundTrip(t, func(next http.RoundTripper) http.RoundTripper {
				return validator.Transport(reports, next)
			})
			switch got := strings.Join(reports.reported, "\n"); {
			case test.want == "" && got != "":
				t.Errorf("Transport reported %s; want nothing", got)
			case !strings.Contains(got, test.want):
				t.Errorf("Transport reported %q; want something with %q", got, test.want)
			}
		})
	}
}

func TestTransportFailures(t *testing.T) {
	broken := errors.New("broken")
	answer := func(body io.Reader, err error) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body), Request: request}, nil
		})
	}
	get := func(next http.RoundTripper) error {
		client := http.Client{Transport: openapitest.Transport(t, []byte(document), next)}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://test.invalid/text", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		_, err = io.ReadAll(response.Body)
		return err
	}
	if err := get(answer(nil, broken)); !errors.Is(err, broken) {
		t.Errorf("a round trip that fails = %v, want %v", err, broken)
	}
	half := io.MultiReader(strings.NewReader("h"), &failing{broken})
	if err := get(answer(half, nil)); !errors.Is(err, broken) {
		t.Errorf("an answer that ends too early = %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestNew(t *testing.T) {
	for name, test := range map[string]struct{ from, to, want string }{
		"another version":      {"3.1.0", "3.0.3", `OpenAPI "3.0.3"`},
		"broken reference":     {"schemas/Sums", "schemas/Sum", "Sum"},
		"wrong schema":         {"minLength: 2", "minLength: two", "minLength"},
		"parameters of a path": {"/text:\n", "/text:\n    parameters: [{ name: a, in: query, schema: { type: string } }]\n", "parameters of a path"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(document, test.from, test.to, 1)
			if changed == document {
				t.Fatalf("the document has no %q", test.from)
			}
			if _, err := openapitest.New([]byte(changed)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New(%s) = %v, want something with %q", name, err, test.want)
			}
		})
	}
}

func TestValid(t *testing.T) {
	changed := strings.Replace(document, "minLength: 2", "minLength: 2, example: x", 1)
	validator, err := openapitest.New([]byte(changed))
	if err != nil {
		t.Fatalf("New(changed) = %v", err)
	}
	if err := validator.Valid(); err == nil {
		t.Error("Valid() = nil for an example that breaks its schema")
	}
}
