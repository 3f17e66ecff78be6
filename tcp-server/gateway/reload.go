package gateway

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/reload"
)

// reloadable has the settings that Reload changes while clients are served.
type reloadable struct {
	sends, signals *ratelimit.Limiter
	guesses        ratelimit.Guesses
	registrations  ratelimit.Registrations
	certificate    *reload.Certificate // or nil
}

func newReloadable(config Config) reloadable {
	r := reloadable{
		sends: ratelimit.New(config.RateLimit), signals: ratelimit.New(config.SignalRate),
		guesses:       ratelimit.NewGuesses(nil, config.LoginRate),
		registrations: ratelimit.NewRegistrations(nil, config.Registration, config.RegistrationRate),
	}
	r.sends.Refused, r.signals.Refused = config.refused("senders"), config.refused("signals")
	r.guesses.Refused, r.registrations.Refused = config.refused("logins"), config.refused("registrations")
	return r
}

// refused returns a function that counts a refusal of a kind, as an http-server does.
func (c Config) refused(kind string) func() { return func() { c.Metrics.Refusal(kind) } }

// Reload takes the settings of next that need no restart, those with the tag reload, and reads the certificate and the file of
// keys again if they have changed. next is valid.
func (s *Server) Reload(next Config) {
	s.live.sends.SetRate(next.RateLimit)
	s.live.signals.SetRate(next.SignalRate)
	s.live.guesses.SetRate(next.LoginRate)
	s.live.registrations.SetRate(next.RegistrationRate)
	if s.keys != nil {
		s.keys.Reload(next.Token)
	}
	if s.live.certificate != nil {
		s.live.certificate.Refresh()
	}
}

// limited returns the services of clients, within the configured rates.
func (s *Server) limited() chat.Services {
	services := s.services
	services.Messages = ratelimit.Senders{Service: services.Messages, Limiter: s.live.sends}
	services.Live = ratelimit.Signals{Live: services.Live, Limiter: s.live.signals}
	if services.Sessions != nil {
		services.Sessions = ratelimit.LoginOutcomes{Sessions: s.live.guesses.Over(services.Sessions), Tell: s.config.Metrics.Login}
	}
	if services.Accounts != nil {
		services.Accounts = s.live.registrations.Over(services.Accounts)
	}
	return services
}
