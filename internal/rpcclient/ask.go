package rpcclient

import (
	"context"

	"github.com/cloudwego/kitex/client/callopt"

	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
)

// kind says how a call whose answer is lost is handled: whether it may be repeated, and which error it returns.
type kind struct {
	repeatable bool
	failed     func(error) error
}

// reads are the calls that change nothing the second time.
var reads = kind{repeatable: true, failed: readError}

// method is one of imservice.Client's.
type method[Request, Response any] = func(
	imservice.Client, context.Context, Request, ...callopt.Option,
) (Response, error)

// ask makes a call on one server after the other, as try does, and returns the answer that result decodes.
func ask[Request, Response, Result any](ctx context.Context, c *Client, k kind, call method[Request, Response],
	request Request, result func(Response) (Result, error),
) (Result, error) {
	response, _, err := try(ctx, c.servers, k.repeatable, func(ctx context.Context, s *server) (Response, error) {
		return call(s.kitex, ctx, request)
	})
	if err != nil {
		var none Result
		return none, callError(err, k.failed)
	}
	return result(response)
}

// tell is ask where the answer holds no more than an error.
func tell[Request, Response any](ctx context.Context, c *Client, k kind, call method[Request, Response],
	request Request, result func(Response) error,
) error {
	_, err := ask(ctx, c, k, call, request, func(response Response) (struct{}, error) {
		return struct{}{}, result(response)
	})
	return err
}
