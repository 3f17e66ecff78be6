package access

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/remote/trans/ttstream"
	"github.com/cloudwego/kitex/transport"

	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/wire"
)

// TestRPC tries rpcPolicy.
func TestRPC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := rowsOf(t, rpcPolicy, rpcColumns, 1)
	complete(t, "the method", rows, slices.Sorted(maps.Keys(imservice.NewServiceInfo().Methods)))
	peers := map[string]peer{}
	for _, secret := range []string{"", "another secret", rpcSecret} {
		peers[secret] = w.peer(t, secret)
	}
	w.try(t, rows, rpcColumns, func(t *testing.T, r row, request string, in scene, by caller) answer {
		secret := map[caller]string{keyless: "", wrongKey: "another secret"}
		known, without := secret[by]
		if !without {
			known = rpcSecret
		}
		return peers[known].call(t, r.name, request, identity(in, by))
	})
}

// identity is the caller that a gateway names in a request.
func identity(in scene, by caller) *rpc.Caller {
	user, service := in.name(by), by == service || by == keyless || by == wrongKey
	if by == anonymous {
		return nil
	}
	return &rpc.Caller{User: &user, Service: &service}
}

// peer calls an rpc-server.
type peer struct {
	calls   client.Client
	streams imservice.Client
}

func (w *world) peer(t *testing.T, secret string) peer {
	t.Helper()
	options := []client.Option{
		client.WithDestService("pullchat"), client.WithHostPorts(w.rpc), client.WithRPCTimeout(10 * time.Second),
		client.WithTransportProtocol(transport.TTHeader | transport.TTHeaderStreaming),
		client.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: 1, MaxIdleGlobal: 1, MaxIdleTimeout: time.Minute}),
		// A stream has a connection of its own, which ends with it.
		client.WithTTHeaderStreamingOptions(client.WithTTHeaderStreamingTransportOptions(ttstream.WithClientShortConnPool())),
		client.WithMiddleware(func(next endpoint.Endpoint) endpoint.Endpoint {
			return func(ctx context.Context, request, response any) error {
				if secret != "" {
					ctx = metainfo.WithPersistentValue(ctx, wire.SecretKey, secret)
				}
				return next(ctx, request, response)
			}
		}),
	}
	calls, err := client.NewClient(imservice.NewServiceInfo(), options...)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := imservice.NewClient("pullchat", options...)
	if err != nil {
		t.Fatal(err)
	}
	return peer{calls, streams}
}

// call calls a method with a request in JSON, to which the caller is added.
func (g peer) call(t *testing.T, method, request string, by *rpc.Caller) answer {
	t.Helper()
	if method == "Watch" {
		return g.watch(t, request)
	}
	info := imservice.NewServiceInfo().Methods[method]
	arguments, result := info.NewArgs(), info.NewResult()
	into := reflect.ValueOf(arguments).Elem().FieldByName("Req")
	into.Set(reflect.New(into.Type().Elem()))
	if err := json.Unmarshal(withCaller(t, request, by, into), into.Interface()); err != nil {
		t.Fatalf("%s %s: %v", method, request, err)
	}
	if err := g.calls.Call(t.Context(), method, arguments, result); err != nil {
		return answer{refusedKey(t, err), err.Error()}
	}
	said, err := json.Marshal(reflect.ValueOf(result).Elem().FieldByName("Success").Interface())
	if err != nil {
		t.Fatal(err)
	}
	return judge(t, said)
}

// batched says whether a request is a list of requests.
func batched(request reflect.Value) bool {
	return request.Elem().FieldByName("Requests").IsValid()
}

// withCaller adds who makes a request: in the field of older clients where into has one, otherwise in its Meta. One of a batch is
// put into a list.
func withCaller(t *testing.T, request string, by *rpc.Caller, into reflect.Value) []byte {
	t.Helper()
	object := map[string]any{}
	if request != "" {
		if err := json.Unmarshal([]byte(request), &object); err != nil {
			t.Fatalf("%s: %v", request, err)
		}
	}
	if batched(into) || into.Elem().FieldByName("Caller").IsValid() {
		object["caller"] = by
	} else {
		object["meta"] = map[string]any{"caller": by}
	}
	if batched(into) {
		object = map[string]any{"Requests": []any{object}}
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// refusedKey is the outcome where an rpc-server wants another secret. Kitex gives a stream the error's text only.
func refusedKey(t *testing.T, err error) string {
	t.Helper()
	var refusal *remote.TransError
	if errors.As(err, &refusal) && refusal.TypeID() == wire.SecretRefused || strings.Contains(err.Error(), "callers with its RPC_SECRET") {
		return "key"
	}
	t.Errorf("the call fails with %v, want an answer", err)
	return "failed"
}

func judge(t *testing.T, said []byte) answer {
	t.Helper()
	type response struct {
		Code *int32
		Msg  string
	}
	var one struct {
		response

		Responses []response
	}
	if err := json.Unmarshal(said, &one); err != nil {
		t.Fatal(err)
	}
	if len(one.Responses) > 0 {
		one.response = one.Responses[0]
	}
	switch {
	case one.Code == nil:
		t.Fatalf("the answer %s has no Code", said)
	case *one.Code == 0:
		return answer{"ok", string(said)}
	}
	return answer{wrong(strconv.Itoa(int(*one.Code)), one.Msg), string(said)}
}

// watch opens a stream and names chats, until it is told of one of them.
func (g peer) watch(t *testing.T, request string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream, err := g.streams.Watch(ctx)
	if err != nil {
		return answer{refusedKey(t, err), err.Error()}
	}
	var chats rpc.WatchRequest
	if err := json.Unmarshal([]byte(request), &chats); err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(ctx, &chats); err != nil {
		return answer{refusedKey(t, err), err.Error()}
	}
	for {
		response, err := stream.Recv(ctx)
		if err != nil {
			return answer{refusedKey(t, err), err.Error()}
		}
		if len(response.Events) > 0 {
			said, _ := json.Marshal(response)
			return answer{"ok", string(said)}
		}
	}
}
