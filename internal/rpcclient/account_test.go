package rpcclient

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
	"github.com/pullchat/pullchat/internal/names"
	"github.com/pullchat/pullchat/rpc-server/handler"
	"github.com/pullchat/pullchat/rpc-server/service"
)

// serveAccounts runs an rpc-server with accounts in memory until the test ends, and returns its address.
func serveAccounts(t *testing.T, clock *conformance.Clock) string {
	t.Helper()
	options := conformance.AccountLimits
	options.Now = clock.Now
	accounts := chat.NewAccountService(chattest.NewStore(chattest.StoreOptions{}), chat.Access{Names: names.Rules{}}, &chattest.PlainHasher{}, options)
	services := handler.Services{Messages: chattest.OneByOne{Service: &recording{}}, Live: chattest.Silent{}, Accounts: accounts}
	server, err := service.ListenOver(services, io.NopCloser(nil), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	run(t, server)
	return server.Addr().String()
}

func TestAccountsConform(t *testing.T) {
	t.Parallel()
	conformance.RunAccounts(t, func(t *testing.T, clock *conformance.Clock) conformance.AccountService {
		return connect(t, serveAccounts(t, clock))
	})
}

func TestAServerWithoutAccounts(t *testing.T) {
	t.Parallel()
	client := connect(t, serve(t, &recording{}, slog.New(slog.DiscardHandler)))
	for name, err := range accountCalls(t, client) {
		if chat.CodeOf(err) != chat.NotFound {
			t.Errorf("%s of a server without accounts = %v, want not_found", name, err)
		}
	}
}

// TestWhenAccountsAreAway: a call that may have succeeded does not return a definite failure.
func TestWhenAccountsAreAway(t *testing.T) {
	t.Parallel()
	client := connect(t, closing(t))
	for name, err := range accountCalls(t, client) {
		says := map[string]string{"Register": "it is unknown whether the account was made", "ChangePassword": "log in to see which password holds"}[name]
		if chat.CodeOf(err) != chat.Unavailable || !strings.Contains(err.Error(), says) {
			t.Errorf("%s of a server that closes = %v, want unavailable, %q", name, err, says)
		}
	}
}

func accountCalls(t *testing.T, client *Client) map[string]error {
	t.Helper()
	ctx := t.Context()
	_, register := client.Register(ctx, chat.Registration{User: "alice", Password: "correct horse"})
	_, account := client.Account(ctx, "alice")
	_, accounts := client.Accounts(ctx, chat.AccountsRequest{})
	_, known := client.Known(ctx, []string{"alice"})
	_, login := client.Login(ctx, chat.Credentials{User: "alice", Password: "correct horse"})
	_, refresh := client.Refresh(ctx, chat.RefreshRequest{Token: "alice.a.b"})
	return map[string]error{
		"Register": register, "Account": account, "Accounts": accounts, "Known": known, "Login": login, "Refresh": refresh,
		"Logout":         client.Logout(ctx, chat.LogoutRequest{RefreshToken: "alice.a.b"}),
		"ChangePassword": client.ChangePassword(ctx, chat.PasswordChange{User: "alice", Password: "a", NewPassword: "b"}),
	}
}
