package gateway

import (
	"context"
	"errors"
	"log/slog"

	"github.com/cloudwego/hertz/pkg/app/server"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/http-server/ratelimit"
	"github.com/pullchat/pullchat/http-server/token"
	"github.com/pullchat/pullchat/internal/chat"
)

// People are the accounts and their sessions: chat.People behind RPC.
type People interface {
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

// people returns the handlers of accounts.
func (s *Server) people(h *handler.Handler) *handler.People {
	var sessions chat.Sessions = s.People
	if s.config.LoginRate.Requests > 0 {
		sessions = ratelimit.NewGuesses(sessions, s.config.LoginRate)
	}
	tokens := handler.Tokens{Lasts: s.config.AccessTokenTTL}
	if s.keys != nil {
		tokens.Sign = s.keys.ForUser
	}
	return handler.NewPeople(h, s.People, sessions, tokens)
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

// countedByAddress are the routes of those who count by themselves what comes from an address.
func (s *Server) countedByAddress() (routes []string) {
	if s.config.LoginRate.Requests > 0 {
		routes = append(routes, withPassword...)
	}
	if s.config.Auth == authOn { // who sends and signals is known
		return routes
	}
	if s.config.AddressStreams > 0 {
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

// withPassword are the routes of ratelimit.Guesses: each takes a password, which may be a guess.
var withPassword = []string{"/api/login", "/api/password", "/api/users/me"}

// nobody is the People of a gateway without accounts.
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
