package service

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/remote"

	"github.com/pullchat/pullchat/internal/loopback"
	"github.com/pullchat/pullchat/internal/wire"
)

// Trust is how an rpc-server verifies its callers. If other machines than its gateways reach it, it needs both
// settings: it trusts a gateway about the user of a request.
type Trust struct {
	Auth      string `name:"auth" env:"AUTH" default:"off" enum:"off,on" placeholder:"off|on" help:"Whether every request needs an identity, which the gateways authenticate: ${enum}."`
	RPCSecret string `name:"rpc-secret" env:"RPC_SECRET" secret:"" placeholder:"TEXT" help:"Secret that gateways must send; empty for none. Set the same at the gateways."`
}

// Check refuses to believe callers from a network without a secret.
func (t Trust) Check(addr string) error {
	if t.identified() && t.RPCSecret == "" && !loopback.Is(addr) {
		return fmt.Errorf("--auth=on needs --rpc-secret (RPC_SECRET), the same as at the http-servers: "+
			"--rpc-addr (RPC_ADDR) is %q, which other machines can reach", addr)
	}
	return nil
}

// identified reports whether anonymous callers are refused.
func (t Trust) identified() bool { return t.Auth == "on" }

// askSecret refuses calls and streams that do not know the secret. Both are hashed, so that how long the comparison takes
// tells nothing of it, not even its length.
func askSecret(secret string) endpoint.Middleware {
	wanted := sha256.Sum256([]byte(secret))
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		if secret == "" {
			return next
		}
		return func(ctx context.Context, request, response any) error {
			given, _ := metainfo.GetPersistentValue(ctx, wire.SecretKey)
			if hash := sha256.Sum256([]byte(given)); subtle.ConstantTimeCompare(hash[:], wanted[:]) != 1 {
				return remote.NewTransErrorWithMsg(wire.SecretRefused, "this rpc-server answers only callers with its RPC_SECRET")
			}
			return next(ctx, request, response)
		}
	}
}
