package storage

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "15"); err != nil { // the command line may say more
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
