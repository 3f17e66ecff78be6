package storage

import (
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
)

// TestALookIsOneRoundTrip: a look at all partitions is one round trip to each Redis, with one script, or in a cluster one for each
// partition. A look at some partitions has these only.
func TestALookIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"one": redistest.Start(t, "--appendonly", "no").URL(), "cluster": redistest.StartCluster(t, "--appendonly", "no").URL(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := openAt(t, url, Options{})
			if _, err := store.PartitionStates(t.Context(), nil); err != nil { // loads the scripts
				t.Fatal(err)
			}
			for _, test := range []struct {
				name              string
				partitions        []int
				states, inCluster int
			}{{"all", nil, store.Partitions(), store.Partitions()}, {"two", []int{3, 200}, 2, 2}} {
				counts := countTrips(t, store)
				states, err := store.PartitionStates(t.Context(), test.partitions)
				if err != nil || len(states) != test.states {
					t.Fatalf("%s: %d states came: %v", test.name, len(states), err)
				}
				scripts, want := 0, test.inCluster
				if store.nodes.Only != nil {
					want = 1
				}
				for _, tr := range counts {
					scripts += tr.calls
					if tr.count > 1 {
						t.Errorf("%s: a Redis is called %d times, with %q; want one pipeline", test.name, tr.count, tr.names)
					}
				}
				if scripts != want {
					t.Errorf("%s: %d scripts were called, want %d", test.name, scripts, want)
				}
			}
		})
	}
}
