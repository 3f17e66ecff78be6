package storage

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// argumentCount counts the arguments of commands to a Redis.
type argumentCount struct{ n atomic.Int64 }

func (*argumentCount) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *argumentCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(int64(len(cmd.Args())))
		return next(ctx, cmd)
	}
}

func (c *argumentCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		for _, cmd := range commands {
			c.n.Add(int64(len(cmd.Args())))
		}
		return next(ctx, commands)
	}
}

// TestIgnoredAreNotSentToRedis: the arguments for the counts of 500 rooms are few, however many users are ignored.
func TestIgnoredAreNotSentToRedis(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t, "--appendonly", "no").URL(), Options{})
	desk := chat.NewInboxService(store, chat.Access{Rooms: store}, inboxLimits)
	fillChats(t, store, "rosa", "%s.room%d", 500)
	count := func() int64 {
		var sent argumentCount
		store.redis.AddHook(&sent)
		if page, err := desk.Unread(t.Context(), chat.UnreadRequest{Reader: "rosa"}); err != nil || len(page.Chats) != 500 {
			t.Fatalf("Unread() = %d chats, %v; want 500", len(page.Chats), err)
		}
		return sent.n.Load()
	}
	count() // loads the scripts
	before := count()
	ignoreMany(t, store, "rosa", 1000)
	if after := count(); after != before || after > 16*500 {
		t.Errorf("%d arguments are sent for 500 rooms where 1,000 users are ignored, and %d where none is", after, before)
	}
}

// TestPreviewBehindManyIgnored: messages are found behind many messages of many ignored users, and behind many of
// the user's own; but not behind thousands.
func TestPreviewBehindManyIgnored(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t, "--appendonly", "no").URL(), Options{})
	for i, c := range []struct {
		name                string
		first, noise, after int // messages of others, of those who do not count, of others again
		senders             int // of the noise
		ignores             bool
		last, unread        int
	}{
		{"own", 3, 250, 4, 1, false, 257, 7},
		{"own and many", 3, 250, 140, 1, false, 393, 100},
		{"ignored", 3, 250, 0, 1, true, 3, 3},
		{"many ignored", 3, 250, 4, 200, true, 257, 7},
		{"many ignored at the end", 3, 250, 0, 200, true, 3, 3},
		{"nothing else", 0, 250, 0, 200, true, 0, 0},
		{"thousands", 3, 3100, 4, 50, true, 3107, 3},
	} {
		room := chattest.ID(t, fmt.Sprint("room", i))
		ignored := map[string]bool{}
		var appends []chat.Append
		add := func(n, senders int, form string) {
			for i := range n {
				sender := fmt.Sprintf(form, i%senders)
				appends = append(appends, chat.Append{Chat: room, Message: chat.Message{Sender: sender, Text: "x"}})
				if form == "noise%d" && c.ignores {
					ignored[sender] = true
				}
			}
		}
		add(c.first, 2, "friend%d")
		add(c.noise, c.senders, "noise%d")
		add(c.after, 2, "friend%d")
		var positions []int64
		for _, a := range store.Append(t.Context(), appends) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
			positions = append(positions, a.SendTime)
		}
		if err := store.redis.HSet(t.Context(), store.keys.Room(room), "visibility", "private", "created", "1").Err(); err != nil {
			t.Fatal(err)
		}
		if err := store.redis.HSet(t.Context(), store.keys.Members(room), "noise0", "member 1").Err(); err != nil {
			t.Fatal(err)
		}
		previewed, err := store.Preview(t.Context(), chat.Previews{User: "noise0", Ignored: ignored, Chats: []chat.Preview{{Chat: room, Last: true}}})
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		if previewed[0].Last != nil {
			for last = 1; positions[last-1] != previewed[0].Last.SendTime; last++ {
			}
		}
		if last != c.last || previewed[0].Unread != c.unread {
			t.Errorf("%s: the last is the %dth, %d unread; want the %dth, %d", c.name, last, previewed[0].Unread, c.last, c.unread)
		}
	}
}
