package redisnode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicaTimeout is how long appends wait for their replicas.
const replicaTimeout = 500 * time.Millisecond

var (
	// ErrCopies: the write is in one Redis, but too few replicas have confirmed it, or their number is unknown.
	ErrCopies = errors.New("not copied")
	// ErrFewReplicas: the write was not sent, because too few replicas are connected.
	ErrFewReplicas = errors.New("redis has too few replicas at the moment")
)

// waitForCopies ends a pipeline of appends with WAIT. WAIT covers every write of the connection; append.lua therefore
// writes for a known id too. Part of the pipeline's time is left for the answer.
func waitForCopies(ctx context.Context, pipeline redis.Pipeliner, replicas int) *redis.IntCmd {
	wait := replicaTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = max(time.Millisecond, min(wait, time.Until(deadline)-200*time.Millisecond))
	}
	copies := redis.NewIntCmd(ctx, "wait", replicas, wait.Milliseconds())
	_ = pipeline.Process(ctx, copies)
	return copies
}

// copyError returns nil where enough replicas have the write. An error of WAIT itself is not the append's error: the
// append was made.
func copyError(copies *redis.IntCmd, wanted int) error {
	switch got, err := copies.Result(); {
	case err != nil:
		return fmt.Errorf("%w, as far as is known: %s", ErrCopies, err.Error())
	case got < int64(wanted):
		return fmt.Errorf("%w in time: %d of %d replicas have it", ErrCopies, got, wanted)
	}
	return nil
}

// hasReplicas reports whether enough replicas acknowledged the master's log within the last second.
func hasReplicas(ctx context.Context, client *redis.Client, wanted int) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
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
