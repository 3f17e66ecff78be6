//go:build race

package budgets

const raceEnabled = true
