package gateway

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/ratelimit"
)

// asked is a request of a client that connects anew, and whether it is refused for its rate.
type asked struct {
	target, forwarded, sender string
	refused                   bool
}

// check makes the request. A refusal is described in /openapi.yaml.
func (a asked) check(t *testing.T, addr string) {
	t.Helper()
	validator, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	reports := &recorder{TB: t}
	client := newClient(t, func(next http.RoundTripper) http.RoundTripper { return validator.Transport(reports, next) })
	method, path, _ := strings.Cut(a.target, " ")
	c := call{method: method, target: path, header: http.Header{}}
	if a.sender != "" {
		c.body = strings.Replace(goodSend, `"sender":"alice"`, `"sender":"`+a.sender+`"`, 1)
	}
	if a.forwarded != "" {
		c.header.Set("X-Forwarded-For", a.forwarded)
	}
	got := c.do(t, client, "http://"+addr)
	if a.refused != (got.status == http.StatusTooManyRequests) {
		t.Errorf("%+v = %d %s, want it refused: %v", a, got.status, got.body, a.refused)
	}
	if len(reports.reported) > 0 && got.status != http.StatusNotFound {
		t.Errorf("%+v = %d: %q", a, got.status, reports.reported)
	}
	if !a.refused {
		return
	}
	if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1000 || seconds > 1800 {
		t.Errorf("%+v has Retry-After %q, want half an hour", a, got.header.Get("Retry-After"))
	}
	if !strings.HasPrefix(string(got.body), `{"code":"resource_exhausted","message":"more than 2/h requests`) {
		t.Errorf("%+v = %s, want resource_exhausted", a, got.body)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	rate := ratelimit.Rate{Requests: 2, Per: time.Hour}
	proxies := ratelimit.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		name   string
		config Config
		asks   []asked
	}{
		{"off", Config{}, []asked{{"GET /api/pull?chat=a", "", "", false}, {"GET /api/pull?chat=a", "", "", false}, {"GET /api/pull?chat=a", "", "", false}}},
		{"by address", Config{RateLimit: rate}, []asked{
			{"GET /api/pull?chat=a", "1.1.1.1", "", false},
			{"POST /api/send", "2.2.2.2", "alice", false},
			{"POST /api/send", "3.3.3.3", "bob", true},
			{"GET /api/pull?chat=a", "4.4.4.4", "", true},
			{"GET /openapi.yaml", "", "", true},
			{"GET /ping", "", "", false},
			{"GET /readyz", "", "", false},
		}},
		{"a path that is none", Config{RateLimit: rate}, []asked{
			{"GET /none", "", "", false}, {"GET /none", "", "", false}, {"GET /api/pull?chat=a", "", "", true},
		}},
		{"behind a proxy", Config{RateLimit: rate, TrustedProxies: proxies}, []asked{
			{"GET /api/pull?chat=a", "1.1.1.1", "", false},
			{"GET /api/pull?chat=a", "9.9.9.9, 1.1.1.1", "", false},
			{"GET /api/pull?chat=a", "8.8.8.8, 1.1.1.1, 127.0.0.2", "", true},
			{"GET /api/pull?chat=a", "2.2.2.2", "", false},
		}},
		{"by user", Config{RateLimit: rate, RateLimitBy: "user"}, []asked{
			{"POST /api/send", "", "alice", false},
			{"POST /api/send", "", "alice", false},
			{"POST /api/send", "", "alice", true},
			{"POST /api/send", "", "bob", false},
			{"GET /api/pull?chat=a", "", "", false},
			{"GET /api/pull?chat=a", "", "", false},
			{"GET /api/pull?chat=a", "", "", true},
			{"POST /api/send", "", "bob", false},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := runConfig(t, &fakeService{}, c.config, func(*limits) {})
			for _, a := range c.asks {
				a.check(t, g.addr)
			}
		})
	}
}
