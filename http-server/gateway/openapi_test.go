package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/openapitest"
)

const (
	maxBodyBytes = 65536
	// causeText is in the cause of every error of fakeService, and may be in no answer.
	causeText = "10.0.0.7:6379: connection refused"
)

// fakeService is a chat.Service that answers well, or with the code that it is told, or panics.
type fakeService struct {
	code atomic.Pointer[chat.Code]
}

const panics chat.Code = "panics"

func (f *fakeService) fail(code chat.Code) { f.code.Store(&code) }

func (f *fakeService) err() error {
	switch code := f.code.Load(); {
	case code == nil || *code == "":
		return nil
	case *code == panics:
		panic(causeText)
	default:
		return chat.Wrap(errors.New(causeText), *code, "told to fail")
	}
}

func (f *fakeService) Send(_ context.Context, m chat.Message) (chat.Receipt, error) {
	return chat.Receipt{SendTime: 1795236409769968, Duplicate: m.ID != ""}, f.err()
}

func (f *fakeService) Pull(_ context.Context, r chat.PullRequest) (chat.Page, error) {
	if r.Cursor > 0 {
		return chat.Page{NextCursor: r.Cursor}, f.err()
	}
	return chat.Page{
		Messages: []chat.Message{
			{Chat: r.Chat, Text: "hello", Sender: "alice", SendTime: 1795236409769968},
			{Chat: r.Chat, Text: "hello", Sender: "bob", ID: "1", SendTime: chat.MaxSendTime},
		},
		NextCursor: chat.MaxCursor,
	}, f.err()
}

func (f *fakeService) Ready(context.Context) error { return f.err() }

// fakeLive is the chat.Live that fails as its fakeService does. Its watches hear of nothing.
type fakeLive struct {
	chattest.Silent
	service *fakeService
}

func (f fakeLive) Signal(context.Context, chat.Signal) error { return f.service.err() }

func (f fakeLive) Read(_ context.Context, r chat.ReadRequest) (int64, error) {
	return r.Reading.Cursor, f.service.err()
}

func (f fakeLive) Present(_ context.Context, name string) ([]string, error) {
	if name == "empty" {
		return nil, f.service.err()
	}
	return []string{"alice", "bob/phone"}, f.service.err()
}

// liveOf is what is beside the log of a service.
func liveOf(service chat.Service) chat.Live {
	switch service := service.(type) {
	case chat.Live:
		return service
	case *fakeService:
		return fakeLive{service: service}
	}
	return chattest.Silent{}
}

// startGateway runs a gateway until the test ends and returns its base URL.
func startGateway(t *testing.T, service chat.Service) string {
	t.Helper()
	server, err := Listen(Config{HTTPAddr: "127.0.0.1:0", MaxBodyBytes: maxBodyBytes}, service, liveOf(service), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Listen() = %v", err)
	}
	// The test's own context ends too early, before its clients have closed their connections.
	chattest.Run(t, server)
	return "http://" + server.Addr().String()
}

// served starts a gateway and returns its base URL and a Validator of the document that it serves. Since it asks for
// the document, the gateway runs before it is told to stop.
func served(t *testing.T, service chat.Service) (string, *openapitest.Validator) {
	t.Helper()
	base := startGateway(t, service)
	document := call{method: http.MethodGet, target: "/openapi.yaml"}.do(t, newClient(t, nil), base)
	if document.status != http.StatusOK {
		t.Fatalf("GET /openapi.yaml = %d, want 200", document.status)
	}
	validator, err := openapitest.New(document.body)
	if err != nil {
		t.Fatalf("New(/openapi.yaml) = %v", err)
	}
	return base, validator
}

// newClient returns a client of its own connections, which are closed before the gateway stops. Through is around
// its transport, or nil.
func newClient(t *testing.T, through func(http.RoundTripper) http.RoundTripper) *http.Client {
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	if through == nil {
		return &http.Client{Transport: connections}
	}
	return &http.Client{Transport: through(connections)}
}

