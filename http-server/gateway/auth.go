package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/cloudwego/hertz/pkg/app/server"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/http-server/ratelimit"
	"github.com/pullchat/pullchat/http-server/token"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/loopback"
	"github.com/pullchat/pullchat/internal/rpcclient"
)

// AccountService are the accounts and their sessions: chat.AccountService behind RPC.
type AccountService interface {
	chat.Accounts
	chat.Sessions
}

var errNoKey = errors.New(
	"--auth=on needs --auth-secret (AUTH_SECRET) or --auth-key-file (AUTH_KEY_FILE), a key to sign tokens with")

// authKeys returns the keys of tokens, or nil where none are configured; and says what AUTH=off means.
func authKeys(config Config, log *slog.Logger) (*token.Keys, error) {
	if config.Auth != authOn {
		log.Info("AUTH is off: requests name their sender, and nobody checks")
	} else if !config.Token.Given() {
		return nil, errNoKey
	} else if config.AccessTokenTTL >= chat.DeletionSettles {
		log.Warn("access tokens last longer than deletions take: who deletes herself may leave something with one", "lasts", config.AccessTokenTTL)
	}
	return config.Token.Keys(log)
}

// warnOpen says that others than this machine may say who they are.
func warnOpen(config Config, addr net.Addr, log *slog.Logger) {
	if tcp, ok := addr.(*net.TCPAddr); ok && config.Auth != authOn && !tcp.IP.IsLoopback() {
		log.Warn("AUTH is off and HTTP listens for other machines too: whoever reaches this address may read and write as anybody; "+
			"set AUTH=on, or HTTP_ADDR=127.0.0.1:8080", "addr", addr.String())
	}
}

// CheckTrust refuses to believe rpc-servers, and to be believed by them, over a network without a secret.
func CheckTrust(config Config, rpc rpcclient.Config) error {
	if config.Auth != authOn || rpc.RPCSecret != "" {
		return nil
	}
	for _, addr := range rpc.RPCServers {
		if !loopback.Is(addr) {
			return fmt.Errorf("--auth=on needs --rpc-secret (RPC_SECRET), the same as at the rpc-servers: %s may be another machine", addr)
		}
	}
	return nil
}

// people returns the handlers of accounts.
func (s *Server) people(h *handler.Handler) *handler.AccountService {
	var sessions chat.Sessions = s.AccountService
	if s.config.LoginRate.Requests > 0 {
		sessions = ratelimit.NewGuesses(sessions, s.config.LoginRate)
	}
	tokens := handler.Tokens{Lasts: s.config.AccessTokenTTL}
	if s.keys != nil {
		tokens.Sign = s.keys.ForUser
	}
	accounts := ratelimit.NewRegistrations(s.AccountService, s.config.Registration, s.config.RegistrationRate)
	return handler.NewAccountService(h, accounts, sessions, tokens)
}

// authenticate adds the middleware that finds out who makes a request.
func (s *Server) authenticate(engine *server.Hertz) {
	if counted := s.countedByAddress(); len(counted) > 0 {
		engine.Use(middleware.Client(s.config.TrustedProxies, counted...))
	}
	if s.config.Auth == authOn {
		engine.Use(middleware.Authenticate(s.keys.Verify))
	}
}

// countedByAddress are the routes that count by themselves what comes from an address.
func (s *Server) countedByAddress() (routes []string) {
	if s.config.LoginRate.Requests > 0 || s.config.RegistrationRate.Requests > 0 {
		routes = append(routes, withPassword...)
	}
	if s.config.Auth == authOn { // who sends and signals is known
		return routes
	}
	if s.config.AddressStreams > 0 || s.config.AddressFollowedChats > 0 {
		routes = append(routes, "/api/stream", "/api/ws")
	}
	if s.config.SignalRate.Requests > 0 {
		routes = append(routes, "/api/signal", "/api/ws")
	}
	if s.config.RateLimit.Requests > 0 && s.config.RateLimitBy == "user" {
		routes = append(routes, "/api/send", "/api/ws")
	}
	return routes
}

// withPassword are the routes of ratelimit.Guesses and ratelimit.Registrations: each takes a password.
var withPassword = []string{"/api/login", "/api/password", "/api/users/me", "/api/users"}

// nobody is the AccountService of a gateway without accounts.
type nobody struct{}

func errNobody() error { return chat.Errorf(chat.NotFound, "this http-server has no accounts") }

func (nobody) Register(context.Context, chat.Registration) (chat.Account, error) {
	return chat.Account{}, errNobody()
}

func (nobody) Account(context.Context, string) (chat.Account, error) {
	return chat.Account{}, errNobody()
}

func (nobody) Accounts(context.Context, chat.AccountsRequest) (chat.AccountPage, error) {
	return chat.AccountPage{}, errNobody()
}

func (nobody) Known(context.Context, []string) ([]chat.Account, error) { return nil, errNobody() }

func (nobody) Login(context.Context, chat.Credentials) (chat.Session, error) {
	return chat.Session{}, errNobody()
}

func (nobody) Refresh(context.Context, chat.RefreshRequest) (chat.Session, error) {
	return chat.Session{}, errNobody()
}

func (nobody) Logout(context.Context, chat.LogoutRequest) error { return errNobody() }

func (nobody) ChangePassword(context.Context, chat.PasswordChange) error { return errNobody() }

func (nobody) DeleteAccount(context.Context, chat.Deletion) (bool, error) { return false, errNobody() }
