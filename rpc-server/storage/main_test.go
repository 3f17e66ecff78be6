package storage

import (
	"flag"
	"strconv"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/pullchat/pullchat/internal/longtest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", strconv.Itoa(longtest.Pick(15, 100))); err != nil { // the command line may say more
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// checkFew is rapid.Check with no more than some runs, until one fails: then rapid looks for a smaller one.
func checkFew(t *testing.T, most int, property func(rt *rapid.T, run int)) {
	t.Helper()
	runs, failed := 0, false
	rapid.Check(t, func(rt *rapid.T) {
		if runs++; runs > most && !failed {
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		property(rt, runs)
	})
}
