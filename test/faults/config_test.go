package faults

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/programtest"
)

// long reports whether this is make faults.
func long() bool { return os.Getenv("FAULTS") == "long" }

// modes are AUTH=off and AUTH=on.
var modes = []string{"off", "on"}

// eachMode runs a test with AUTH=off and with AUTH=on in the long form. In the short form it runs the modes that the
// test names. FAULTS_AUTH selects one mode for all tests.
func eachMode(t *testing.T, short string, test func(*testing.T, *programtest.Auth)) {
	t.Helper()
	chosen := []string{short}
	if given := os.Getenv("FAULTS_AUTH"); given != "" {
		chosen = []string{given}
	} else if long() {
		chosen = modes
	}
	for _, mode := range chosen {
		if !slices.Contains(modes, mode) {
			t.Fatalf("FAULTS_AUTH is %q; it is one of %v", mode, modes)
		}
		t.Run("AUTH="+mode, func(t *testing.T) {
			var auth *programtest.Auth
			if mode == "on" {
				auth = programtest.NewAuth(t)
			}
			test(t, auth)
		})
	}
}

// seed is FAULTS_SEED, or random. It determines the clients' actions and the order of faults.
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
