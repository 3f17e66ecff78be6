package rpcclient

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestNewRefusesWhatIsNoAddress(t *testing.T) {
	for name, c := range map[string]struct {
		servers []string
		want    string
	}{
		"none":       {nil, "none given"},
		"empty":      {[]string{""}, `"" is not HOST:PORT`},
		"no port":    {[]string{"localhost"}, `"localhost" is not HOST:PORT`},
		"bare IPv6":  {[]string{"::1"}, `"::1" is not HOST:PORT`},
		"one of two": {[]string{"127.0.0.1:1", "127.0.0.1"}, `"127.0.0.1" is not HOST:PORT`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(Config{RPCServers: c.servers}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New(%q) = %v, want %q in it", c.servers, err, c.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	names := map[string][]string{"one": {"127.0.0.1"}, "two": {"127.0.0.1", "127.0.0.2"}, "six": {"::1"}}
	for name, c := range map[string]struct {
		addresses []string
		want      []string
	}{
		"an address":          {[]string{"127.0.0.1:1"}, []string{"127.0.0.1:1"}},
		"an IPv6 address":     {[]string{"[::1]:1"}, []string{"[::1]:1"}},
		"several":             {[]string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1"}, []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1"}},
		"a name":              {[]string{"one:1"}, []string{"127.0.0.1:1"}},
		"a name for many":     {[]string{"two:1"}, []string{"127.0.0.1:1", "127.0.0.2:1"}},
		"a name, IPv6":        {[]string{"six:1"}, []string{"[::1]:1"}},
		"twice the same":      {[]string{"one:1", "127.0.0.1:1"}, []string{"127.0.0.1:1"}},
		"one that is no name": {[]string{"nobody:1", "127.0.0.1:2"}, []string{"127.0.0.1:2"}},
		"nothing":             {[]string{"nobody:1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := resolving(t, c.addresses, func(host string) []string { return names[host] })
			if got := addresses(s); !slices.Equal(got, c.want) {
				t.Errorf("resolve(%q) = %q, want %q", c.addresses, got, c.want)
			}
		})
	}
}

// TestServersComeAndGo: a name is resolved anew. Who stays keeps its batches and connections; a name that cannot be
// resolved at the moment removes no server.
func TestServersComeAndGo(t *testing.T) {
	answer := []string{"127.0.0.1", "127.0.0.2"}
	s := resolving(t, []string{"rpc:1"}, func(string) []string { return answer })
	stays := (*s.current.Load())[1]
	for _, step := range []struct {
		answer, want []string
	}{
		{[]string{"127.0.0.2", "127.0.0.3"}, []string{"127.0.0.2:1", "127.0.0.3:1"}},
		{nil, []string{"127.0.0.2:1", "127.0.0.3:1"}},
		{[]string{"127.0.0.2"}, []string{"127.0.0.2:1"}},
	} {
		answer = step.answer
		s.resolve()
		if got := addresses(s); !slices.Equal(got, step.want) {
			t.Errorf("after the answer %q there are %q, want %q", step.answer, got, step.want)
		}
	}
	if (*s.current.Load())[0] != stays {
		t.Errorf("a server that stayed was made anew")
	}
}

// TestANameThatIsNotResolved keeps its own servers, and no others.
func TestANameThatIsNotResolved(t *testing.T) {
	answer := "127.0.0.1"
	s := resolving(t, []string{"nobody:1", "rpc:1"}, func(host string) []string {
		if host == "nobody" {
			return nil
		}
		return []string{answer}
	})
	answer = "127.0.0.2"
	s.resolve()
	if got, want := addresses(s), []string{"127.0.0.2:1"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// resolving returns the servers of addresses in a net where lookup answers; nil is no answer.
func resolving(t *testing.T, addresses []string, lookup func(host string) []string) *servers {
	t.Helper()
	s := &servers{addresses: addresses, changed: newBroadcast(), stand: make([][]string, len(addresses)), lookup: func(_ context.Context, host string) ([]string, error) {
		if found := lookup(host); found != nil {
			return found, nil
		}
		return nil, errors.New("no such host")
	}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.current.Store(&[]*server{})
	s.resolve()
	t.Cleanup(s.close)
	return s
}

func addresses(s *servers) (addresses []string) {
	for _, one := range *s.current.Load() {
		addresses = append(addresses, one.addr)
	}
	return addresses
}

// TestPick: it picks the answering server with the fewest waiting calls, and an unreachable one only if all are.
func TestPick(t *testing.T) {
	s := resolving(t, []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, nil)
	all := *s.current.Load()
	all[0].away.Store(true)
	all[1].calls.Store(2)
	all[2].calls.Store(1)
	var tried []*server
	for _, want := range []*server{all[2], all[1], all[0], nil} {
		got := s.pick(tried)
		if got != want {
			t.Fatalf("pick() after %d = %v, want %v", len(tried), got, want)
		}
		tried = append(tried, got)
	}
}

// TestPickTakesTurns where nothing tells the servers apart.
func TestPickTakesTurns(t *testing.T) {
	s := resolving(t, []string{"127.0.0.1:1", "127.0.0.1:2"}, nil)
	picked := map[*server]int{}
	for range 10 {
		picked[s.pick(nil)]++
	}
	for _, one := range *s.current.Load() {
		if picked[one] != 5 {
			t.Errorf("%s was picked %d times of 10, want 5", one.addr, picked[one])
		}
	}
}

func TestNoServer(t *testing.T) {
	client := &Client{servers: resolving(t, []string{"nobody:1"}, func(string) []string { return nil })}
	_, err := client.Send(t.Context(), aMessage)
	if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(err.Error(), "nothing was done") {
		t.Errorf("Send(no such name) = %v, want unavailable and that nothing was done", err)
	}
}
