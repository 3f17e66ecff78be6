// Package service assembles an rpc-server: storage, the domain's rules over it, Kitex in front.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cloudwego/kitex/pkg/limit"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/server"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/buildinfo"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/deletion"
	"github.com/pullchat/pullchat/internal/emoji"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/metrics"
	"github.com/pullchat/pullchat/internal/names"
	"github.com/pullchat/pullchat/internal/tracing"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/password"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// drainTimeout bounds how long a stop waits for calls under way; each has a shorter deadline of its own.
const drainTimeout = 5 * time.Second

// maxConnections are far more than gateways keep: two, and a few when they begin. Further ones are closed.
const maxConnections = 10_000

// Server is an rpc-server that listens.
type Server struct {
	log      *slog.Logger
	listener *listener
	handler  *handler.Handler
	store    io.Closer
	secret   string // that is asked for; "" is none
	deleter  io.Closer
	jobs     []background.Job // that run beside the requests
	metrics  *metrics.Service // or nil
	traces   *tracing.Tracing // or nil
	// DrainDelay is how long Ping sends gateways elsewhere before a stop stops accepting.
	DrainDelay time.Duration
}

// Listen opens the store and the listener. Redis need not be there: calls are Unavailable until it is. If it is
// there and laid out for another number of partitions, the error wraps storage.ErrPartitions.
func Listen(ctx context.Context, config Config, log *slog.Logger) (*Server, error) {
	if err := config.Trust.Check(config.RPCAddr); err != nil {
		return nil, err
	}
	redisnode.LogTo(log)
	options := config.storage()
	options.Metrics, options.Traces = config.Metrics, config.Traces
	kept, err := config.Files.open()
	if err != nil {
		return nil, err
	}
	store, err := storage.Open(config.RedisURL, options)
	if err != nil {
		return nil, err
	}
	switch err := store.CheckPartitions(ctx); {
	case errors.Is(err, storage.ErrPartitions):
		return nil, errors.Join(err, store.Close())
	case err != nil:
		log.Warn("redis is not there yet; calls are refused until it is", "error", err)
	}
	services, deleter, jobs := newServices(store, kept, config, log)
	server, err := ListenOver(services, store, config.RPCAddr, log)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	server.DrainDelay, server.secret = config.RPCDrainDelay, config.Trust.RPCSecret
	server.deleter, server.metrics, server.traces = deleter, config.Metrics, config.Traces
	server.jobs = append(jobs,
		store.KeepRetention(), store.FollowRetentions(), store.ReadRevoked(), store.KeepCompact(log), store.DropEmpty(log))
	return server, nil
}

// newServices builds the domain over its stores, and its background jobs. files is nil without a store of files.
func newServices(
	store *storage.Store, files chat.FileStore, config Config, log *slog.Logger,
) (handler.Services, *deletion.Deleter, []background.Job) {
	access := chat.Access{
		Required: config.Trust.identified(), Rooms: store, Users: store, Spender: store, Names: names.Rules{}, Revoked: store.Revoked,
	}
	hasher := password.New()
	accounts := chat.NewAccountService(store, access, hasher, config.accountOptions())
	accounts.IsSuspended = store.IsSuspended
	roomOptions := config.rooms()
	roomOptions.CheckSession, roomOptions.Auditor = accounts.CheckSession, store
	rooms := chat.NewRoomService(store, access, roomOptions)
	deleter := deletion.New(store, rooms, func(user string, err error) {
		if user == "" {
			log.Warn("cannot search for unfinished deletions; retrying", "error", err)
			return
		}
		log.Warn("a deletion is not complete; retrying", "user", user, "error", err)
	})
	deleter.Observe = config.Metrics.Job
	accounts.Deleter = deleter
	attachments := chat.NewAttachmentService(store, access, files, config.Files.options())
	messages := chat.NewMessageService(store, access, config.limits())
	messages.ReaderStore, messages.Files = store, attachments
	changes := chat.NewChangeService(store, access, config.limits())
	changes.Readers, changes.Emoji, changes.Auditor = store, emoji.Is, store
	jobs := []background.Job{deleter.Search(), keepLooks(store, access.Names, log)}
	if files != nil {
		jobs = append(jobs, settleFiles(attachments, log))
	}
	return handler.Services{
		Messages: messages, Changes: changes, Rooms: rooms, Accounts: accounts, Attachments: attachments,
		Live:        chat.NewLiveService(store, access),
		Inboxes:     chat.NewInboxService(store, access, config.limits()),
		Projections: chat.NewProjectionService(store, access),
		Words:       chat.NewWordService(store, access, chat.WordOptions{Fold: names.Fold, Keep: config.WordsKeep}),
		Webhooks:    chat.NewWebhookService(store, access, config.Webhooks.options()),
		Pushes:      chat.NewPushService(store, access),
		Moderation:  chat.NewModerationService(store, access, hasher, config.reports()),
		Deliveries:  chat.NewDeliveryService(store, access),
	}, deleter, jobs
}

