package gateway

import (
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/reload"
)

// reloadable has the settings that Reload changes while requests are served, beside the origins and the access log of
// the listener.
type reloadable struct {
	requests, sends, signals *ratelimit.Limiter
	guesses                  ratelimit.Guesses
	registrations            ratelimit.Registrations
	hosts                    *request.List
	ownHosts                 []string            // that are allowed where none are configured; empty is all
	certificate              *reload.Certificate // or nil
}

func newReloadable(config Config, c *reload.Certificate) reloadable {
	guesses := ratelimit.NewGuesses(nil, config.LoginRate)
	guesses.Refused = config.refused("logins")
	registrations := ratelimit.NewRegistrations(nil, config.Registration, config.RegistrationRate)
	registrations.Refused = config.refused("registrations")
	return reloadable{
		requests:      config.limiter(config.RateLimit, "requests"),
		sends:         config.limiter(config.RateLimit, "senders"),
		signals:       config.limiter(config.SignalRate, "signals"),
		guesses:       guesses,
		registrations: registrations,
		hosts:         request.NewList(config.AllowedHosts),
		certificate:   c,
	}
}

// Reload takes the settings of next that need no restart, those with the tag reload, and reads the certificate and the file of
// keys again if they have changed. next is valid.
func (s *Server) Reload(next Config) {
	s.live.requests.SetRate(next.RateLimit)
	s.live.sends.SetRate(next.RateLimit)
	s.live.signals.SetRate(next.SignalRate)
	s.live.guesses.SetRate(next.LoginRate)
	s.live.registrations.SetRate(next.RegistrationRate)
	s.listener.origins.Set(next.AllowedOrigins)
	s.listener.access.Set(next.AccessLog)
	s.setHosts(next.AllowedHosts)
	if s.keys != nil {
		s.keys.Reload(next.Token)
	}
	if s.live.certificate != nil {
		s.live.certificate.Refresh()
	}
}

func (s *Server) setHosts(hosts []string) {
	if len(hosts) == 0 {
		hosts = s.live.ownHosts
	}
	s.live.hosts.Set(hosts)
}