// call is a request.
type call struct {
	method, target string
	contentType    string
	header         http.Header
	body           string
	chunked        bool
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c call) do(t *testing.T, client *http.Client, base string) answer {
	t.Helper()
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	if c.chunked {
		body = struct{ io.Reader }{body} // of a length that net/http does not know
	}
	request, err := http.NewRequestWithContext(t.Context(), c.method, base+c.target, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, c.header)
	if c.contentType != "" {
		request.Header.Set("Content-Type", c.contentType)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.target, err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.target, err)
	}
	return answer{response.StatusCode, response.Header, got}
}

const (
	goodSend = `{"chat":"alice:bob","text":"hello","sender":"alice"}`
	jsonType = "application/json"
)

func TestDocumentIsValid(t *testing.T) {
	_, validator := served(t, &fakeService{})
	if err := validator.Valid(); err != nil {
		t.Errorf("Valid(/openapi.yaml) = %v", err)
	}
}

func TestDocumentHasTheRoutes(t *testing.T) {
	_, validator := served(t, &fakeService{})
	var want, got []string
	for _, r := range routes(nil, nil, nil, nil, nil) {
		want = append(want, r.method+" "+strings.NewReplacer(":user", "{user}", ":room", "{room}").Replace(r.path))
	}
	for path, item := range validator.Document().Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("/openapi.yaml has %q; the gateway answers %q", got, want)
	}
}

func TestDocumentHasTheCodes(t *testing.T) {
	_, validator := served(t, &fakeService{})
	var got []chat.Code
	for _, code := range validator.Document().Components.Schemas["Error"].Value.Properties["code"].Value.Enum {
		got = append(got, chat.Code(fmt.Sprint(code)))
	}
	if want := chat.Codes(); !slices.Equal(got, want) {
		t.Errorf("/openapi.yaml has the codes %q; the domain has %q", got, want)
	}
}

// TestDocumentHasTheFields holds idl_http.proto and the document together.
func TestDocumentHasTheFields(t *testing.T) {
	_, validator := served(t, &fakeService{})
	schemas := validator.Document().Components.Schemas
	for name, message := range map[string]any{
		"Message":      api.Message{},
		"SendRequest":  api.SendRequest{},
		"SendResponse": api.SendResponse{},
		"PullRequest":  api.PullRequest{},
		"PullResponse": api.PullResponse{},
		"Error":        api.ErrorResponse{},

		"ChatPage":         api.ChatPage{},
		"SignalRequest":    api.SignalRequest{},
		"SignalResponse":   api.SignalResponse{},
		"ReadRequest":      api.ReadRequest{},
		"ReadResponse":     api.ReadResponse{},
		"PresenceResponse": api.PresenceResponse{},

		"Receipt":          api.Receipt{},
		"ReadersResponse":  api.ReadersResponse{},
		"IgnoredResponse":  api.IgnoredResponse{},
		"InboxEntry":       api.InboxEntry{},
		"InboxResponse":    api.InboxResponse{},
		"UnreadChat":       api.UnreadChat{},
		"UnreadResponse":   api.UnreadResponse{},
		"Account":          api.Account{},
		"RegisterRequest":  api.RegisterRequest{},
		"UsersResponse":    api.UsersResponse{},
		"ContactsRequest":  api.ContactsRequest{},
		"ContactsResponse": api.ContactsResponse{},
		"LoginRequest":     api.LoginRequest{},
		"RefreshRequest":   api.RefreshRequest{},
		"TokenResponse":    api.TokenResponse{},
		"LogoutRequest":    api.LogoutRequest{},
		"PasswordRequest":  api.PasswordRequest{},
		"StatusResponse":   api.StatusResponse{},
	} {
		t.Run(name, func(t *testing.T) {
			schema := schemas[name]
			if schema == nil {
				t.Fatalf("/openapi.yaml has no schema %s", name)
			}
			want := protoFields(reflect.TypeOf(message))
			got := map[string]string{}
			for field, property := range schema.Value.Properties {
				got[field] = (*property.Value.Type)[0]
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s has the fields %v in /openapi.yaml, and %v in the IDL", name, got, want)
			}
		})
	}
}

