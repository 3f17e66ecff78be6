package rpcclient

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/remote/trans/ttstream"
	"github.com/cloudwego/kitex/transport"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/events"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/internal/wire"
)

// batching gathers the calls of concurrent requests to one rpc-server. Two under way keep it busy while answers travel; a
// request is answered within two seconds. A burst may queue up. Under a lasting overload the queue is two batches long and
// other calls are refused at once, so accepted calls keep their latency.
var batching = batch.Options{
	InFlight: 2, MaxBatch: 128, MaxQueue: 256, MaxBurst: 8192, MaxWait: answerWithin,
}

// maxMessages is how many messages the pulls of one call may ask for: an answer of a few megabytes at most.
const maxMessages = 1500

// messages is how many a pull may return, as far as a gateway knows: an rpc-server has its own default and maximum.
func messages(r *rpc.PullRequest) int {
	const usual = 10
	if r.Limit <= 0 {
		return usual
	}
	return min(int(r.Limit), 100)
}

// server is one rpc-server: an address. It gathers its own batches, so that one that hangs holds up only those
// who wait for it.
type server struct {
	addr  string
	kitex imservice.Client
	sends *batch.Batcher[wire.Sending, *rpc.SendResponse]
	pulls *batch.Batcher[*rpc.PullRequest, *rpc.PullResponse]

	calls atomic.Int64 // that wait for it
	away  atomic.Bool  // it does not answer, or is about to stop: others are asked while there are any
	stop  context.CancelFunc
	look  chan struct{} // one element: probe it now

	// serving: the last probe was answered, and the server is not about to stop. Unlike away it does not change with
	// every call that fails: the chats of a stream are many to move.
	serving atomic.Bool
	changed *broadcast // notified when serving changes
}

func newServer(addr, secret string, measure *metrics.Client, traces *tracing.Tracing) (*server, error) {
	kitex, err := imservice.NewClient("pullchat",
		client.WithHostPorts(addr),
		client.WithMiddleware(giveSecret(secret)),
		client.WithMiddleware(measure.Middleware()),
		client.WithMiddleware(traced(traces, addr)),
		client.WithTransportProtocol(transport.TTHeader|transport.TTHeaderStreaming), // for calls, and for streams
		client.WithRPCTimeout(callTimeout),
		client.WithConnectTimeout(connectTimeout),
		client.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: 256, MaxIdleGlobal: 1024, MaxIdleTimeout: time.Minute}),
		// A stream has a connection of its own. (Kitex's shared ones do not survive a dial that fails: its lock stays held.)
		client.WithTTHeaderStreamingOptions(client.WithTTHeaderStreamingTransportOptions(ttstream.WithClientShortConnPool())),
	)
	if err != nil {
		return nil, fmt.Errorf("rpc client of %s: %w", addr, err)
	}
	s := &server{addr: addr, kitex: kitex, look: make(chan struct{}, 1), changed: newBroadcast()}
	sends, pages := batching, batching
	sends.Observer, pages.Observer = measure.Batcher("rpc_send"), measure.Batcher("rpc_pull")
	sends.Tracer, pages.Tracer = traces.Batcher("rpc_send"), traces.Batcher("rpc_pull")
	s.sends = batch.New(sends, s.flushSends)
	pages.MaxBatch = maxMessages
	s.pulls = batch.NewWeighed(pages, messages, s.flushPulls)
	return s, nil
}

// How often a server is asked whether it takes calls, also one that is away, and how long it has to say so.
const (
	probeEvery   = 200 * time.Millisecond
	probeTimeout = 500 * time.Millisecond
)

// watch probes the server until ctx ends. Calls that wait for a server without an answer are sent to another one, if
// one answers.
func (s *server) watch(ctx context.Context, another func(*server) bool) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.look:
		}
		if err := s.probe(ctx); err != nil && another(s) {
			s.sends.Evict()
			s.pulls.Evict()
		}
	}
}

// probe asks the server whether it takes calls. The error is that it does not answer.
func (s *server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	response, err := s.kitex.Ping(ctx, &rpc.PingRequest{})
	serving := err == nil && wire.PingOf(response) == nil
	s.away.Store(!serving)
	if s.serving.Swap(serving) != serving {
		s.changed.notify()
	}
	return err
}

// leave takes calls elsewhere until the server has answered a probe.
func (s *server) leave() {
	s.away.Store(true)
	s.lookNow()
}

// lookNow has the server probed before its turn.
func (s *server) lookNow() { events.Ring(s.look) }

func (s *server) flushSends(ctx context.Context, all []wire.Sending, out []batch.Result[*rpc.SendResponse]) {
	if len(all) == 1 { // a batch of one costs more than the request alone
		one := &all[0]
		out[0].Value, out[0].Err = s.kitex.Send(ctx, wire.SendRequest(one.Message, one.By, one.RequestID))
		return
	}
	response, err := s.kitex.SendBatch(ctx, wire.SendBatchRequest(all))
	if err != nil {
		fail(out, err)
		return
	}
	deliver(response.Responses, out)
}

func (s *server) flushPulls(ctx context.Context, requests []*rpc.PullRequest, out []batch.Result[*rpc.PullResponse]) {
	if len(requests) == 1 {
		out[0].Value, out[0].Err = s.kitex.Pull(ctx, requests[0])
		return
	}
	// Kitex may read a request after it has given up on it, when the slice is already used for the next batch.
	response, err := s.kitex.PullBatch(ctx, &rpc.PullBatchRequest{Requests: slices.Clone(requests)})
	if err != nil {
		fail(out, err)
		return
	}
	deliver(response.Responses, out)
}

func deliver[R any](responses []R, out []batch.Result[R]) {
	if len(responses) != len(out) {
		fail(out, fmt.Errorf("%d responses to %d requests", len(responses), len(out)))
		return
	}
	for i := range out {
		out[i].Value = responses[i]
	}
}

func fail[R any](out []batch.Result[R], err error) {
	for i := range out {
		out[i].Err = err
	}
}
