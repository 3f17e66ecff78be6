package redisnode

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/metrics"
)

// measured is a hook that records the round trips of a client.
type measured struct{ metrics *metrics.Service }

func (measured) DialHook(dial redis.DialHook) redis.DialHook { return dial }

func (m measured) ProcessHook(process redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		began := time.Now()
		err := process(ctx, command)
		m.done(command.Name(), began, err)
		return err
	}
}

func (m measured) ProcessPipelineHook(process redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		began := time.Now()
		err := process(ctx, commands)
		m.done("pipeline", began, err)
		return err
	}
}

func (m measured) done(operation string, began time.Time, err error) {
	m.metrics.RoundTrip(operation, time.Since(began), err != nil && !errors.Is(err, redis.Nil))
}

// pool returns the metrics of a client's connections.
func pool(client redis.UniversalClient) func() metrics.Pool {
	return func() metrics.Pool {
		stats := client.PoolStats()
		return metrics.Pool{Total: stats.TotalConns, Idle: stats.IdleConns, Timeouts: stats.Timeouts, Misses: stats.Misses}
	}
}
