package gateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/web"
)

// firstLoad bounds the compressed bytes that a browser loads before the page can be used.
const firstLoad = 150 << 10

// TestPageIsServed loads the page as a browser does: compressed, with all that it refers to, and again later.
func TestPageIsServed(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	status, header, body := fetch(t, g.addr, "/", nil)
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || header.Get("Cache-Control") != keepAsking {
		t.Errorf("GET / = %d, %v", status, header)
	}
	parts := regexp.MustCompile(`(?:src|href)="(app/[^"]+)"`).FindAllStringSubmatch(string(body), -1)
	if len(parts) < 3 {
		t.Fatalf("the page refers to %d parts, want its program, its style and an icon:\n%s", len(parts), body)
	}
	loaded := 0
	for _, target := range append([][]string{{"", ""}}, parts...) {
		status, header, body := fetch(t, g.addr, "/"+target[1], http.Header{"Accept-Encoding": {"br, gzip;q=0.8"}})
		loaded += len(body)
		if status != 200 || header.Get("ETag") == "" || header.Get("Vary") != "Accept-Encoding" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET /%s = %d, %v", target[1], status, header)
		}
		if hashed := strings.Contains(target[1], "-"); hashed != (header.Get("Cache-Control") == keepForever) {
			t.Errorf("GET /%s has Cache-Control %q", target[1], header.Get("Cache-Control"))
		}
		_, _, plain := fetch(t, g.addr, "/"+target[1], http.Header{"Accept-Encoding": {"gzip;q=0"}})
		if header.Get("Content-Encoding") == "gzip" && !bytes.Equal(unzip(t, body), plain) {
			t.Errorf("GET /%s differs where it is compressed", target[1])
		}
		if status, _, body := fetch(t, g.addr, "/"+target[1], http.Header{"If-None-Match": {`"other", ` + header.Get("ETag")}}); status != 304 || len(body) > 0 {
			t.Errorf("GET /%s with its ETag = %d and %d bytes, want 304 and none", target[1], status, len(body))
		}
	}
	if loaded > firstLoad {
		t.Errorf("the first load is %d bytes, want at most %d", loaded, firstLoad)
	}
}

// TestPagePolicy: the page runs its own program only, and its markup has nothing that the policy would refuse.
func TestPagePolicy(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	_, header, body := fetch(t, g.addr, "/", nil)
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'; trusted-types pullchat-worker"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("the policy %q is open", policy)
	}
	if inline := regexp.MustCompile(`(?i)<script(?:\s+[^>]*)?>[^<]|<style|\sstyle=|\son[a-z]+=`).Find(body); inline != nil {
		t.Errorf("the page has %q inline", inline)
	}
	// Its parts are no pages: they keep the policy of data.
	_, header, _ = fetch(t, g.addr, "/app/icon.svg", nil)
	if got := header.Get("Content-Security-Policy"); got != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("an image has the policy %q", got)
	}
}

// TestServiceWorkerIsServed: its scope is the page, it asks this server only, and browsers look for a newer one. It names the
// files that the page loads.
func TestServiceWorkerIsServed(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	status, header, worker := fetch(t, g.addr, "/app/sw.js", nil)
	if status != 200 || header.Get("Service-Worker-Allowed") != "../" || header.Get("Content-Security-Policy") != workerPolicy || header.Get("Cache-Control") != keepAsking {
		t.Errorf("GET /app/sw.js = %d, %v", status, header)
	}
	_, _, page := fetch(t, g.addr, "/", nil)
	for _, part := range regexp.MustCompile(`(?:src|href)="app/([^"]+)"`).FindAllSubmatch(page, -1) {
		if !bytes.Contains(worker, part[1]) {
			t.Errorf("the service worker does not keep %s", part[1])
		}
	}
}

// TestExplorerIsServed, with scripts of this server only, compressed. The page to chat on loads nothing of it.
func TestExplorerIsServed(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{}, func(*limits) {})
	status, header, body := fetch(t, g.addr, "/docs", nil)
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || !strings.Contains(header.Get("Content-Security-Policy"), "script-src 'self';") {
		t.Errorf("GET /docs = %d, %v", status, header)
	}
	parts := regexp.MustCompile(`(?:src|href)="(app/[^"]+)"`).FindAllStringSubmatch(string(body), -1)
	if len(parts) < 5 {
		t.Fatalf("the explorer refers to %d parts, want two programs, two styles and an icon:\n%s", len(parts), body)
	}
	loaded := 0
	for _, part := range parts {
		status, _, body := fetch(t, g.addr, "/"+part[1], http.Header{"Accept-Encoding": {"gzip"}})
		if loaded += len(body); status != 200 {
			t.Errorf("GET /%s = %d", part[1], status)
		}
	}
	if loaded > 600<<10 {
		t.Errorf("the explorer is %d bytes, compressed", loaded)
	}
	_, _, worker := fetch(t, g.addr, "/app/sw.js", nil)
	if kept := regexp.MustCompile(`(swagger-ui|explorer|admin)-[0-9a-f]+\.\w+`).Find(worker); len(worker) == 0 || kept != nil {
		t.Errorf("the service worker keeps %s, of the explorer", kept)
	}
}

// TestPageKnowsTheServer: the page learns from the server whether users log in.
func TestPageKnowsTheServer(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]Config{
		`{&quot;auth&quot;:false,&quot;registration&quot;:&quot;&quot;}`:       {},
		`{&quot;auth&quot;:false,&quot;registration&quot;:&quot;closed&quot;}`: {Registration: ratelimit.RegistrationClosed},
	} {
		g := runConfig(t, &fakeService{}, config, func(*limits) {})
		if _, _, body := fetch(t, g.addr, "/", nil); !bytes.Contains(body, []byte(`<meta name="pullchat" content="`+want+`">`)) {
			t.Errorf("the page has not %s:\n%s", want, body)
		}
	}
}

// TestWebOff: without the page its paths are unknown, and the API is the same.
func TestWebOff(t *testing.T) {
	t.Parallel()
	g := runConfig(t, &fakeService{}, Config{Web: webOff}, func(*limits) {})
	for _, path := range []string{"/", "/docs", "/app/icon.svg"} {
		status, header, body := fetch(t, g.addr, path, nil)
		if status != 404 || !bytes.Contains(body, []byte(`"code":"not_found"`)) || header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s = %d %s, want 404 in the error shape", path, status, body)
		}
	}
	if status, _, _ := fetch(t, g.addr, "/ping", nil); status != 200 {
		t.Errorf("GET /ping = %d", status)
	}
}

// TestPageHasTheLicences of the packages in it.
func TestPageHasTheLicences(t *testing.T) {
	t.Parallel()
	file, _ := web.Part("licences.txt")
	text := string(file.Body)
	for _, name := range []string{"swagger-ui-dist ", "preact ", "@preact/signals ", "@preact/signals-core ", "eventsource-parser "} {
		if !strings.Contains(text, name) || !strings.Contains(text, "Permission is hereby granted") {
			t.Errorf("licences.txt does not have that of %s", name)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip": true, "GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "*": true, "identity": false, "xgzip": false,
	} {
		if got := acceptsGzip(accepted); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", accepted, got, want)
		}
	}
}

// fetch asks without the client's own decompression.
func fetch(t *testing.T, addr, path string, header http.Header) (status int, got http.Header, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, body
}

func unzip(t *testing.T, body []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