// TestDocumentRequiresWhatIsAlwaysThere: an answer's field is required unless the IDL says optional.
func TestDocumentRequiresWhatIsAlwaysThere(t *testing.T) {
	_, validator := served(t, &fakeService{})
	for name, message := range map[string]any{
		"Message": api.Message{}, "SendResponse": api.SendResponse{}, "PullResponse": api.PullResponse{}, "Error": api.ErrorResponse{},
		"ChatPage": api.ChatPage{}, "SignalResponse": api.SignalResponse{}, "ReadResponse": api.ReadResponse{},
		"PresenceResponse": api.PresenceResponse{},
		"Account":          api.Account{}, "UsersResponse": api.UsersResponse{}, "ContactsResponse": api.ContactsResponse{},
		"TokenResponse": api.TokenResponse{}, "StatusResponse": api.StatusResponse{},
		"Receipt": api.Receipt{}, "ReadersResponse": api.ReadersResponse{}, "IgnoredResponse": api.IgnoredResponse{},
		"InboxEntry": api.InboxEntry{}, "InboxResponse": api.InboxResponse{}, "UnreadChat": api.UnreadChat{},
		"UnreadResponse": api.UnreadResponse{},
	} {
		var want []string
		for field := range exported(reflect.TypeOf(message)) {
			if tag := field.Tag.Get("json"); !strings.Contains(tag, "omitempty") {
				want = append(want, tag)
			}
		}
		got := slices.Sorted(slices.Values(validator.Document().Components.Schemas[name].Value.Required))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s requires %q in /openapi.yaml; the IDL's fields that are always there are %q", name, got, want)
		}
	}
}

// protoFields returns a generated type's fields: JSON name to JSON Schema type.
func protoFields(message reflect.Type) map[string]string {
	types := map[reflect.Kind]string{
		reflect.String: "string", reflect.Int64: "integer", reflect.Bool: "boolean", reflect.Slice: "array",
		reflect.Struct: "object",
	}
	fields := map[string]string{}
	for field := range exported(message) {
		kind := field.Type.Kind()
		if kind == reflect.Pointer {
			kind = field.Type.Elem().Kind()
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = types[kind]
	}
	return fields
}

func exported(message reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, field := range reflect.VisibleFields(message) {
			if field.IsExported() && !yield(field) {
				return
			}
		}
	}
}

