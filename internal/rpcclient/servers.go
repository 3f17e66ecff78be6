package rpcclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
)

// How often names are resolved, and how long that may take.
const (
	resolveEvery   = time.Second
	resolveTimeout = time.Second
)

// servers are the rpc-servers that the configured addresses stand for at the moment: a name may stand for many, which
// may come and go.
type servers struct {
	addresses []string // HOST:PORT, as configured
	secret    string   // that they ask for
	metrics   *metrics.Client
	traces    *tracing.Tracing
	lookup    func(ctx context.Context, host string) ([]string, error)

	stand   [][]string // the resolved addresses of each of addresses
	current atomic.Pointer[[]*server]
	turn    atomic.Uint64
	changed *broadcast      // notified when servers appear, disappear, begin or cease to serve
	ctx     context.Context // ends with close; every goroutine's
	stop    context.CancelFunc
	running sync.WaitGroup

	mutex  sync.Mutex // of closed: nothing begins to run while close waits
	closed bool
}

func newServers(config Config) (*servers, error) {
	addresses := config.RPCServers
	if len(addresses) == 0 {
		return nil, errors.New("rpc-servers: none given")
	}
	for _, address := range addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("rpc-servers: %q is not HOST:PORT", address)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &servers{
		addresses: addresses, secret: config.RPCSecret, metrics: config.Metrics, traces: config.Traces, stand: make([][]string, len(addresses)), lookup: net.DefaultResolver.LookupHost,
		changed: newBroadcast(), ctx: ctx, stop: stop,
	}
	s.current.Store(&[]*server{})
	s.resolve()
	s.running.Go(s.keepResolving)
	return s, nil
}

func (s *servers) keepResolving() {
	tick := time.NewTicker(resolveEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.resolve()
		}
	}
}

// resolve updates current. A name that cannot be resolved at the moment keeps its previous addresses.
func (s *servers) resolve() {
	ctx, cancel := context.WithTimeout(s.ctx, resolveTimeout)
	defer cancel()
	var asking sync.WaitGroup
	for i, address := range s.addresses {
		asking.Go(func() {
			if stand := s.standFor(ctx, address); stand != nil {
				s.stand[i] = stand
			}
		})
	}
	asking.Wait()
	found := map[string]bool{}
	for _, stand := range s.stand {
		for _, addr := range stand {
			found[addr] = true
		}
	}
	var next []*server
	for _, one := range *s.current.Load() {
		if !found[one.addr] {
			one.stop()
			continue
		}
		next = append(next, one)
		delete(found, one.addr)
	}
	for _, addr := range slices.Sorted(maps.Keys(found)) {
		one, err := newServer(addr, s.secret, s.metrics, s.traces)
		if err != nil {
			continue // it is no address: Kitex has looked at it
		}
		watching, stop := context.WithCancel(s.ctx)
		one.stop, one.changed = stop, s.changed
		s.running.Go(func() { one.watch(watching, s.another) })
		next = append(next, one)
	}
	if !slices.Equal(*s.current.Swap(&next), next) {
		s.changed.notify()
	}
}

// standFor returns the addresses that HOST:PORT stands for, or nil where that is not known.
func (s *servers) standFor(ctx context.Context, address string) (addrs []string) {
	host, port, _ := net.SplitHostPort(address)
	if net.ParseIP(host) != nil {
		return []string{address}
	}
	ips, err := s.lookup(ctx, host)
	if err != nil {
		return nil
	}
	for _, ip := range ips {
		addrs = append(addrs, net.JoinHostPort(ip, port))
	}
	return addrs
}

// pick returns a server that was not tried: the one for which fewest calls wait, of those that are not away if there
// are any. It returns nil where all were tried.
func (s *servers) pick(tried []*server) (best *server) {
	all := *s.current.Load()
	first := int(s.turn.Add(1))
	for i := range all {
		one := all[(first+i)%len(all)]
		switch {
		case slices.Contains(tried, one):
		case best == nil, best.away.Load() && !one.away.Load(),
			best.away.Load() == one.away.Load() && one.calls.Load() < best.calls.Load():
			best = one
		}
	}
	return best
}

// count returns how many known servers serve, and how many do not.
func (s *servers) count() (serving, away int) {
	for _, one := range *s.current.Load() {
		if one.serving.Load() {
			serving++
		} else {
			away++
		}
	}
	return serving, away
}

// another says whether a server besides this one takes calls.
func (s *servers) another(than *server) bool {
	return slices.ContainsFunc(*s.current.Load(), func(one *server) bool { return one != than && !one.away.Load() })
}

// run runs a goroutine that ends with the context. It returns false, and does not, after close.
func (s *servers) run(goroutine func(context.Context)) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.closed {
		s.running.Go(func() { goroutine(s.ctx) })
	}
	return !s.closed
}

// close ends the probes and the watches, waits for the calls under way and refuses further ones.
func (s *servers) close() {
	s.mutex.Lock()
	s.closed = true
	s.mutex.Unlock()
	s.stop()
	s.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	for _, one := range *s.current.Load() {
		_ = one.sends.Close(ctx)
		_ = one.pulls.Close(ctx)
	}
}
