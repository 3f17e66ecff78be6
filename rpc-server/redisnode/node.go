package redisnode

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
)

// Timeout bounds every call, so that a request has its answer within two seconds when Redis hangs.
const Timeout = 1200 * time.Millisecond

// Node is one Redis that takes commands: the only one, the master that Sentinels name, or a master of a cluster. Each
// node has its own pipelines, so that a hanging node does not delay the others.
type Node struct {
	Client *redis.Client // of this Redis alone
	// Attached is the result of Hooks.Attach for the node.
	Attached Attached
	// away is set while Redis does not answer. Its calls are rejected at once.
	away atomic.Bool
	// answered is the time of the last answer, in nanoseconds since 1970.
	answered atomic.Int64
	// short is set while the node has too few replicas. Its appends are rejected without being sent.
	short atomic.Bool
}

// refuses returns the reason why the node rejects calls now, or nil.
func (n *Node) refuses(copied bool) error {
	switch {
	case n.away.Load():
		return DialError(ErrAway)
	case copied && n.short.Load():
		return ErrFewReplicas
	}
	return nil
}

// ErrAway: the call was not sent, because an earlier call got no answer.
var ErrAway = errors.New("redis has not answered since a call that failed")

// The interval of probes to a Redis that is away, and the timeout of each probe.
const (
	ProbeEvery   = 50 * time.Millisecond
	probeTimeout = 250 * time.Millisecond
)

// Attached is the state of the operations at each node, such as their batches.
type Attached interface {
	// Close waits for the calls under way and rejects further calls.
	Close(ctx context.Context) error
}

// Hooks are the functions that the users of the nodes provide.
type Hooks struct {
	Ready   func(ctx context.Context) error                       // why calls are rejected, or nil
	Scripts func(ctx context.Context, client *redis.Client) error // loads all scripts that are called by their hash
	Lost    func()                                                // a Redis lacked a script: it may have lost all data
	Attach  func(one *Node) Attached                              // called once for each node
	Metrics *metrics.Service                                      // or nil
	Traces  *tracing.Tracing                                      // or nil
}

// Nodes are the known nodes: one, or a cluster's masters as calls reach them.
type Nodes struct {
	Only    *Node                // nil in a cluster
	Cluster *redis.ClusterClient // nil outside a cluster
	hooks   Hooks

	mutex sync.Mutex
	met   map[*redis.Client]*Node

	runner background.Runner // of probes and of the jobs of Start
}

// NewNodes returns the nodes that a client of Connect reaches.
func NewNodes(client redis.UniversalClient, hooks Hooks) *Nodes {
	n := &Nodes{hooks: hooks, met: map[*redis.Client]*Node{}}
	n.runner.Observe = hooks.Metrics.Job
	hooks.Metrics.Redis(n.states, pool(client))
	switch client := client.(type) {
	case *redis.ClusterClient:
		n.Cluster = client
	case *redis.Client:
		n.Only = n.of(client)
	}
	return n
}

// ForKey returns the node that holds a key, as far as is known.
func (n *Nodes) ForKey(ctx context.Context, key string) (*Node, error) {
	if n.Only != nil {
		return n.Only, nil
	}
	client, err := n.Cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, DialError(err)
	}
	return n.of(client), nil
}

func (n *Nodes) of(client *redis.Client) *Node {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	one, ok := n.met[client]
	if !ok {
		one = &Node{Client: client}
		if n.hooks.Metrics != nil {
			client.AddHook(measured{n.hooks.Metrics})
		}
		if n.hooks.Traces != nil {
			client.AddHook(newTraced(n.hooks.Traces, client))
		}
		one.Attached = n.hooks.Attach(one)
		n.met[client] = one
	}
	return one
}

// at returns the node at an address that a cluster named, or nil.
func (n *Nodes) at(ctx context.Context, address string) (found *Node) {
	var mutex sync.Mutex
	_ = n.Cluster.ForEachShard(ctx, func(_ context.Context, client *redis.Client) error {
		if client.Options().Addr == address {
			mutex.Lock()
			defer mutex.Unlock()
			found = n.of(client)
		}
		return nil
	})
	return found
}

// Reload refreshes the cluster's slot layout.
func (n *Nodes) Reload(ctx context.Context) {
	_ = n.Cluster.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
}

// leave makes a node reject calls until it answers again.
func (n *Nodes) leave(one *Node) {
	n.probe(one, &one.away, func(ctx context.Context) (bool, error) { return answers(ctx, one.Client) })
}

// await makes a node reject appends until it has enough replicas.
func (n *Nodes) await(one *Node, replicas int) {
	n.probe(one, &one.short, func(ctx context.Context) (bool, error) { return hasReplicas(ctx, one.Client, replicas) })
}

// probe sets a mark until ok returns true. A cluster closes the clients of nodes that left it; those nodes are
// forgotten.
func (n *Nodes) probe(one *Node, mark *atomic.Bool, ok func(context.Context) (bool, error)) {
	if mark.Swap(true) {
		return
	}
	n.runner.Start(background.Job{
		Name: "probe", Every: ProbeEvery, Timeout: Timeout, // ok has a timeout of its own; a cluster's layout is read too
		Step: func(ctx context.Context) error {
			switch well, err := ok(ctx); {
			case well:
				mark.Store(false)
				return background.ErrDone
			case errors.Is(err, redis.ErrClosed):
				n.forget(one)
				return background.ErrDone
			}
			if n.Cluster != nil {
				n.Cluster.ReloadState(ctx) // another node may hold its keys now
			}
			return nil
		},
	})
}

// states counts the known nodes by state.
func (n *Nodes) states() map[string]int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	states := map[string]int{"answering": 0, "away": 0, "short": 0}
	for _, one := range n.met {
		switch {
		case one.away.Load():
			states["away"]++
		case one.short.Load():
			states["short"]++
		default:
			states["answering"]++
		}
	}
	return states
}

func (n *Nodes) forget(one *Node) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	delete(n.met, one.Client)
}

// answers reports whether a Redis answers at all, even with an error.
func answers(ctx context.Context, client *redis.Client) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := client.Ping(ctx).Err()
	var reply redis.Error
	return err == nil || errors.As(err, &reply), err
}

// Start runs a job in the background until Close. It returns false after Close; then the job does not run.
func (n *Nodes) Start(job background.Job) bool { return n.runner.Start(job) }

// Close closes the Attached of the nodes, within a time, and then ends the probes and all background jobs.
func (n *Nodes) Close(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	n.mutex.Lock()
	var errs []error
	for _, one := range n.met {
		errs = append(errs, one.Attached.Close(ctx))
	}
	n.mutex.Unlock()
	n.runner.Stop()
	return errors.Join(errs...)
}
