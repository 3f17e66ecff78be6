package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicaTimeout is how long appends wait for their copies.
const replicaTimeout = 500 * time.Millisecond

var (
	// errCopies: what was written is in one Redis, and not in as many others as it should be, or nobody knows.
	errCopies = errors.New("not copied")
	// errFewReplicas: nothing was sent, because copies would not come.
	errFewReplicas = errors.New("redis has too few replicas at the moment")
)

// waitForCopies ends a pipeline of appends: WAIT holds for all that was written on the connection, and also for a known
// id, for which append.lua writes something as well. Some of the pipeline's time is left for the answer.
func waitForCopies(ctx context.Context, pipeline redis.Pipeliner, replicas int) *redis.IntCmd {
	wait := replicaTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = max(time.Millisecond, min(wait, time.Until(deadline)-200*time.Millisecond))
	}
	copies := redis.NewIntCmd(ctx, "wait", replicas, wait.Milliseconds())
	_ = pipeline.Process(ctx, copies)
	return copies
}

// copyError is nil where there are enough copies. Whatever WAIT's own error is, it is not the append's, which was made.
func copyError(copies *redis.IntCmd, wanted int) error {
	switch got, err := copies.Result(); {
	case err != nil:
		return fmt.Errorf("%w, as far as is known: %s", errCopies, err.Error())
	case got < int64(wanted):
		return fmt.Errorf("%w in time: %d of %d replicas have it", errCopies, got, wanted)
	}
	return nil
}

// hasReplicas says whether a Redis has replicas that follow it closely: that have said so within the last second.
func hasReplicas(client *redis.Client, wanted int) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	info, err := client.Info(ctx, "replication").Result()
	if err != nil {
		return false, err
	}
	following := 0
	for line := range strings.Lines(info) { // slave0:ip=127.0.0.1,port=6380,state=online,offset=98,lag=0
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "slave") && strings.Contains(line, "state=online") &&
			(strings.HasSuffix(line, "lag=0") || strings.HasSuffix(line, "lag=1")) {
			following++
		}
	}
	return following >= wanted, nil
}
