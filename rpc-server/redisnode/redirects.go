package redisnode

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// target is where a command is made. asking means that its key is being migrated there.
type target struct {
	node   *Node
	asking bool
}

// refused collects the commands that Redis refused without effect, by the target of the retry.
func (n *Nodes) refused(ctx context.Context, rounds map[target][]int, e Exchange, errs []error) map[target][]int {
	var again map[target][]int
	r := redirects{nodes: n}
	for at, indices := range rounds {
		for _, i := range indices {
			if errs[i] == nil {
				continue
			}
			if to, ok := r.follow(ctx, at, e.Key(i), errs[i]); ok {
				if again == nil {
					again = map[target][]int{}
				}
				again[to] = append(again[to], i)
			}
		}
	}
	return again
}

// redirects loads the scripts and requests the cluster's layout at most once per round.
type redirects struct {
	nodes    *Nodes
	loaded   map[*Node]bool
	reloaded bool
}

func (r *redirects) follow(ctx context.Context, at target, key string, err error) (target, bool) {
	nodes := r.nodes
	switch {
	case redis.HasErrorPrefix(err, "NOSCRIPT"):
		return at, r.load(ctx, at.node)
	case nodes.Cluster == nil:
	case redis.HasErrorPrefix(err, "MOVED"):
		if !r.reloaded {
			nodes.Reload(ctx)
			r.reloaded = true
		}
		if n, err := nodes.ForKey(ctx, key); err == nil {
			return target{node: n}, true
		}
	case redis.HasErrorPrefix(err, "ASK"):
		if n := nodes.at(ctx, err.Error()[strings.LastIndexByte(err.Error(), ' ')+1:]); n != nil {
			return target{node: n, asking: true}, true
		}
	}
	return target{}, false
}

func (r *redirects) load(ctx context.Context, n *Node) bool {
	loaded, known := r.loaded[n]
	if !known {
		r.nodes.hooks.Lost() // a Redis that lost its scripts may have lost all data
		loaded = r.nodes.hooks.Scripts(ctx, n.Client) == nil
		if r.loaded == nil {
			r.loaded = map[*Node]bool{}
		}
		r.loaded[n] = loaded
	}
	return loaded
}
