package rpcclient

import (
	"context"
	"errors"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/remote"

	"github.com/pullchat/pullchat/internal/wire"
)

// giveSecret gives every call and stream the secret that rpc-servers may ask for.
func giveSecret(secret string) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		if secret == "" {
			return next
		}
		return func(ctx context.Context, request, response any) error {
			return next(metainfo.WithPersistentValue(ctx, wire.SecretKey, secret), request, response)
		}
	}
}

// refusesSecret says whether an rpc-server has answered that it wants another secret. Nothing was done.
func refusesSecret(err error) bool {
	var refusal *remote.TransError
	return errors.As(err, &refusal) && refusal.TypeID() == wire.SecretRefused
}
