package redisnode

import (
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Micros is the time of a TIME command, or of clock where there is one, in microseconds since 1970.
func Micros(clock func() time.Time, redis *redis.TimeCmd) int64 {
	if clock != nil {
		return clock().UnixMicro()
	}
	return redis.Val().UnixMicro()
}

// FormatScore writes a score as ZRANGE reads it, with all its digits.
func FormatScore(score float64) string {
	if score == math.Trunc(score) && math.Abs(score) < 1<<53 {
		return strconv.FormatFloat(score, 'f', -1, 64)
	}
	return strconv.FormatFloat(score, 'g', -1, 64)
}
