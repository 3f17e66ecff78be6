package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/check"
)

// TestRoomRetention: a server learns of a retention that another one has set, removes messages that are too old, and
// forgets a room without a retention. The data is sound after each step.
func TestRoomRetention(t *testing.T) {
	t.Parallel()
	ctx, url := context.Background(), redistest.Start(t).URL()
	open := func() *Store {
		s, err := Open(url, Options{Prefix: "own", IdempotencyWindow: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	one, other := open(), open()
	id, err := chat.ParseID("club")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(e chat.RoomEdit) {
		t.Helper()
		e.Room, e.MaxMembers, e.IfAdmins = id, 10, -1
		e.Notices = []chat.Message{{Sender: "alice", Text: "changed", Notice: &chat.Notice{Event: chat.RetentionChanged}}}
		if outcome, _, err := one.EditRoom(ctx, e); err != nil || outcome != chat.Edited {
			t.Fatalf("EditRoom = %v, %v", outcome, err)
		}
	}
	count := func(s *Store) (read int, kept int64) {
		t.Helper()
		r := s.Range(ctx, []chat.Range{{Chat: id, Limit: 100}})[0]
		kept, err := s.redis.ZCard(ctx, s.keys.Log(id)).Result()
		if r.Err != nil || err != nil {
			t.Fatal(r.Err, err)
		}
		return len(r.Messages), kept
	}
	sound := func() {
		t.Helper()
		c, err := check.Open(url, check.Options{Prefix: "own", IdempotencyWindow: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if err := c.Run(ctx); err != nil || c.Report().Found() != 0 || c.Report().Unknown.Count != 0 {
			t.Errorf("check = %+v, %v; want no faults", c.Report(), err)
		}
	}
	retention, none := time.Minute, time.Duration(0)
	edit(chat.RoomEdit{Created: true, Visibility: chat.Public, Retention: &retention, Set: []chat.Member{{User: "alice", Role: chat.Admin}}})
	a := one.Append(ctx, []chat.Append{{Chat: id, Message: chat.Message{Sender: "alice", Text: "x", ID: "1"}}})[0]
	if a.Err != nil {
		t.Fatal(a.Err)
	}
	if _, err := other.readRetentions(ctx, "-inf"); err != nil || other.own.of(id) != retention {
		t.Fatalf("the other server knows %v, %v; want %v", other.own.of(id), err, retention)
	}
	if read, kept := count(other); read != 2 || kept != 2 {
		t.Errorf("%d messages are read and %d kept, want both of two", read, kept)
	}
	later := other.clock().Add(time.Hour)
	other.options.Clock = func() time.Time { return later }
	if read, kept := count(other); read != 0 || kept != 2 {
		t.Errorf("after the time %d messages are read and %d kept, want none and two", read, kept)
	}
	if err := other.trimRooms(ctx); err != nil {
		t.Fatal(err)
	}
	if read, kept := count(one); read != 0 || kept != 0 {
		t.Errorf("after the removal %d messages are read and %d kept, want none", read, kept)
	}
	sound()
	edit(chat.RoomEdit{IfVisibility: chat.Public, Retention: &none})
	if _, err := other.readRetentions(ctx, "-inf"); err != nil || other.own.known.Load() != nil {
		t.Errorf("the other server knows %v, %v; want nothing", other.own.known.Load(), err)
	}
	old := float64(time.Now().Add(-2 * retentionsKept).UnixMicro())
	if err := one.redis.ZIncrBy(ctx, one.keys.Retentions(), old-float64(time.Now().UnixMicro()), "club").Err(); err != nil {
		t.Fatal(err)
	}
	if err := one.trimRooms(ctx); err != nil {
		t.Fatal(err)
	}
	if left := one.redis.ZCard(ctx, one.keys.Retentions()).Val(); left != 0 {
		t.Errorf("im:retentions has %d rooms, want none", left)
	}
	sound()
}

// TestRetentionSetWhileItsRoomIsForgotten, at every moment: the room stays named, so every server learns of it.
func TestRetentionSetWhileItsRoomIsForgotten(t *testing.T) {
	t.Parallel()
	ctx, redis := context.Background(), redistest.Start(t)
	for moment, ended := 0, false; !ended; moment++ {
		prefix := fmt.Sprint("own", moment)
		forgetting, setting := openAt(t, redis.URL(), Options{Prefix: prefix}), openAt(t, redis.URL(), Options{Prefix: prefix})
		key := forgetting.keys.Retentions()
		old := float64(time.Now().Add(-2 * retentionsKept).UnixMicro())
		for _, name := range []string{"club", "lounge"} { // lounge has its own retention, and was not changed for long
			if err := forgetting.redis.ZAdd(ctx, key, goredis.Z{Score: old, Member: name}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		club, lounge := chattest.ID(t, "club"), chattest.ID(t, "lounge")
		forgetting.own.learn(map[chat.ID]time.Duration{lounge: time.Hour}, true)
		retention, trip := time.Hour, 0
		hookAll(t, forgetting, &trips{crash: func(commands string, _ bool) bool {
			if strings.HasPrefix(commands, "z") {
				if trip++; trip-1 == moment {
					if err := setting.noteRetention(ctx, chat.RoomEdit{Room: club, Retention: &retention}); err != nil {
						t.Error(err)
					}
				}
			}
			return false
		}})
		if err := forgetting.forgetRetentions(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"club", "lounge"}
		if ended = trip <= moment; ended {
			want = want[1:]
		}
		left := setting.redis.ZRange(ctx, key, 0, -1).Val()
		if slices.Sort(left); !slices.Equal(left, want) {
			t.Errorf("changed at moment %d, %q are named, want %q", moment, left, want)
		}
	}
}
