package storage

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/redistest"
)

// counting claims the partition of a chat, and returns the counts of commits in it.
func counting(t *testing.T, s *Store, name string) func(counts ...chat.Count) {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	partition := s.PartitionOf(id)
	claimed, err := s.Claim(t.Context(), chat.ClaimRequest{Projection: "p", Worker: "w", Claims: []chat.Claim{{Partition: partition}}})
	if err != nil {
		t.Fatal(err)
	}
	var cursor chat.Cursor
	return func(counts ...chat.Count) {
		t.Helper()
		next := chat.Cursor{Position: cursor.Position + 1}
		stored, err := s.Commit(t.Context(), "p", []chat.Commit{{
			Partition: partition, Token: claimed.Leases[0].Token,
			Cursors: []chat.CommittedCursor{{Chat: name, Cursor: next, Expected: cursor, Counts: counts}},
		}})
		if err != nil || !stored[0] {
			t.Fatalf("Commit() = %v, %v", stored, err)
		}
		cursor = next
	}
}

// TestCountsByGroup: counters are summed over the partitions, or those of a chat's partition alone.
func TestCountsByGroup(t *testing.T) {
	eachRedis(t, Options{}, func(t *testing.T, _ string, s *Store) {
		a, b := counting(t, s, "a"), counting(t, s, "b")
		a(chat.Count{Group: "g", Counter: "x", Amount: 2}, chat.Count{Group: "g", Counter: "y", Amount: 1}, chat.Count{Group: "h", Counter: "x", Amount: 5})
		b(chat.Count{Group: "g", Counter: "x", Amount: 3})
		for _, c := range []struct {
			of   string
			want map[string]int64
		}{{"", map[string]int64{"g x": 5, "g y": 1, "h x": 5}}, {"a", map[string]int64{"g x": 2, "g y": 1, "h x": 5}}, {"b", map[string]int64{"g x": 3}}} {
			counts, err := s.Counts(t.Context(), chat.CountsQuery{Projection: "p", Groups: []string{"g", "h", "none"}, Chat: c.of})
			got := map[string]int64{}
			for _, count := range counts {
				got[count.Group+" "+count.Counter] = count.Amount
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("the counts of %q are %v, %v; want %v", c.of, got, err, c.want)
			}
		}
	})
}

// TestGroupsExpire: a group is removed at its time, with its record; a group whose time has passed is not counted.
func TestGroupsExpire(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"redis": redistest.Start(t).URL(), "embedded": "redis://" + miniredis.RunT(t).Addr()} {
		t.Run(name, func(t *testing.T) { groupsExpire(t, url, openAt(t, url, Options{})) })
	}
}

func groupsExpire(t *testing.T, url string, s *Store) {
	t.Helper()
	commit := counting(t, s, "a")
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	now := time.Now().Unix()
	commit(
		chat.Count{Group: "past", Counter: "x", Amount: 1, Expires: now - 10},
		chat.Count{Group: "soon", Counter: "x", Amount: 1, Expires: now + 2},
		chat.Count{Group: "later", Counter: "x", Amount: 1, Expires: now + 3600},
		chat.Count{Group: "never", Counter: "x", Amount: 1},
	)
	id, _ := chat.ParseID("a")
	keys := s.keys.Projection(s.PartitionOf(id), "p")
	groups := func() string {
		known, err := client.ZRange(t.Context(), keys.Groups, 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(known)
	}
	if got := groups(); got != "[soon later never]" {
		t.Errorf("the groups are %s", got)
	}
	if left := client.TTL(t.Context(), keys.Counts+"later").Val(); left < 3500*time.Second || left > 3600*time.Second {
		t.Errorf("the later group expires after %v", left)
	}
	if left := client.TTL(t.Context(), keys.Counts+"never").Val(); left != -1 {
		t.Errorf("the group that stays expires after %v", left)
	}
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for time.Now().Unix() < now+2 {
		<-poll.C
	}
	commit(chat.Count{Group: "never", Counter: "x", Amount: 1})
	if got := groups(); got != "[later never]" {
		t.Errorf("afterwards the groups are %s", got)
	}
	if n := client.Exists(t.Context(), keys.Counts+"soon", keys.Counts+"past").Val(); n != 0 {
		t.Errorf("%d groups are there still", n)
	}
	if err := s.ChangeProjection(t.Context(), chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection}); err != nil {
		t.Fatal(err)
	}
	if n := client.Exists(t.Context(), keys.Counts+"later", keys.Counts+"never", keys.Groups).Val(); n != 0 {
		t.Errorf("after a replay %d keys are there still", n)
	}
}

// TestWordRegistry: words have unique ids that rise; one that is put again keeps its id, unless it matches otherwise; there are
// only so many.
func TestWordRegistry(t *testing.T) {
	eachRedis(t, Options{}, func(t *testing.T, _ string, s *Store) {
		put := func(w chat.Word) int64 {
			t.Helper()
			added, err := s.AddWord(t.Context(), w, 3)
			if err != nil {
				t.Fatal(err)
			}
			return added.ID
		}
		if registry, err := s.ReadWords(t.Context(), 0); err != nil || registry.Version != 0 || registry.Clock == 0 || len(registry.Words) > 0 {
			t.Errorf("at first there is %+v, %v", registry, err)
		}
		tea, cake, club := put(chat.Word{Word: "tea"}), put(chat.Word{Word: "cake"}), put(chat.Word{Word: "tea", Chat: "club"})
		if tea >= cake || cake >= club || put(chat.Word{Word: "tea"}) != tea {
			t.Errorf("the ids are %d, %d, %d, and %d again", tea, cake, club, put(chat.Word{Word: "tea"}))
		}
		other := put(chat.Word{Word: "tea", Substring: true})
		if other <= club {
			t.Errorf("with another match the id is %d, after %d", other, club)
		}
		put(chat.Word{Word: "pie"})
		if _, err := s.AddWord(t.Context(), chat.Word{Word: "one more"}, 3); chat.CodeOf(err) != chat.Conflict {
			t.Errorf("one more is %v, want a conflict", err)
		}
		registry, err := s.ReadWords(t.Context(), 0)
		if err != nil || len(registry.Words) != 4 {
			t.Fatalf("the words are %+v, %v", registry, err)
		}
		if again, err := s.ReadWords(t.Context(), registry.Version); err != nil || again.Version != registry.Version || again.Words != nil {
			t.Errorf("a known version is read as %+v, %v", again, err)
		}
		if was, err := s.RemoveWord(t.Context(), chat.Word{Word: "tea", Chat: "club"}); err != nil || !was {
			t.Errorf("RemoveWord() = %v, %v", was, err)
		}
		if was, err := s.RemoveWord(t.Context(), chat.Word{Word: "tea", Chat: "club"}); err != nil || was {
			t.Errorf("the second RemoveWord() = %v, %v", was, err)
		}
		if after, err := s.ReadWords(t.Context(), registry.Version); err != nil || after.Version <= registry.Version || len(after.Words) != 3 {
			t.Errorf("after a removal there is %+v, %v", after, err)
		}
	})
}
