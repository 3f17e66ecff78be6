package client

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// rest is how long an unreachable server is skipped, if there is another one.
const rest = time.Second

// servers is the rotation of all servers. It is safe for concurrent use.
type servers struct {
	list []*server
	next atomic.Uint64 // the first server of the next call
}

type server struct {
	base       string       // without a slash at the end
	restsUntil atomic.Int64 // nanoseconds since 1970
}

// parseServers reads base URLs, separated by commas.
func parseServers(list string) (*servers, error) {
	var s servers
	for base := range strings.SplitSeq(list, ",") {
		base = strings.TrimSpace(base)
		parsed, err := url.Parse(base)
		if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return nil, fmt.Errorf("server %q is not a URL like http://127.0.0.1:8080", base)
		}
		s.list = append(s.list, &server{base: strings.TrimRight(base, "/")})
	}
	return &s, nil
}

// turns begins the rotation of one call. Each call has its own, so that its retries reach another server, independent of
// other calls.
func (s *servers) turns() *turns {
	return &turns{list: s.list, next: int((s.next.Add(1) - 1) % uint64(len(s.list)))}
}

type turns struct {
	list []*server
	next int
}

// take returns the next server that does not rest, or the next one if all rest.
func (t *turns) take() *server {
	taken := t.next
	for i := range t.list {
		if at := (t.next + i) % len(t.list); !t.list[at].rests() {
			taken = at
			break
		}
	}
	t.next = (taken + 1) % len(t.list)
	return t.list[taken]
}

// awake reports whether a server does not rest.
func (t *turns) awake() bool {
	for _, s := range t.list {
		if !s.rests() {
			return true
		}
	}
	return false
}

// refused makes the server rest.
func (s *server) refused() { s.restsUntil.Store(time.Now().Add(rest).UnixNano()) }

func (s *server) rests() bool { return time.Now().UnixNano() < s.restsUntil.Load() }
