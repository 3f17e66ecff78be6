// Package longtest says how long tests are that find more the longer they run.
package longtest

import "os"

// Pick returns how often a test repeats its work: usual in make test, long in make test-long, which sets TESTS=long.
func Pick(usual, long int) int {
	if os.Getenv("TESTS") == "long" {
		return long
	}
	return usual
}
