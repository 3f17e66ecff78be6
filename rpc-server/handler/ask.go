package handler

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/wire"
)

// ask makes one call of a part of the domain, in the name of the request's caller, and logs it. The part is nil on a server
// without it; the error then says that the server keeps no such data, as kept names it.
func ask[Part, Result any](
	ctx context.Context, h *Handler, part Part, kept, method string, r any, do func(context.Context, Part) (Result, error),
) (result Result, err error) {
	start := time.Now()
	if any(part) == nil {
		err = chat.Errorf(chat.NotFound, "this rpc-server keeps no %s", kept)
	} else {
		result, err = do(from(ctx, r), part)
	}
	h.logCall(ctx, method, wire.RequestIDOf(r), start, err)
	return result, err
}

// from returns a context that carries who makes a request, if it says so.
func from(ctx context.Context, r any) context.Context {
	by := wire.RequesterOf(r)
	if by == nil {
		return ctx
	}
	return chat.WithCaller(ctx, wire.CallerOf(by))
}

// done makes a call that returns nothing one that returns something.
func done(err error) (struct{}, error) { return struct{}{}, err }
