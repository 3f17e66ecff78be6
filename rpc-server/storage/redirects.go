package storage

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// target is where a command is made. asking means that its key is being migrated there.
type target struct {
	node   *node
	asking bool
}

// refused collects the commands that Redis refused without effect, by the target of the retry.
func (s *Store) refused(ctx context.Context, rounds map[target][]int, e exchange, errs []error) map[target][]int {
	var again map[target][]int
	r := redirects{store: s}
	for at, indices := range rounds {
		for _, i := range indices {
			if errs[i] == nil {
				continue
			}
			if to, ok := r.follow(ctx, at, e.key(i), errs[i]); ok {
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
	store    *Store
	loaded   map[*node]bool
	reloaded bool
}

func (r *redirects) follow(ctx context.Context, at target, key string, err error) (target, bool) {
	nodes := r.store.nodes
	switch {
	case redis.HasErrorPrefix(err, "NOSCRIPT"):
		return at, r.load(ctx, at.node)
	case nodes.cluster == nil:
	case redis.HasErrorPrefix(err, "MOVED"):
		if !r.reloaded {
			nodes.reload(ctx)
			r.reloaded = true
		}
		if n, err := nodes.forKey(ctx, key); err == nil {
			return target{node: n}, true
		}
	case redis.HasErrorPrefix(err, "ASK"):
		if n := nodes.at(ctx, err.Error()[strings.LastIndexByte(err.Error(), ' ')+1:]); n != nil {
			return target{node: n, asking: true}, true
		}
	}
	return target{}, false
}

func (r *redirects) load(ctx context.Context, n *node) bool {
	loaded, known := r.loaded[n]
	if !known {
		r.store.lookAgain() // a Redis that lost its scripts may have lost all data
		r.store.known.forget()
		loaded = loadScripts(ctx, n.client) == nil
		if r.loaded == nil {
			r.loaded = map[*node]bool{}
		}
		r.loaded[n] = loaded
	}
	return loaded
}
