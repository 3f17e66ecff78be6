package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// BenchmarkUnreadOnRedis measures Redis's own CPU to count the unread messages in all chats of a user: 1,000
// conversations and 1,000 rooms with five messages each, with no ignored users and with 1,000.
func BenchmarkUnreadOnRedis(b *testing.B) {
	server := redistest.Start(b, "--appendonly", "no")
	store := openAt(b, server.URL(), Options{})
	desk := chat.NewInboxService(store, chat.Access{Rooms: store}, chat.Limits{DefaultLimit: 20, MaxLimit: 100, MaxTextBytes: 4096})
	fillChats(b, store, "paul", "%s:friend%d", 1000)
	fillChats(b, store, "rosa", "%s.room%d", 1000)
	measure := func(name, reader string, ask func() error) {
		b.Run(name+"/"+reader, func(b *testing.B) {
			began := redisCPU(b, server)
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((redisCPU(b, server)-began).Microseconds())/float64(b.N), "redis-µs/op")
		})
	}
	for _, ignores := range []string{"ignoring=0", "ignoring=1000"} {
		for _, reader := range []string{"paul", "rosa"} {
			measure("unread/"+ignores, reader, func() error {
				_, err := desk.Unread(context.Background(), chat.UnreadRequest{Reader: reader})
				return err
			})
			measure("inbox/"+ignores, reader, func() error {
				_, err := desk.Inbox(context.Background(), chat.InboxRequest{Reader: reader, Limit: 20})
				return err
			})
			ignoreMany(b, store, reader, 1000)
		}
	}
}

// fillChats has a user in so many chats, with five messages of others in each.
func fillChats(t testing.TB, store *Store, user, form string, chats int) {
	t.Helper()
	pipeline := store.redis.Pipeline()
	var appends []chat.Append
	for i := range chats {
		room := chattest.ID(t, fmt.Sprintf(form, user, i))
		if room.IsRoom() {
			pipeline.HSet(context.Background(), store.keys.Members(room), user, "member 1")
		}
		pipeline.ZAdd(context.Background(), store.keys.Chats(user), redis.Z{Member: room.String()})
		for k := range 5 {
			sender := fmt.Sprint("friend", i)
			if room.IsRoom() {
				sender = fmt.Sprint("sender", k)
			}
			appends = append(appends, chat.Append{Chat: room, Message: chat.Message{Sender: sender, Text: strings.Repeat("x", 40)}})
		}
	}
	if _, err := pipeline.Exec(context.Background()); err != nil {
		t.Fatal(err)
	}
	for some := range slices.Chunk(appends, 200) { // all at once take longer than a call may, on a busy machine
		for _, a := range store.Append(context.Background(), some) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
	}
}

func ignoreMany(t testing.TB, store *Store, user string, n int) {
	t.Helper()
	names := make([]any, n)
	for i := range names {
		names[i] = fmt.Sprint("stranger-of-", user, "-", i)
	}
	if err := store.redis.SAdd(context.Background(), store.keys.Ignored(user), names...).Err(); err != nil {
		t.Fatal(err)
	}
}
