package access

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestHTTP tries httpPolicy.
func TestHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := rowsOf(t, httpPolicy, httpColumns, 2)
	complete(t, "the route", rows, answeredRoutes(w.routes))
	w.try(t, rows, httpColumns, func(t *testing.T, r row, request string, in scene, by caller) answer {
		return w.overHTTP(t, r.name, request, w.token(t, by, in))
	})
	t.Run("a token in the query", func(t *testing.T) { w.tokensInQueries(t, rows) })
	t.Run("no route", w.whatIsNoRoute)
}

// answeredRoutes leaves out HEAD where there is a GET, whose row holds for both.
func answeredRoutes(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(route string) bool {
		path, head := strings.CutPrefix(route, http.MethodHead+" ")
		return head && slices.Contains(all, http.MethodGet+" "+path)
	})
}

// overHTTP makes a request, and where it is a GET a HEAD before it, which must have the same status.
func (w *world) overHTTP(t *testing.T, route, request, token string) answer {
	t.Helper()
	method, target, body := httpRequest(route, request)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	headed := 0
	if method == http.MethodGet {
		head := w.request(ctx, t, http.MethodHead, target, body, token)
		_ = head.Body.Close()
		headed = head.StatusCode
	}
	response := w.request(ctx, t, method, target, body, token)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return answer{outcome: "101"} // which HEAD is not: it is no handshake
	}
	said := read(response)
	if headed != 0 && headed != response.StatusCode {
		t.Errorf("HEAD %s = %d, want %d as GET", target, headed, response.StatusCode)
	}
	if strings.HasPrefix(target, "/receive/") { // the cursor moves when the client has the lines; the next request waits for that
		next := w.request(ctx, t, http.MethodHead, target, "", token)
		_ = next.Body.Close()
	}
	outcome := strconv.Itoa(response.StatusCode)
	if response.StatusCode >= http.StatusBadRequest {
		status := outcome
		outcome = refusal(said)
		if strings.NewReplacer("exp", "401", "inv", "401", "pwd", "401").Replace(outcome) != status && status != "405" {
			t.Errorf("%s %s has the status %s, and says %s", method, target, status, said)
		}
	}
	return answer{outcome, string(said)}
}

// read returns the answer; of a stream, up to the event that a user in a scene waits for.
func read(response *http.Response) (said []byte) {
	stream := strings.HasPrefix(response.Header.Get("Content-Type"), "text/") && response.ContentLength < 0
	if !stream {
		said, _ = io.ReadAll(response.Body)
		return said
	}
	some := make([]byte, 1<<10)
	for !awaited(string(said)) {
		n, err := response.Body.Read(some)
		said = append(said, some[:n]...)
		if err != nil {
			return said
		}
	}
	return said
}

// awaited says whether the waiting user of a scene was told.
func awaited(said string) bool {
	return strings.Contains(said, inRoom) || strings.Contains(said, inPair) || strings.Contains(said, toOutsiders)
}

func httpRequest(route, request string) (method, target, body string) {
	method, target, _ = strings.Cut(route, " ")
	inBody := method == http.MethodPost || method == http.MethodPatch || method == http.MethodPut && (strings.Contains(request, "?") || strings.HasPrefix(target, "/api/admin/"))
	body, query, path := fields(request, !inBody)
	for name, value := range path {
		target = strings.ReplaceAll(target, name, url.PathEscape(value))
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	return method, target, body
}

// tokensInQueries: only the two routes whose clients may be unable to set headers look for one there.
func (w *world) tokensInQueries(t *testing.T, rows []row) {
	t.Helper()
	good := w.token(t, service, w.shared)
	for _, r := range rows {
		if r.want[anonymous] != "401" || strings.Contains(r.name, "/api/stream") || strings.Contains(r.name, "/api/ws") {
			continue
		}
		request := w.fill(t, r.request, w.shared, service) + " ?access_token=" + good
		if got := w.overHTTP(t, r.name, request, ""); got.outcome != "401" {
			t.Errorf("%s with a token in its query = %s %s, want 401", r.name, got.outcome, got.body)
		}
	}
}

// whatIsNoRoute: a caller without a token does not learn which routes are missing.
func (w *world) whatIsNoRoute(t *testing.T) {
	t.Helper()
	for _, route := range []string{"GET /api/none", "PUT /api/send", "GET /api/rooms/den/none"} {
		for c, want := range map[caller]string{anonymous: "401", expired: "exp", forged: "inv", unsigned: "inv", member: "404"} {
			if got := w.overHTTP(t, route, "", w.token(t, c, w.shared)); got.outcome != want {
				t.Errorf("%s by %q = %s %s, want %s", route, c, got.outcome, got.body, want)
			}
		}
	}
}
