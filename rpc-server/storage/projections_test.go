package storage

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestWorkersCallNodes: a worker's request about all of its partitions is one pipeline to each Redis, with one script,
// or in a cluster one for each partition. A heartbeat has another before it.
func TestWorkersCallNodes(t *testing.T) {
	eachRedis(t, Options{}, func(t *testing.T, _ string, store *Store) {
		all := store.Partitions()
		claims := chat.ClaimRequest{Projection: "p", Worker: "w", Claims: make([]chat.Claim, all)}
		for i := range claims.Claims {
			claims.Claims[i].Partition = i
		}
		claimed, err := store.Claim(t.Context(), claims)
		if err != nil {
			t.Fatal(err)
		}
		commits := make([]chat.Commit, all)
		for i, lease := range claimed.Leases {
			claims.Claims[i].Token, claims.Claims[i].Floor = lease.Token, lease.Floor
			commits[i] = chat.Commit{Partition: i, Token: lease.Token, Floor: lease.Floor}
		}
		change := func(action chat.ProjectionAction) func() (int, error) {
			return func() (int, error) {
				return all, store.ChangeProjection(t.Context(), chat.ProjectionChange{Name: "p", Action: action})
			}
		}
		for _, test := range []struct {
			name           string
			do             func() (int, error)
			answers, trips int
			calls          int // besides the scripts of partitions
			scripts        int // without a cluster
		}{
			{"look at all", func() (int, error) {
				states, err := store.PartitionStates(t.Context(), nil)
				return len(states), err
			}, all, 1, 0, 1},
			{"look at two", func() (int, error) {
				states, err := store.PartitionStates(t.Context(), []int{3, 200})
				return len(states), err
			}, 2, 1, 0, 1},
			{"heartbeat", func() (int, error) {
				claimed, err := store.Claim(t.Context(), claims)
				return len(claimed.Leases), err
			}, all, 2, 3, 1}, // HSETNX, HGET, worker.lua
			{"commit", func() (int, error) {
				stored, err := store.Commit(t.Context(), "p", commits)
				for i, is := range stored {
					if !is {
						t.Errorf("the commit of partition %d is not stored", i)
					}
				}
				return len(stored), err
			}, all, 1, 0, 1},
			{"replay", change(chat.ReplayProjection), all, 1, 0, 32},
		} {
			counts := countTrips(t, store)
			answers, err := test.do()
			if err != nil || answers != test.answers {
				t.Fatalf("%s: %d answers came: %v", test.name, answers, err)
			}
			calls, want := 0, test.calls+test.answers
			if store.nodes.Only != nil {
				want = test.calls + test.scripts
			}
			for _, tr := range counts {
				calls += tr.calls
				if tr.count > test.trips {
					t.Errorf("%s: a Redis is called %d times, with %q; want %d pipelines", test.name, tr.count, tr.names, test.trips)
				}
			}
			if calls != want {
				t.Errorf("%s: %d calls were made, want %d", test.name, calls, want)
			}
		}
	})
}
