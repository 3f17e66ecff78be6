package gateway

import (
	"github.com/cloudwego/hertz/pkg/app/server"

	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/internal/ratelimit"
)

// measure records the requests of all routes, if metrics are on.
func (s *Server) measure(engine *server.Hertz, all []route) {
	if s.config.Metrics == nil {
		return
	}
	requests := s.config.Metrics.NewRequests()
	for _, r := range all {
		methods := []string{r.method}
		if r.method == methodGet {
			methods = append(methods, methodHead)
		}
		s.config.Metrics.Add(requests, r.path, r.streams, methods...)
	}
	engine.Use(middleware.Measure(requests))
}

// refused returns a function that counts a refusal of a kind, or nil if metrics are off.
func (c Config) refused(kind string) func() {
	if c.Metrics == nil {
		return nil
	}
	return func() { c.Metrics.Refusal(kind) }
}

// limiter returns a Limiter whose refusals are counted as a kind.
func (c Config) limiter(r ratelimit.Rate, kind string) *ratelimit.Limiter {
	limiter := ratelimit.New(r)
	limiter.Refused = c.refused(kind)
	return limiter
}
