package faults

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// long says that this is make faults.
func long() bool { return os.Getenv("FAULTS") == "long" }

// seed is FAULTS_SEED, or another one each time. It chooses what clients do and in which order faults come.
func seed(t *testing.T) uint64 {
	t.Helper()
	chosen := uint64(time.Now().UnixNano())
	if given := os.Getenv("FAULTS_SEED"); given != "" {
		var err error
		if chosen, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("FAULTS_SEED: %v", err)
		}
	}
	t.Logf("FAULTS_SEED=%d", chosen)
	return chosen
}

// duration is the value of a variable like FAULTS_SOAK=10m.
func duration(t *testing.T, variable string, otherwise time.Duration) time.Duration {
	t.Helper()
	given := os.Getenv(variable)
	if given == "" {
		return otherwise
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return d
}
