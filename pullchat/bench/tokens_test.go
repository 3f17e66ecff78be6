package bench

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/http-server/gateway"
	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/token"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

const secret = "0123456789abcdef0123456789abcdef"

// serveAll runs a complete gateway over an embedded Redis, with the given AUTH, and returns its URL. readers may be
// nil.
func serveAll(t *testing.T, auth string, readers func(*chat.InboxService) handler.InboxService) string {
	t.Helper()
	store, err := storage.Open("redis://"+miniredis.RunT(t).Addr(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}
	access := chat.Access{Required: auth == "on", Rooms: store}
	config := gateway.Config{
		HTTPAddr: "127.0.0.1:0", MaxBodyBytes: 1 << 16, Auth: auth, Token: token.Config{AuthSecret: secret}, AccessTokenTTL: time.Hour,
	}
	core := chat.NewMessageService(store, access, limits)
	core.ReaderStore = store
	accounts := chat.NewAccountService(store, access, &chattest.PlainHasher{}, chat.AccountOptions{DefaultLimit: 10, MaxLimit: 100, SessionLasts: time.Hour})
	rooms := chat.NewRoomService(store, access, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 1000})
	services := chat.Services{Messages: core, Live: chattest.Silent{}, Accounts: accounts, Sessions: accounts, Rooms: rooms, Admission: rooms}
	inboxes := chat.NewInboxService(store, access, limits)
	if services.Inboxes = inboxes; readers != nil {
		services.Inboxes = readers(inboxes)
	}
	server, err := gateway.Listen(config, services, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chattest.Run(t, server)
	return "http://" + server.Addr().String()
}

func keysOf(t *testing.T, secret string) Tokens {
	t.Helper()
	keys, err := token.FromSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestEveryLoad: each kind of load works on each form of chats, with and without tokens.
func TestEveryLoad(t *testing.T) {
	for _, auth := range []string{"off", "on"} {
		url := serveAll(t, auth, nil)
		for kind, forms := range map[Kind][]Form{
			Send: {Open, Pairs, Private}, Pull: {Open, Pairs, Private}, Mixed: {Open, Pairs, Private}, Inbox: {""}, Unread: {""}, Login: {""},
		} {
			for _, form := range forms {
				t.Run(strings.Join([]string{auth, string(kind), string(form)}, " "), func(t *testing.T) {
					options := short(url, kind)
					// On a schedule without a warm-up, ten requests are counted on any machine.
					options.ChatsAre, options.Duration, options.Warmup, options.Rate = form, 100*time.Millisecond, 0, 100
					if auth == "on" {
						options.Tokens = keysOf(t, secret)
					}
					report, err := Run(t.Context(), options, io.Discard)
					if err != nil {
						t.Fatal(err)
					}
					if report.Succeeded == 0 || wrongly(report.Failed) > 0 || report.ReadBack.Faults() > 0 {
						t.Errorf("Run() = %+v, want successes and no fault", report)
					}
					if kind != Login && report.ReadBack.Acknowledged == 0 {
						t.Errorf("Run() = %+v, want something to read back", report)
					}
				})
			}
		}
	}
}

// TestTokensAreNeeded: a load without tokens, or with another key's, fails.
func TestTokensAreNeeded(t *testing.T) {
	url := serveAll(t, "on", nil)
	options := short(url, Send)
	options.NoReadBack, options.ChatsAre = true, Pairs
	for name, tokens := range map[string]Tokens{"none": nil, "of another key": keysOf(t, strings.ToUpper(secret))} {
		options.Tokens = tokens
		if report, err := Run(t.Context(), options, io.Discard); err != nil || report.Succeeded > 0 || report.Failed["401"] == 0 {
			t.Errorf("Run() with tokens: %s = %+v, %v; want all refused", name, report, err)
		}
	}
}

// TestEachPairHasItsOwner: each chat has one owner.
func TestEachPairHasItsOwner(t *testing.T) {
	for _, c := range []struct{ connections, chats int }{{1, 1}, {4, 4}, {4, 5}, {4, 7}, {3, 100}} {
		r := &run{Options: Options{Kind: Send, ChatsAre: Pairs, Connections: c.connections, Chats: c.chats}, name: "x"}
		drawn := map[int]bool{}
		for n := range c.connections {
			w := &worker{number: n, random: newRandom(n)}
			for range 2000 {
				chat := r.draw(w)
				if drawn[chat] = true; r.owner(chat) != senderName(n) || chat >= c.chats {
					t.Fatalf("connection %d of %d draws chat %d of %d, of %s", n, c.connections, chat, c.chats, r.owner(chat))
				}
			}
		}
		if len(drawn) != c.chats {
			t.Errorf("%d connections draw %d of %d chats", c.connections, len(drawn), c.chats)
		}
	}
}

// forgetful omits a chat from every answer.
type forgetful struct{ *chat.InboxService }

func (f forgetful) Inbox(ctx context.Context, r chat.InboxRequest) (chat.Inbox, error) {
	inbox, err := f.InboxService.Inbox(ctx, r)
	inbox.Entries = inbox.Entries[1:]
	return inbox, err
}

func (f forgetful) Unread(ctx context.Context, r chat.UnreadRequest) (chat.UnreadPage, error) {
	unread, err := f.InboxService.Unread(ctx, r)
	unread.Chats = unread.Chats[1:]
	return unread, err
}

func TestInboxesThatLackAChat(t *testing.T) {
	url := serveAll(t, "off", func(all *chat.InboxService) handler.InboxService { return forgetful{all} })
	for _, kind := range []Kind{Inbox, Unread} {
		if report, err := Run(t.Context(), short(url, kind), io.Discard); err != nil || report.ReadBack.WrongPages == 0 {
			t.Errorf("Run(%s) = %+v, %v; want wrong pages found", kind, report, err)
		}
	}
}
