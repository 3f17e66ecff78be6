package gateway

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/openapitest"
	"github.com/pullchat/pullchat/internal/token"
)

// startGateway runs a gateway until the test ends and returns its base URL. It has a key for tokens,
// and every part where service is a fakeService. Each of with changes it before it runs.
func startGateway(t *testing.T, service chat.Service, with ...func(*Server)) string {
	t.Helper()
	config := Config{
		HTTPAddr: "127.0.0.1:0", MaxBodyBytes: maxBodyBytes, AccessTokenTTL: time.Minute, Token: token.Config{AuthSecret: authSecret},
	}
	server, err := Listen(config, chat.Services{Messages: service, Live: liveOf(service)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Listen() = %v", err)
	}
	if fake, ok := service.(*fakeService); ok {
		withEverything(fake)(server)
	}
	for _, change := range with {
		change(server)
	}
	// The test's own context ends too early, before its clients have closed their connections.
	chattest.Run(t, server)
	return "http://" + server.Addr().String()
}

// served starts a gateway and returns its base URL and a Validator of the document that it serves. Since it asks for
// the document, the gateway runs before it is told to stop.
func served(t *testing.T, service chat.Service, with ...func(*Server)) (string, *openapitest.Validator) {
	t.Helper()
	base := startGateway(t, service, with...)
	return base, validatorOf(t, base)
}

// embedded is the Validator of the embedded document. The tests share it, because it takes long to make.
var embedded = sync.OnceValues(func() (*openapitest.Validator, error) { return openapitest.New(openAPI) })

// validatorOf returns the Validator of the document that a gateway serves.
func validatorOf(t *testing.T, base string) *openapitest.Validator {
	t.Helper()
	answer := call{method: http.MethodGet, target: "/openapi.yaml"}.do(t, newClient(t, nil), base)
	if answer.status != http.StatusOK || !bytes.Equal(answer.body, openAPI) {
		t.Fatalf("GET /openapi.yaml = %d with %d bytes, want 200 and the embedded document", answer.status, len(answer.body))
	}
	validator, err := embedded()
	if err != nil {
		t.Fatalf("New(/openapi.yaml) = %v", err)
	}
	return validator
}

// newClient returns a client of its own connections, which are closed before the gateway stops. Through is around
// its transport, or nil.
func newClient(t *testing.T, through func(http.RoundTripper) http.RoundTripper) *http.Client {
	connections := &http.Transport{}
	t.Cleanup(connections.CloseIdleConnections)
	client := &http.Client{Transport: connections, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if through != nil {
		client.Transport = through(connections)
	}
	return client
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
