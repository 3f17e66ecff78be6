package storage

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
)

// node is one Redis that takes commands: the only one, the master that Sentinels name, or a master of a cluster. Each
// node has its own pipelines, so that a hanging node does not delay the others.
type node struct {
	client  *redis.Client
	appends *batch.Batcher[listedAppend, chat.Appended]
	ranges  *batch.Batcher[chat.Range, chat.Ranged]
	// away is set while Redis does not answer. Its calls are rejected at once.
	away atomic.Bool
	// answered is the time of the last answer, in nanoseconds since 1970.
	answered atomic.Int64
	// short is set while the node has too few replicas. Its appends are rejected without being sent.
	short atomic.Bool
}

// refuses returns the reason why the node rejects calls now, or nil.
func (n *node) refuses(copied bool) error {
	switch {
	case n.away.Load():
		return dialError(errAway)
	case copied && n.short.Load():
		return errFewReplicas
	}
	return nil
}

// errAway: the call was not sent, because an earlier call got no answer.
var errAway = errors.New("redis has not answered since a call that failed")

// The interval of probes to a Redis that is away, and the timeout of each probe.
const (
	probeEvery   = 50 * time.Millisecond
	probeTimeout = 250 * time.Millisecond
)

// nodes are the known nodes: one, or a cluster's masters as calls reach them.
type nodes struct {
	only    *node                // nil in a cluster
	cluster *redis.ClusterClient // nil outside a cluster
	newNode func(*redis.Client) *node

	mutex sync.Mutex
	met   map[*redis.Client]*node

	closed chan struct{}
	probes sync.WaitGroup
}

func newNodes(client redis.UniversalClient, newNode func(*redis.Client) *node) *nodes {
	n := &nodes{newNode: newNode, met: map[*redis.Client]*node{}, closed: make(chan struct{})}
	switch client := client.(type) {
	case *redis.ClusterClient:
		n.cluster = client
	case *redis.Client:
		n.only = n.of(client)
	}
	return n
}

// forKey returns the node that holds a key, as far as is known.
func (n *nodes) forKey(ctx context.Context, key string) (*node, error) {
	if n.only != nil {
		return n.only, nil
	}
	client, err := n.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, dialError(err)
	}
	return n.of(client), nil
}

func (n *nodes) of(client *redis.Client) *node {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	one, ok := n.met[client]
	if !ok {
		one = n.newNode(client)
		n.met[client] = one
	}
	return one
}

// at returns the node at an address that a cluster named, or nil.
func (n *nodes) at(ctx context.Context, address string) (found *node) {
	var mutex sync.Mutex
	_ = n.cluster.ForEachShard(ctx, func(_ context.Context, client *redis.Client) error {
		if client.Options().Addr == address {
			mutex.Lock()
			defer mutex.Unlock()
			found = n.of(client)
		}
		return nil
	})
	return found
}

// reload refreshes the cluster's slot layout.
func (n *nodes) reload(ctx context.Context) {
	_ = n.cluster.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
}

// leave makes a node reject calls until it answers again.
func (n *nodes) leave(one *node) {
	n.probe(one, &one.away, func() (bool, error) { return answers(one.client) })
}

// await makes a node reject appends until it has enough replicas.
func (n *nodes) await(one *node, replicas int) {
	n.probe(one, &one.short, func() (bool, error) { return hasReplicas(one.client, replicas) })
}

// probe sets a mark until ok returns true. A cluster closes the clients of nodes that left it; those nodes are
// forgotten.
func (n *nodes) probe(one *node, mark *atomic.Bool, ok func() (bool, error)) {
	if mark.Swap(true) {
		return
	}
	n.probes.Go(func() {
		tick := time.NewTicker(probeEvery)
		defer tick.Stop()
		for {
			switch well, err := ok(); {
			case well:
				mark.Store(false)
				return
			case errors.Is(err, redis.ErrClosed):
				n.forget(one)
				return
			}
			if n.cluster != nil {
				n.cluster.ReloadState(context.Background()) // another node may hold its keys now
			}
			select {
			case <-tick.C:
			case <-n.closed:
				return
			}
		}
	})
}

func (n *nodes) forget(one *node) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.met, one.client)
}

// answers reports whether a Redis answers at all, even with an error.
func answers(client *redis.Client) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	err := client.Ping(ctx).Err()
	var reply redis.Error
	return err == nil || errors.As(err, &reply), err
}

// close waits for the calls under way, rejects further calls, and ends the probes.
func (n *nodes) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), batching.MaxWait)
	defer cancel()
	n.mutex.Lock()
	var errs []error
	for _, one := range n.met {
		errs = append(errs, one.appends.Close(ctx), one.ranges.Close(ctx))
	}
	n.mutex.Unlock()
	close(n.closed)
	n.probes.Wait()
	return errors.Join(errs...)
}
