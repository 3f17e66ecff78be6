package middleware

import (
	"context"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/metrics"
)

// Measure records each request with its route, method, status and duration.
func Measure(requests *metrics.Requests) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		began := time.Now()
		c.Next(ctx)
		requests.Done(c.FullPath(), string(c.Method()), c.Response.StatusCode(), time.Since(began), request.Waited(c))
	}
}
