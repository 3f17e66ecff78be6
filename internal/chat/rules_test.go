package chat_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/conformance"
)

// domain is every service over a store in memory, with AUTH on. Its clock stands still until a test moves it.
type domain struct {
	chattest.Domain
	store *chattest.Store
	clock *conformance.Clock
}

// newDomain returns a domain whose options a test may change.
func newDomain(t *testing.T, change func(*chattest.DomainOptions)) domain {
	t.Helper()
	clock := conformance.NewClock()
	options := conformance.DomainOptions(conformance.Options{Clock: clock})
	if change != nil {
		change(&options)
	}
	store := chattest.NewStore(chattest.StoreOptions{Clock: clock.Now, NewChats: options.Rooms.NewChats})
	d := domain{chattest.NewDomain(store, options), store, clock}
	t.Cleanup(func() { _ = d.Deleter.Close() })
	return d
}

// as returns the context of a user's request.
func as(user string) context.Context {
	return chat.WithCaller(context.Background(), chat.Caller{User: user})
}

// asService returns the context of a service's request.
func asService() context.Context {
	return chat.WithCaller(context.Background(), chat.Caller{User: "backend", Service: true})
}

// register gives users accounts.
func (d domain) register(t *testing.T, users ...string) {
	t.Helper()
	for _, user := range users {
		if _, err := d.Accounts.Register(t.Context(), chat.Registration{User: user, Password: goodPassword}); err != nil {
			t.Fatalf("Register(%s) = %v", user, err)
		}
	}
}

// create creates a room of users with accounts.
func (d domain) create(t *testing.T, user, room string, v chat.Visibility, users ...string) {
	t.Helper()
	if _, err := d.Rooms.CreateRoom(as(user), chat.NewRoom{ID: room, Visibility: v, Users: users}); err != nil {
		t.Fatalf("CreateRoom(%s) = %v", room, err)
	}
}

const goodPassword = "correct horse"

// wantCode checks the code of an error.
func wantCode(t *testing.T, what string, err error, want chat.Code) {
	t.Helper()
	if got := chat.CodeOf(err); got != want {
		t.Errorf("%s = %v, want code %q", what, err, want)
	}
}

// failing is a store whose methods fail while failure is set.
type failing struct {
	*chattest.Store
	failure atomic.Pointer[error]
	calls   atomic.Int64
}

func newFailing() *failing {
	return &failing{Store: chattest.NewStore(chattest.StoreOptions{})}
}

// fail makes methods fail with err; nil ends it.
func (f *failing) fail(err error) {
	if err == nil {
		f.failure.Store(nil)
		return
	}
	f.failure.Store(&err)
}

func (f *failing) err() error {
	f.calls.Add(1)
	if err := f.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *failing) ReadRooms(ctx context.Context, q []chat.RoomQuery) ([]chat.StoredRoom, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.ReadRooms(ctx, q)
}

func (f *failing) EditRoom(ctx context.Context, e chat.RoomEdit) (chat.EditOutcome, int64, error) {
	if err := f.err(); err != nil {
		return 0, 0, err
	}
	return f.Store.EditRoom(ctx, e)
}

func (f *failing) ListRooms(ctx context.Context, user, from string, limit int) ([]string, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.ListRooms(ctx, user, from, limit)
}

func (f *failing) ListPublic(ctx context.Context, from string, limit int) ([]string, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.ListPublic(ctx, from, limit)
}

func (f *failing) Lists(ctx context.Context, user string) ([]chat.ID, map[string]bool, error) {
	if err := f.err(); err != nil {
		return nil, nil, err
	}
	return f.Store.Lists(ctx, user)
}

func (f *failing) Preview(ctx context.Context, p chat.Previews) ([]chat.PreviewResult, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Preview(ctx, p)
}

func (f *failing) Readings(ctx context.Context, id chat.ID, limit int) (chat.Receipts, error) {
	if err := f.err(); err != nil {
		return chat.Receipts{}, err
	}
	return f.Store.Readings(ctx, id, limit)
}

