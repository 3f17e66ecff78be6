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
// gathers pipelines of its own, so that one that hangs does not hold up the others.
type node struct {
	client  *redis.Client
	appends *batch.Batcher[listedAppend, chat.Appended]
	ranges  *batch.Batcher[chat.Range, chat.Ranged]
	// away is set while Redis does not answer. Its calls are refused without waiting for it.
	away atomic.Bool
	// answered is when it last answered a call, in nanoseconds since 1970.
	answered atomic.Int64
	// short is set while it has too few replicas. Its appends are refused without being made.
	short atomic.Bool
}

// refuses returns why calls are not made at the node now, or nil.
func (n *node) refuses(copied bool) error {
	switch {
	case n.away.Load():
		return dialError(errAway)
	case copied && n.short.Load():
		return errFewReplicas
	}
	return nil
}

// errAway: nothing was sent, because what was sent before was not answered.
var errAway = errors.New("redis has not answered since a call that failed")

// How often a Redis that is away is asked whether it is back, and how long it has to say so.
const (
	probeEvery   = 50 * time.Millisecond
	probeTimeout = 250 * time.Millisecond
)

// nodes are all that is known of Redis: one, or the masters of a cluster as they are met.
type nodes struct {
	only    *node                // or nil in a cluster
	cluster *redis.ClusterClient // or nil
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

// reload learns which node holds which keys now.
func (n *nodes) reload(ctx context.Context) {
	_ = n.cluster.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
}

// leave refuses the calls of a node until it answers again.
func (n *nodes) leave(one *node) {
	n.probe(one, &one.away, func() (bool, error) { return answers(one.client) })
}

// await refuses the appends of a node until it has so many replicas.
func (n *nodes) await(one *node, replicas int) {
	n.probe(one, &one.short, func() (bool, error) { return hasReplicas(one.client, replicas) })
}

// probe sets a mark until ok says so. A cluster closes the clients of nodes that have left it: they are forgotten.
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
				n.cluster.ReloadState(context.Background()) // another may have its keys now
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

// answers says whether a Redis answers, with whatever.
func answers(client *redis.Client) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	err := client.Ping(ctx).Err()
	var reply redis.Error
	return err == nil || errors.As(err, &reply), err
}

// close waits for the calls under way, refuses further ones, and ends the probes.
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
