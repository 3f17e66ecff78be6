package rpcclient

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
)

// newResolver returns a resolver of host:port addresses. Every address of a DNS name is an rpc-server of its own,
// and Kitex asks again every few seconds.
//
// Kitex shares one resolver between all clients of the process that have a resolver of the same name. So the name
// says everything.
func newResolver(servers []string) (discovery.Resolver, error) {
	if len(servers) == 0 {
		return nil, fmt.Errorf("rpc-servers: none given")
	}
	for _, server := range servers {
		if _, _, err := net.SplitHostPort(server); err != nil {
			return nil, fmt.Errorf("rpc-servers: %q is not HOST:PORT", server)
		}
	}
	target := strings.Join(servers, ",")
	return &discovery.SynthesizedResolver{
		TargetFunc:  func(context.Context, rpcinfo.EndpointInfo) string { return target },
		ResolveFunc: resolve,
		NameFunc:    func() string { return target },
	}, nil
}

// resolve looks up every name of a target. A name that cannot be resolved is passed over while others can.
func resolve(ctx context.Context, target string) (discovery.Result, error) {
	result := discovery.Result{Cacheable: true, CacheKey: target}
	var failed error
	for server := range strings.SplitSeq(target, ",") {
		host, port, _ := net.SplitHostPort(server)
		addresses, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			failed = err
			continue
		}
		for _, address := range addresses {
			result.Instances = append(result.Instances,
				discovery.NewInstance("tcp", net.JoinHostPort(address, port), discovery.DefaultWeight, nil))
		}
	}
	if len(result.Instances) == 0 {
		return discovery.Result{}, failed
	}
	return result, nil
}