// TestAnswersAreDescribed lets the gateway answer in every way that it has without a failing service; each answer is
// compared with the document.
func TestAnswersAreDescribed(t *testing.T) {
	base, validator := served(t, &fakeService{})
	large := strings.Repeat("x", maxBodyBytes+1)
	for name, test := range map[string]struct {
		call call
		want int
	}{
		"send":                        {call{method: "POST", target: "/api/send", contentType: jsonType, body: goodSend}, 200},
		"send, no Content-Type":       {call{method: "POST", target: "/api/send", body: goodSend}, 200},
		"send, other JSON":            {call{method: "POST", target: "/api/send", contentType: "application/x+json", body: goodSend}, 200},
		"send, chunked":               {call{method: "POST", target: "/api/send", contentType: jsonType, body: goodSend, chunked: true}, 200},
		"send, folded names":          {call{method: "POST", target: "/api/send", body: `{"Chat":"a","TEXT":"b","Sender":"c","other":1}`}, 200},
		"send again":                  {call{method: "POST", target: "/api/send", header: http.Header{"Idempotency-Key": {"1"}}, body: goodSend}, 200},
		"send, two ids":               {call{method: "POST", target: "/api/send", header: http.Header{"Idempotency-Key": {"1"}}, body: `{"id":"2"}`}, 400},
		"send, not an object":         {call{method: "POST", target: "/api/send", body: `[]`}, 400},
		"send, another type":          {call{method: "POST", target: "/api/send", body: `{"chat":1}`}, 400},
		"send, not JSON":              {call{method: "POST", target: "/api/send", body: `{"chat"`}, 400},
		"send, not UTF-8":             {call{method: "POST", target: "/api/send", body: "{\"chat\":\"\xff\"}"}, 400},
		"send nothing":                {call{method: "POST", target: "/api/send"}, 400},
		"send too much":               {call{method: "POST", target: "/api/send", body: large}, 413},
		"send too much, chunked":      {call{method: "POST", target: "/api/send", body: large, chunked: true}, 413},
		"send text":                   {call{method: "POST", target: "/api/send", contentType: "text/plain", body: goodSend}, 415},
		"send a form":                 {call{method: "POST", target: "/api/send", contentType: "multipart/form-data; boundary=x", body: "--x--"}, 415},
		"send Latin 1":                {call{method: "POST", target: "/api/send", contentType: jsonType + "; charset=latin1", body: goodSend}, 415},
		"pull":                        {call{method: "GET", target: "/api/pull?chat=alice:bob"}, 200},
		"pull, all arguments":         {call{method: "GET", target: "/api/pull?chat=alice:bob&cursor=9007199254740991&limit=1000&reverse=true"}, 200},
		"pull, folded names":          {call{method: "GET", target: "/api/pull?Chat=alice:bob&LIMIT=1"}, 200},
		"pull, other script":          {call{method: "GET", target: "/api/pull?chat=%E0%A4%95%E0%A5%A9:%2B1"}, 200},
		"pull, body":                  {call{method: "GET", target: "/api/pull", contentType: jsonType, body: `{"chat":"a","cursor":1,"limit":2,"reverse":true}`}, 200},
		"pull with POST":              {call{method: "POST", target: "/api/pull", contentType: jsonType, body: `{"chat":"a","cursor":1}`}, 200},
		"pull with POST, query":       {call{method: "POST", target: "/api/pull?chat=a"}, 200},
		"pull, wrong cursor":          {call{method: "GET", target: "/api/pull?chat=a&cursor=now"}, 400},
		"pull, wrong limit":           {call{method: "GET", target: "/api/pull?chat=a&limit="}, 400},
		"pull, wrong reverse":         {call{method: "GET", target: "/api/pull?chat=a&reverse=maybe"}, 400},
		"pull, wrong body":            {call{method: "POST", target: "/api/pull", body: `{"limit":"1"}`}, 400},
		"pull too much":               {call{method: "POST", target: "/api/pull", body: large}, 413},
		"pull text":                   {call{method: "POST", target: "/api/pull", contentType: "text/plain", body: "x"}, 415},
		"pull, wait":                  {call{method: "GET", target: "/api/pull?chat=a&wait=25s"}, 200},
		"pull, nothing came":          {call{method: "GET", target: "/api/pull?chat=a&cursor=1&wait=1ms"}, 200},
		"pull, wait in the body":      {call{method: "POST", target: "/api/pull", body: `{"chat":"a","cursor":1,"wait":"0.5ms"}`}, 200},
		"pull, wrong wait":            {call{method: "GET", target: "/api/pull?chat=a&wait=25"}, 400},
		"pull, wait for a number":     {call{method: "POST", target: "/api/pull", body: `{"chat":"a","wait":25}`}, 400},
		"pull with HEAD, wait":        {call{method: "HEAD", target: "/api/pull?chat=a&cursor=1&wait=60s"}, 200},
		"signal":                      {call{method: "POST", target: "/api/signal", body: `{"chat":"a:b","sender":"a","type":"typing"}`}, 200},
		"signal, data":                {call{method: "POST", target: "/api/signal", contentType: jsonType, body: `{"chat":"a","sender":"a","type":"x","Data":"y"}`}, 200},
		"signal, not JSON":            {call{method: "POST", target: "/api/signal", body: `{`}, 400},
		"signal too much":             {call{method: "POST", target: "/api/signal", body: large}, 413},
		"signal text":                 {call{method: "POST", target: "/api/signal", contentType: "text/plain", body: "x"}, 415},
		"signal with GET":             {call{method: "GET", target: "/api/signal"}, 405},
		"read":                        {call{method: "POST", target: "/api/read", body: `{"chat":"a:b","reader":"a/phone","cursor":9007199254740991}`}, 200},
		"read nothing":                {call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a"}`}, 200},
		"read, another type":          {call{method: "POST", target: "/api/read", body: `{"cursor":"1"}`}, 400},
		"read too much":               {call{method: "POST", target: "/api/read", body: large}, 413},
		"read text":                   {call{method: "POST", target: "/api/read", contentType: "text/plain", body: "x"}, 415},
		"read with GET":               {call{method: "GET", target: "/api/read"}, 405},
		"presence":                    {call{method: "GET", target: "/api/presence?Chat=a:b"}, 200},
		"presence of nobody":          {call{method: "GET", target: "/api/presence?chat=empty"}, 200},
		"presence with HEAD":          {call{method: "HEAD", target: "/api/presence?chat=a"}, 200},
		"presence with POST":          {call{method: "POST", target: "/api/presence"}, 405},
		"stream of nothing":           {call{method: "GET", target: "/api/stream"}, 400},
		"stream, wrong cursor":        {call{method: "GET", target: "/api/stream?chat=a&cursor=now"}, 400},
		"stream with HEAD":            {call{method: "HEAD", target: "/api/stream?chat=a:b&batch=2s&presence=true&reader=a"}, 200},
		"stream of nothing with HEAD": {call{method: "HEAD", target: "/api/stream"}, 400},
		"stream with POST":            {call{method: "POST", target: "/api/stream"}, 405},
		"no handshake":                {call{method: "GET", target: "/api/ws"}, 400},
		"no handshake with HEAD":      {call{method: "HEAD", target: "/api/ws"}, 400},
		"a page of another origin":    {call{method: "GET", target: "/api/ws", header: handshake("https://example.org")}, 403},
		"WebSocket with POST":         {call{method: "POST", target: "/api/ws"}, 405},
		"ping":                        {call{method: "GET", target: "/ping"}, 200},
		"ping, request id":            {call{method: "GET", target: "/ping", header: http.Header{"X-Request-Id": {"my-id"}}}, 200},
		"ping, unfit request id":      {call{method: "GET", target: "/ping", header: http.Header{"X-Request-Id": {"my id"}}}, 200},
		"readyz":                      {call{method: "GET", target: "/readyz"}, 200},
		"document":                    {call{method: "GET", target: "/openapi.yaml"}, 200},
		"unknown path":                {call{method: "GET", target: "/api/sned"}, 404},
		"unknown path, body":          {call{method: "POST", target: "/api/sned", contentType: jsonType, body: goodSend}, 404},
		"root":                        {call{method: "GET", target: "/"}, 404},
		"slash behind a path":         {call{method: "POST", target: "/api/send/", contentType: jsonType, body: goodSend}, 404},
		"path in upper case":          {call{method: "GET", target: "/PING"}, 404},
		"unknown path and method":     {call{method: "PURGE", target: "/api/sned"}, 404},
		"send with GET":               {call{method: "GET", target: "/api/send"}, 405},
		"send with PUT":               {call{method: "PUT", target: "/api/send", contentType: jsonType, body: goodSend}, 405},
		"send with an unknown method": {call{method: "PURGE", target: "/api/send"}, 405},
		"pull with DELETE":            {call{method: "DELETE", target: "/api/pull?chat=a"}, 405},
		"ping with HEAD":              {call{method: "HEAD", target: "/ping"}, 200},
		"readyz with HEAD":            {call{method: "HEAD", target: "/readyz"}, 200},
		"send with HEAD":              {call{method: "HEAD", target: "/api/send"}, 405},
		"ping with POST":              {call{method: "POST", target: "/ping"}, 405},
		"readyz with OPTIONS":         {call{method: "OPTIONS", target: "/readyz"}, 405},
		"document with PATCH":         {call{method: "PATCH", target: "/openapi.yaml"}, 405},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, func(next http.RoundTripper) http.RoundTripper { return validator.Transport(t, next) })
			got := test.call.do(t, client, base)
			if got.status != test.want {
				t.Errorf("%s %s = %d %s, want %d", test.call.method, test.call.target, got.status, got.body, test.want)
			}
		})
	}
}

