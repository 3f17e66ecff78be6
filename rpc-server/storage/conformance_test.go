package storage_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

func TestConformanceOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	conformance.Run(t, func(t *testing.T, o conformance.Options) chat.Service {
		return chat.NewMessageService(open(t, "redis://"+miniredis.RunT(t).Addr(), o), chat.Access{}, conformance.Limits)
	})
}

func TestConformanceOnRealRedis(t *testing.T) {
	t.Parallel()
	conformOn(t, redistest.Start(t).URL(), redisnode.TLS{})
}

func TestConformanceOverTLS(t *testing.T) {
	t.Parallel()
	redis := redistest.StartTLS(t, "--requirepass", "a secret")
	conformOn(t, redis.URL(), redisnode.TLS{CA: redis.CA, Cert: redis.Cert, Key: redis.Key})
}

func TestConformanceOnSentinel(t *testing.T) {
	t.Parallel()
	conformOn(t, redistest.StartSentinel(t).URL(), redisnode.TLS{})
}

func TestConformanceOnCluster(t *testing.T) {
	t.Parallel()
	conformOn(t, redistest.StartCluster(t).URL(), redisnode.TLS{})
}

func conformOn(t *testing.T, url string, files redisnode.TLS) {
	conformance.Run(t, func(t *testing.T, o conformance.Options) chat.Service {
		return chat.NewMessageService(openWith(t, url, files, o), chat.Access{}, conformance.Limits)
	})
}

// open returns a Store of the test's own keys.
func open(t testing.TB, url string, o conformance.Options) *storage.Store {
	t.Helper()
	return openWith(t, url, redisnode.TLS{}, o)
}

func openWith(t testing.TB, url string, files redisnode.TLS, o conformance.Options) *storage.Store {
	t.Helper()
	store, err := storage.Open(url, storage.Options{
		TLS:               files,
		Retention:         o.Retention,
		MaxChatMessages:   o.MaxChatMessages,
		IdempotencyWindow: o.IdempotencyWindow,
		MaxDevices:        o.MaxDevices,
		Clock:             o.Clock.Now,
		Prefix:            "test:" + t.Name(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Ready(t.Context()); err != nil { // it loads the scripts, which takes the embedded Redis long on a busy machine
		t.Fatal(err)
	}
	return store
}

var _ chattest.Stores = (*storage.Store)(nil)

func TestDomainOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	conformance.RunDomain(t, func(t *testing.T, o conformance.Options) conformance.Domain {
		return domainIn(t, "redis://"+miniredis.RunT(t).Addr(), o)
	})
}

func TestDomainOnRealRedis(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	conformance.RunDomain(t, func(t *testing.T, o conformance.Options) conformance.Domain { return domainIn(t, url, o) })
}

func TestDomainOnCluster(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t).URL()
	conformance.RunDomain(t, func(t *testing.T, o conformance.Options) conformance.Domain { return domainIn(t, url, o) })
}

func domainIn(t *testing.T, url string, o conformance.Options) conformance.Domain {
	t.Helper()
	d := chattest.NewDomain(open(t, url, o), conformance.DomainOptions(o))
	t.Cleanup(func() { _ = d.Deleter.Close() })
	return conformance.DomainOf(d.Services())
}

func TestProjectionsOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	conformance.RunProjections(t, func(t *testing.T) chat.Projections { return projected(t, "redis://"+miniredis.RunT(t).Addr()) })
}

func TestProjectionsOnRealRedis(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	conformance.RunProjections(t, func(t *testing.T) chat.Projections { return projected(t, url) })
}

func TestProjectionsOnCluster(t *testing.T) {
	t.Parallel()
	url := redistest.StartCluster(t).URL()
	conformance.RunProjections(t, func(t *testing.T) chat.Projections { return projected(t, url) })
}

func projected(t *testing.T, url string) chat.Projections {
	t.Helper()
	return chat.NewProjectionService(open(t, url, conformance.Options{Clock: conformance.NewClock()}), chat.Access{})
}