// ListenOver is Listen for services that exist already; store is closed when the server has stopped.
func ListenOver(services handler.Services, store io.Closer, addr string, log *slog.Logger) (*Server, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("rpc-addr: %w", err)
	}
	inner, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("rpc-addr: %w", err)
	}
	listener, err := newListener(inner)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rpc-addr: %w", err), inner.Close())
	}
	return &Server{log: log, listener: listener, handler: handler.New(services, log), store: store}, nil
}

// Addr is where the server listens, with its real port.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends. Then it tells gateways to call others, for DrainDelay; it ends their streams, stops
// accepting, lets the calls under way finish, and closes. It is called once.
func (s *Server) Run(ctx context.Context) error {
	stop := make(chan error, 1)
	kitex := imservice.NewServer(s.handler,
		server.WithListener(s.listener),
		server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "pullchat"}),
		server.WithLimit(&limit.Option{MaxConnections: maxConnections}),
		server.WithExitWaitTime(drainTimeout),
		server.WithMiddleware(s.metrics.Middleware()),
		server.WithMiddleware(askSecret(s.secret)),
		server.WithMiddleware(traced(s.traces)), // only callers that know the secret are believed
		server.WithExitSignal(func() <-chan error { return stop }),
	)
	ended := make(chan struct{})
	defer close(ended)
	var running sync.WaitGroup
	defer running.Wait()
	beside, end := context.WithCancel(ctx)
	defer end() // also where the server fails
	for i := range s.jobs {
		s.jobs[i].Observe = s.metrics.Job
	}
	running.Go(func() { _ = background.Run(beside, s.jobs...) })
	release := context.AfterFunc(ctx, func() {
		s.handler.Leave()
		<-time.After(s.DrainDelay)
		select {
		case <-s.listener.serving: // stopped before, Kitex would serve afterwards, on a descriptor that is gone
			s.handler.EndWatches() // Kitex waits for them as for calls under way
			stop <- nil
		case <-ended:
		}
	})
	defer release()
	s.log.Info("rpc-server listens", "addr", s.Addr().String(), "version", buildinfo.Get().Version)
	err := kitex.Run()
	s.log.Info("rpc-server stopped")
	return errors.Join(err, s.Close())
}

// keepLooks gives the accounts of earlier releases the looks under which they are unique.
func keepLooks(store chat.LookStore, names chat.Names, log *slog.Logger) background.Job {
	return background.Job{
		Name: "looks", Every: time.Minute, Timeout: time.Hour, // FillLooks reads all accounts, once a day
		Step: func(ctx context.Context) error { return chat.FillLooks(ctx, store, names) },
		Failed: func(err error) {
			if chat.CodeOf(err) == chat.Unavailable { // Redis is away
				log.Debug("cannot index look-alike names yet; retrying", "error", err)
				return
			}
			log.Warn("cannot index look-alike names; retrying", "error", err)
		},
	}
}

// Close releases what Listen opened; for a Server that is not run.
func (s *Server) Close() error {
	var deletions error
	if s.deleter != nil {
		deletions = s.deleter.Close()
	}
	return errors.Join(s.listener.Close(), s.listener.release(), deletions, s.store.Close())
}
