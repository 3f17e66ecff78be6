package faults

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/rpc-server/storage"
	"github.com/pullchat/pullchat/test/faults/checker"
	"github.com/pullchat/pullchat/test/faults/history"
)

// TestClosedVariants is TestVariants with closed chats, for faults in access checks.
func TestClosedVariants(t *testing.T) {
	t.Parallel()
	for _, variant := range []struct {
		name string
		make func(chat.Store) chat.Store
		want []checker.Kind
	}{
		{"correct", func(s chat.Store) chat.Store { return s }, []checker.Kind{}},
		{"lets every user in", func(s chat.Store) chat.Store { return uncheckedMembers{s} }, []checker.Kind{checker.Admitted, checker.NotLinearizable}},
		{"turns members away", func(s chat.Store) chat.Store { return &strict{Store: s} }, []checker.Kind{checker.Denied}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			h := driveClosed(t, variant.make)
			found := checker.Check(h, checker.Options{Timeout: time.Minute})
			if kinds := checker.Kinds(found); !slices.Equal(kinds, variant.want) {
				t.Errorf("Check() of a store that %s = %v, want %v; such as %v", variant.name, kinds, variant.want, found[0])
			}
			if len(h.Intrusions) == 0 {
				t.Error("no client has tried to enter a forbidden chat")
			}
		})
	}
}

// driveClosed is drive with a private room and a conversation.
func driveClosed(t *testing.T, variant func(chat.Store) chat.Store) history.History {
	t.Helper()
	store, err := storage.Open("redis://"+miniredis.RunT(t).Addr(), storage.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	flaky := &failing{Store: variant(store), random: rand.New(rand.NewPCG(1, 2))}
	messages := chat.NewMessageService(flaky, chat.Access{Required: true}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100})
	l := load{
		services: []chat.Service{known{messages}}, chats: []string{"room", "one:two"}, seed: 1,
		writers: 3, followers: 2, lookers: 1, pace: time.Millisecond, messages: 60, strangers: true,
	}
	recorder, began := history.NewRecorder(), time.Now()
	members := l.members()
	ctx := chat.WithCaller(t.Context(), chat.Caller{User: members[0]})
	roomService := chat.NewRoomService(store, chat.Access{Required: true, Rooms: store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 10, MaxMembers: 100})
	if _, err := roomService.CreateRoom(ctx, chat.NewRoom{ID: "room", Users: members[1:]}); err != nil {
		t.Fatal(err)
	}
	page, err := chat.NewMessageService(store, chat.Access{}, chat.Limits{DefaultLimit: 1, MaxLimit: 1}).Pull(ctx, chat.PullRequest{Chat: "room"})
	if err != nil {
		t.Fatal(err)
	}
	recorder.Stored(0, began, page.Messages[0])
	return l.run(t, recorder, nil)
}

// known is a service that trusts programtest.As.
type known struct{ below chat.Service }

func (k known) caller(ctx context.Context) context.Context {
	return chat.WithCaller(ctx, chat.Caller{User: programtest.Asking(ctx)})
}

func (k known) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	return k.below.Send(k.caller(ctx), m)
}

func (k known) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	return k.below.Pull(k.caller(ctx), r)
}

func (k known) Ready(ctx context.Context) error { return k.below.Ready(ctx) }

// uncheckedMembers skips the membership check.
type uncheckedMembers struct{ chat.Store }

func (s uncheckedMembers) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	for i := range appends {
		appends[i].Member = ""
	}
	return s.Store.Append(ctx, appends)
}

func (s uncheckedMembers) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	for i := range ranges {
		ranges[i].Member = ""
	}
	return s.Store.Range(ctx, ranges)
}

// strict sometimes denies a member.
type strict struct{ chat.Store }

func (s *strict) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	if len(appends) == 1 && chosen(appends[0].Message) && appends[0].Member != "" {
		return all(appends, chat.Appended{Err: chat.NotAMember(appends[0].Chat, appends[0].Member)})
	}
	return s.Store.Append(ctx, appends)
}
