//go:build !race

package budgets

const raceEnabled = false
