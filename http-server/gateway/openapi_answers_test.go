package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// TestAnswersAreDescribed lets the gateway answer in every way that it has without a failing service; each answer is
// compared with the document.
func TestAnswersAreDescribed(t *testing.T) {
	t.Parallel()
	service := &fakeService{}
	base, validator := served(t, service, withEverything(service))
	large := strings.Repeat("x", maxBodyBytes+1)
	tables := []map[string]answered{answersOfMessages(large), accountAnswers(large), answersOfReaders(), answersOfRooms(large), answersOfProjections(large), answersOfWords(), answersOfWebhooks(large), answersOfDevices(large), answersOfPushes(large), answersOfModeration(large), answersOfAttachments(large)}
	for _, table := range tables {
		for name, test := range table {
			t.Run(name, func(t *testing.T) {
				client := newClient(t, func(next http.RoundTripper) http.RoundTripper { return validator.Transport(t, next) })
				got := test.call.do(t, client, base)
				if got.status != test.want {
					t.Errorf("%s %s = %d %s, want %d", test.call.method, test.call.target, got.status, got.body, test.want)
				}
			})
		}
	}
}

// answered is a request, and the status that it is answered with.
type answered struct {
	call call
	want int
}

// answersOfMessages are the answers of the routes of messages, of live delivery and of operation. large is a body that
// is too large.
func answersOfMessages(large string) map[string]answered {
	return map[string]answered{
		"send":                        {call{method: "POST", target: "/api/send", contentType: jsonType, body: goodSend}, 200},
		"send, no Content-Type":       {call{method: "POST", target: "/api/send", body: goodSend}, 200},
		"send, other JSON":            {call{method: "POST", target: "/api/send", contentType: "application/x+json", body: goodSend}, 200},
		"send, chunked":               {call{method: "POST", target: "/api/send", contentType: jsonType, body: goodSend, chunked: true}, 200},
		"send, an array":              {call{method: "POST", target: "/api/send", body: `[{"Chat":"a","text":"b","sender":"c"},{"chat":"a","text":"b","sender":"c","id":"1"}]`}, 200},
		"send, folded names":          {call{method: "POST", target: "/api/send", body: `{"Chat":"a","TEXT":"b","Sender":"c"}`}, 200},
		"send, unknown field":         {call{method: "POST", target: "/api/send", body: `{"chat":"a","text":"b","sender":"c","other":1}`}, 400},
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
		"send Latin 1":                {call{method: "POST", target: "/api/send", contentType: jsonType + "; charset=latin1", body: goodSend}, 200},
		"send gzip":                   {call{method: "POST", target: "/api/send", header: http.Header{"Content-Encoding": {"gzip"}}, body: goodSend}, 415},
		"pull":                        {call{method: "GET", target: "/api/pull?chat=alice:bob"}, 200},
		"pull, all arguments":         {call{method: "GET", target: "/api/pull?chat=alice:bob&cursor=9007199254740991&limit=1000&reverse=true"}, 200},
		"pull, folded names":          {call{method: "GET", target: "/api/pull?Chat=alice:bob&LIMIT=1"}, 200},
		"pull, other script":          {call{method: "GET", target: "/api/pull?chat=%E0%A4%95%E0%A5%A9:%2B1"}, 200},
		"pull, body":                  {call{method: "GET", target: "/api/pull", contentType: jsonType, body: `{"chat":"a","cursor":1,"limit":2,"reverse":true}`}, 200},
		"pull with POST":              {call{method: "POST", target: "/api/pull", contentType: jsonType, body: `{"chat":"a","cursor":1}`}, 200},
		"pull with POST, query":       {call{method: "POST", target: "/api/pull?chat=a"}, 200},
		"pull, wrong cursor":          {call{method: "GET", target: "/api/pull?chat=a&cursor=now"}, 400},
		"pull, wrong limit":           {call{method: "GET", target: "/api/pull?chat=a&limit=x"}, 400},
		"pull, empty parameters":      {call{method: "GET", target: "/api/pull?chat=a&limit=&cursor=&reverse="}, 200},
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
		"another version":             {call{method: "GET", target: "/api/ws", header: http.Header{"Sec-Websocket-Version": {"8"}}}, 400},
		"a page of another origin":    {call{method: "GET", target: "/api/ws", header: handshake("https://example.org")}, 403},
		"WebSocket with POST":         {call{method: "POST", target: "/api/ws"}, 405},
		"ping":                        {call{method: "GET", target: "/ping"}, 200},
		"ping, request id":            {call{method: "GET", target: "/ping", header: http.Header{"X-Request-Id": {"my-id"}}}, 200},
		"ping, unfit request id":      {call{method: "GET", target: "/ping", header: http.Header{"X-Request-Id": {"my id"}}}, 200},
		"readyz":                      {call{method: "GET", target: "/readyz"}, 200},
		"document":                    {call{method: "GET", target: "/openapi.yaml"}, 200},
		"unknown path":                {call{method: "GET", target: "/api/sned"}, 404},
		"unknown path, body":          {call{method: "POST", target: "/api/sned", contentType: jsonType, body: goodSend}, 404},
		"page":                        {call{method: "GET", target: "/"}, 200},
		"explorer":                    {call{method: "GET", target: "/docs"}, 200},
		"admin page":                  {call{method: "GET", target: "/admin"}, 200},
		"part of the page":            {call{method: "GET", target: "/app/icon.svg"}, 200},
		"no part of the page":         {call{method: "GET", target: "/app/none.js"}, 404},
		"page with POST":              {call{method: "POST", target: "/"}, 405},
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
	}
}
