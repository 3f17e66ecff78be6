package gateway

import (
	"log/slog"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/ratelimit"
	"github.com/pullchat/pullchat/internal/token"
)

// callers are the tokens of a service, a user and neither.
func callers(t *testing.T) map[string]string {
	t.Helper()
	keys, err := token.Config{AuthSecret: authSecret}.Keys(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	user, err := keys.ForUser("bob", "a session", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	service, err := keys.ForService("ops", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"nobody": "", "nonsense": "nonsense", "user": user, "service": service}
}

// TestWhoMayRegister: REGISTRATION says who, and the answer says so too.
func TestWhoMayRegister(t *testing.T) {
	t.Parallel()
	tokens := callers(t)
	for _, c := range []struct {
		registration, as string
		status           int
		has              string
	}{
		{"open", "nobody", 201, ""},
		{"", "nobody", 201, ""},
		{"open", "user", 201, ""},
		{"open", "nonsense", 201, ""},
		{"closed", "nobody", 403, "registration is closed"},
		{"closed", "service", 403, "registration is closed"},
		{"service", "nobody", 403, "only a service registers users"},
		{"service", "user", 403, "only a service registers users"},
		{"service", "nonsense", 403, "only a service registers users"},
		{"service", "service", 201, ""},
	} {
		t.Run(c.registration+" "+c.as, func(t *testing.T) {
			a := startAuth(t, Config{Registration: c.registration, Auth: authOn, Token: token.Config{AuthSecret: authSecret}})
			a.do("POST /api/users", `{"user":"anna","password":"correct horse"}`, tokens[c.as], c.status, c.has)
		})
	}
}

// TestRegistrationsAreCounted: by the client's address; those of services are not. Logins go on.
func TestRegistrationsAreCounted(t *testing.T) {
	t.Parallel()
	a := startAuth(t, Config{
		Auth: authOn, Token: token.Config{AuthSecret: authSecret},
		RegistrationRate: ratelimit.Rate{Requests: 2, Per: time.Hour},
	})
	a.register("anna", "bela")
	a.do("POST /api/users", `{"user":"cora","password":"correct horse"}`, "", 429, "too many registrations")
	a.do("POST /api/users", `{"user":"cora","password":"correct horse"}`, callers(t)["service"], 201, "cora")
	a.login("anna")
}
