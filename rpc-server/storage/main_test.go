package storage

import (
	"flag"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/longtest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", strconv.Itoa(longtest.Pick(15, 100))); err != nil { // the command line may say more
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