// handshake is that of a WebSocket. A page's has an origin.
func handshake(origin string) http.Header {
	header := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	return header
}

// TestErrorsAreDescribed walks all codes: each is answered with what the document has for it. A route that never
// answers a code does not describe it; then an answer with that code is a violation, here and everywhere.
func TestErrorsAreDescribed(t *testing.T) {
	service := &fakeService{}
	base, validator := served(t, service)
	bodiless := []chat.Code{chat.Conflict, chat.TooLarge, chat.UnsupportedMediaType}
	for _, route := range []struct {
		call  call
		never []chat.Code
	}{
		{call{method: "POST", target: "/api/send", body: goodSend}, nil},
		{call{method: "GET", target: "/api/pull?chat=a"}, []chat.Code{chat.Conflict}},
		{call{method: "POST", target: "/api/pull", body: `{"chat":"a"}`}, []chat.Code{chat.Conflict}},
		{call{method: "GET", target: "/api/pull?chat=a&wait=1s"}, []chat.Code{chat.Conflict}},
		{call{method: "POST", target: "/api/signal", body: `{"chat":"a","sender":"a","type":"typing"}`}, []chat.Code{chat.Conflict}},
		{call{method: "POST", target: "/api/read", body: `{"chat":"a","reader":"a","cursor":1}`}, []chat.Code{chat.Conflict}},
		{call{method: "GET", target: "/api/presence?chat=a"}, bodiless},
		{call{method: "GET", target: "/readyz"}, without(chat.Codes(), chat.Internal, chat.Unavailable)},
	} {
		for _, code := range append(chat.Codes(), panics) {
			t.Run(route.call.method+" "+route.call.target+" "+string(code), func(t *testing.T) {
				service.fail(code)
				defer service.fail("")
				reports := &recorder{TB: t}
				client := newClient(t, func(next http.RoundTripper) http.RoundTripper { return validator.Transport(reports, next) })
				got := route.call.do(t, client, base)
				described := !slices.Contains(route.never, code)
				if described != (len(reports.reported) == 0) {
					t.Errorf("%s as %d: described = %v, but the reports are %q", code, got.status, described, reports.reported)
				}
				if code == panics {
					code = chat.Internal
				}
				if want := `"code":"` + string(code) + `"`; !bytes.Contains(got.body, []byte(want)) {
					t.Errorf("%s is answered with %s, want %s in it", code, got.body, want)
				}
				if bytes.Contains(got.body, []byte(causeText)) {
					t.Errorf("%s is answered with %s, which shows the cause", code, got.body)
				}
			})
		}
	}
}

func without(codes []chat.Code, some ...chat.Code) []chat.Code {
	return slices.DeleteFunc(codes, func(code chat.Code) bool { return slices.Contains(some, code) })
}

// TestDriftIsReported proves that the tests above can fail: the gateway's own answers, changed on their way.
func TestDriftIsReported(t *testing.T) {
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

// recorder is a testing.TB that keeps what is reported instead of failing.
type recorder struct {
	testing.TB
	reported []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, arguments ...any) {
	r.reported = append(r.reported, fmt.Sprintf(format, arguments...))
}
