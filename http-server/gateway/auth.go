package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/cloudwego/hertz/pkg/app/server"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/http-server/middleware"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/identity"
	"github.com/pullchat/pullchat/internal/loopback"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/rpcclient"
	"github.com/pullchat/pullchat/internal/token"
)

var errNoKey = errors.New(
	"--auth=on needs --auth-secret (AUTH_SECRET) or --auth-key-file (AUTH_KEY_FILE), a key to sign tokens with")

// authKeys returns the keys of tokens, or nil if none are configured. It logs the meaning of AUTH=off.
func authKeys(config Config, log *slog.Logger) (*token.Keys, error) {
	if config.Auth != authOn {
		log.Info("AUTH is off: requests name their sender, and the server does not check it")
	} else if !config.Token.Given() && !config.Identity.PasswordsOff() {
		return nil, errNoKey
	} else if config.AccessTokenTTL >= chat.DeletionSettles {
		log.Warn("access tokens live longer than deletions take: data of a deleted user who still holds a token may remain", "lasts", config.AccessTokenTTL)
	}
	return config.Token.Keys(log)
}

// warnOpen says that others than this machine may say who they are.
func warnOpen(config Config, addr net.Addr, log *slog.Logger) {
	if tcp, ok := addr.(*net.TCPAddr); ok && config.Auth != authOn && !tcp.IP.IsLoopback() {
		log.Warn("AUTH is off and HTTP listens for other machines too: every client that reaches this address may read and write as any user; "+
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

// accounts returns the handlers of accounts.
func (s *Server) accounts(h *handler.Handler, sessions chat.Sessions) *handler.Accounts {
	tokens := handler.Tokens{
		Lasts: s.config.AccessTokenTTL, Without: chat.Errorf(chat.NotFound, "this server gives no tokens: its AUTH_SECRET, or AUTH_KEY_FILE, is not set"),
	}
	if s.keys != nil {
		tokens.Sign = s.keys.ForUser
	}
	accounts := chat.Accounts(s.live.registrations.Over(s.services.Accounts))
	if s.config.Identity.PasswordsOff() {
		accounts, tokens.Without = identity.WithoutRegistrations(accounts), identity.ErrNoPasswords
	}
	return handler.NewAccounts(h, accounts, sessions, tokens)
}

// verify returns the verifier of tokens, and a function that ends its background work.
func (s *Server) verify() (verify identity.Verify, end func()) {
	return identity.VerifyWith(s.config.Identity, s.keys, s.services.Accounts, s.log)
}

// sessions are within the rate that is set for wrong passwords.
func (s *Server) sessions() chat.Sessions {
	if s.services.Sessions == nil {
		return nil
	}
	if s.config.Identity.PasswordsOff() {
		return identity.NoPasswords{Sessions: s.services.Sessions}
	}
	guesses := s.live.guesses.Over(s.services.Sessions)
	if s.config.Metrics == nil {
		return guesses
	}
	return ratelimit.LoginOutcomes{Sessions: guesses, Tell: s.config.Metrics.Login}
}

// admission knows which callers may enter which chats. It is nil where callers are unknown.
func (s *Server) admission() chat.Admission {
	if s.config.Auth != authOn {
		return nil
	}
	return s.services.Admission
}

// authenticate adds the middleware that identifies the caller of a request.
func (s *Server) authenticate(engine *server.Hertz, all []route, sessions chat.Sessions, verify identity.Verify) {
	counted := pathsOf(all, func(r route) bool {
		return s.countsByAddress(r.counts) || r.access == password && s.countsByAddress(passwords)
	})
	if len(counted) > 0 {
		engine.Use(middleware.Client(s.config.TrustedProxies, counted...))
	}
	if s.config.Auth == authOn {
		identify := middleware.Identify{Token: verify}
		if sessions != nil {
			identify.Password = newCheckedPasswords(sessions, s.config.AccessTokenTTL).check
		}
		engine.Use(middleware.Authenticate(accessOf(all), identify))
	}
}

// countsByAddress reports whether requests of a kind may count for the address of their client.
func (s *Server) countsByAddress(c counts) bool {
	named := s.config.Auth != authOn // the sender is unknown
	switch c {
	case passwords:
		return true
	case streams:
		return named && (s.config.AddressStreams > 0 || s.config.AddressFollowedChats > 0)
	case sockets:
		return s.countsByAddress(streams) || named && (s.countsByAddress(signals) || s.countsByAddress(sends))
	case signals:
		return named
	case sends:
		return named && s.config.RateLimitBy == "user"
	}
	return false
}
