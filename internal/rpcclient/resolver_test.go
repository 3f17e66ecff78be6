package rpcclient

import (
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
	for name, c := range map[string]struct {
		servers []string
		want    []string
	}{
		"an address":           {[]string{"127.0.0.1:1"}, []string{"127.0.0.1:1"}},
		"an IPv6 address":      {[]string{"[::1]:1"}, []string{"[::1]:1"}},
		"several":              {[]string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1"}, []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1"}},
		"one that is no name":  {[]string{"no name:1", "127.0.0.1:2"}, []string{"127.0.0.1:2"}},
		"the last is no name":  {[]string{"127.0.0.1:2", "no name:1"}, []string{"127.0.0.1:2"}},
		"a name and addresses": {[]string{"127.0.0.9:1", "no name:1", "127.0.0.1:2"}, []string{"127.0.0.9:1", "127.0.0.1:2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := resolved(t, c.servers); !slices.Equal(got, c.want) {
				t.Errorf("resolve(%q) = %q, want %q", c.servers, got, c.want)
			}
		})
	}
}

func TestResolveAName(t *testing.T) {
	if got := resolved(t, []string{"localhost:1"}); !slices.Contains(got, "127.0.0.1:1") {
		t.Errorf("resolve(localhost:1) = %q, want 127.0.0.1:1 among them", got)
	}
}

func TestResolveNothing(t *testing.T) {
	resolver, err := newResolver([]string{"no name:1", "nor this:2"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := resolver.Resolve(t.Context(), resolver.Target(t.Context(), nil)); err == nil {
		t.Errorf("Resolve() = %v, want an error", got)
	}
	service, err := New(Config{RPCServers: []string{"no name:1"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = service.Send(t.Context(), aMessage)
	if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(err.Error(), "nothing was stored") {
		t.Errorf("Send(no such name) = %v, want unavailable and that nothing was stored", err)
	}
}

// TestResolversAreNotShared: Kitex shares resolvers of one name between clients.
func TestResolversAreNotShared(t *testing.T) {
	one, err := newResolver([]string{"127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	two, err := newResolver([]string{"127.0.0.1:2"})
	if err != nil {
		t.Fatal(err)
	}
	if one.Name() == two.Name() {
		t.Errorf("Name() = %q for both of two targets", one.Name())
	}
}

func resolved(t *testing.T, servers []string) (addresses []string) {
	t.Helper()
	resolver, err := newResolver(servers)
	if err != nil {
		t.Fatal(err)
	}
	result, err := resolver.Resolve(t.Context(), resolver.Target(t.Context(), nil))
	if err != nil {
		t.Fatalf("Resolve(%q) = %v", servers, err)
	}
	for _, instance := range result.Instances {
		addresses = append(addresses, instance.Address().String())
	}
	return addresses
}