func (f *failing) SetIgnored(ctx context.Context, r chat.IgnoreRequest) error {
	if err := f.err(); err != nil {
		return err
	}
	return f.Store.SetIgnored(ctx, r)
}

func (f *failing) Tell(ctx context.Context, e chat.Event) error {
	if err := f.err(); err != nil {
		return err
	}
	return f.Store.Tell(ctx, e)
}

func (f *failing) Advance(ctx context.Context, id chat.ID, r chat.Reading, force bool) (int64, error) {
	if err := f.err(); err != nil {
		return 0, err
	}
	return f.Store.Advance(ctx, id, r, force)
}

func (f *failing) Present(ctx context.Context, id chat.ID) ([]string, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Present(ctx, id)
}

func (f *failing) ReadAccounts(ctx context.Context, users []string) ([]chat.StoredAccount, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.ReadAccounts(ctx, users)
}

func (f *failing) ListUsers(ctx context.Context, prefix, from string, limit int) ([]string, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.ListUsers(ctx, prefix, from, limit)
}

// TestStoreErrorsHaveTheirCode: every method answers with the store's code, and an error without a code is Internal and
// tells its cause to no client.
func TestStoreErrorsHaveTheirCode(t *testing.T) {
	t.Parallel()
	ctx := as("ann")
	for _, c := range []struct {
		err  error
		want chat.Code
	}{
		{chat.Errorf(chat.Unavailable, "away"), chat.Unavailable},
		{context.DeadlineExceeded, chat.DeadlineExceeded},
		{context.Canceled, chat.Unavailable},
		{errSecret, chat.Internal},
	} {
		store := newFailing()
		d := chattest.NewDomain(store, conformance.DomainOptions(conformance.Options{Clock: conformance.NewClock()}))
		store.fail(c.err)
		_, create := d.Rooms.CreateRoom(ctx, chat.NewRoom{ID: "club"})
		_, change := d.Rooms.ChangeRoom(ctx, chat.RoomChange{Room: "club", Kind: chat.JoinRoom})
		_, room := d.Rooms.Room(ctx, chat.RoomRequest{Room: "club"})
		_, mine := d.Rooms.RoomsOf(ctx, chat.RoomsRequest{})
		_, public := d.Rooms.PublicRooms(ctx, chat.RoomsRequest{})
		_, inbox := d.Inboxes.Inbox(ctx, chat.InboxRequest{})
		_, unread := d.Inboxes.Unread(ctx, chat.UnreadRequest{})
		_, chats := d.Inboxes.Chats(ctx, chat.ChatsRequest{})
		_, ignored := d.Inboxes.Ignored(ctx, "ann")
		_, readers := d.Inboxes.Readers(ctx, "ann:bob")
		_, read := d.Live.Read(ctx, chat.ReadRequest{Chat: "ann:bob"})
		_, present := d.Live.Present(ctx, "ann:bob")
		_, account := d.Accounts.Account(ctx, "ann")
		_, accounts := d.Accounts.Accounts(ctx, chat.AccountsRequest{})
		_, login := d.Accounts.Login(ctx, chat.Credentials{User: "ann", Password: goodPassword})
		for method, err := range map[string]error{
			"CreateRoom": create, "ChangeRoom": change, "Room": room, "RoomsOf": mine, "PublicRooms": public, "Inbox": inbox,
			"Unread": unread, "Chats": chats, "Ignored": ignored, "Readers": readers, "Read": read, "Present": present,
			"Account": account, "Accounts": accounts, "Login": login,
			"Enter":  d.Rooms.Enter(ctx, []string{"club"}),
			"Ignore": d.Inboxes.Ignore(ctx, chat.IgnoreRequest{Other: "bob", Ignore: true}),
			"Signal": d.Live.Signal(ctx, chat.Signal{Chat: "ann:bob", Type: "typing"}),
		} {
			wantCode(t, method+" over a store that fails", err, c.want)
			if c.want == chat.Internal && err != nil && chat.AsError(err).Message == c.err.Error() {
				t.Errorf("%s tells its caller %q", method, err)
			}
		}
	}
}
