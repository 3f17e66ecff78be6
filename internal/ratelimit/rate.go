// Package ratelimit limits the requests and the open streams of each client, and identifies the client of a request. It
// is independent of the transport: gateways put the key of the client's address into the context.
package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a number of requests in a period: "100/s", "600/m" or "5000/h". The zero Rate, "", is no limit.
type Rate struct {
	Requests int
	Per      time.Duration
}

var periods = []struct {
	name   string
	length time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

// maxRequests keeps the arithmetic exact.
const maxRequests = 1_000_000

// UnmarshalText parses the result of String.
func (r *Rate) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Rate{}
		return nil
	}
	number, name, _ := strings.Cut(string(text), "/")
	requests, err := strconv.Atoi(number)
	for _, period := range periods {
		if err == nil && requests >= 1 && requests <= maxRequests && period.name == name {
			*r = Rate{requests, period.length}
			return nil
		}
	}
	return fmt.Errorf("%q is no rate like 100/s, 600/m or 5000/h, of 1 to %d requests", text, maxRequests)
}

func (r Rate) times(n int) Rate { return Rate{Requests: n * r.Requests, Per: r.Per} }

func (r Rate) String() string {
	for _, period := range periods {
		if r.Per == period.length {
			return fmt.Sprintf("%d/%s", r.Requests, period.name)
		}
	}
	return ""
}
