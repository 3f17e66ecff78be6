package redisnode

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Masters returns the nodes that hold keys, for a walk over all of them. The walk may miss a slot that moves meanwhile.
func Masters(ctx context.Context, client redis.UniversalClient) ([]redis.Cmdable, error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{client}, nil
	}
	found := make(chan redis.Cmdable)
	failed := make(chan error, 1)
	go func() {
		failed <- cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error { // concurrently
			found <- node
			return nil
		})
		close(found)
	}()
	var nodes []redis.Cmdable
	for node := range found {
		nodes = append(nodes, node)
	}
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("list the cluster's masters: %w", err)
	}
	return nodes, nil
}
