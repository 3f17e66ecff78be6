package storage

import (
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// TestOutcomesAreThoseOfTheScripts: the list has each number that a script has as an outcome, and no other.
func TestOutcomesAreThoseOfTheScripts(t *testing.T) {
	listed := []int64{
		outcomeConflict, outcomeOutsider, outcomeDeleted, outcomeUnlisted, outcomeWrongType, outcomeFailed, outcomeNoRoom,
		outcomeAmended, outcomeNoParent, outcomeNoMentions, outcomeNoFile, outcomeTaken, outcomeAnnounced,
		outcomeMuted, outcomeBanned, outcomeTooSoon,
	}
	names, err := fs.Glob(scriptFiles, "scripts/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	constant := regexp.MustCompile(`(?m)^local [A-Z_]+ = (-\d{16,})`)
	var found []int64
	for _, name := range names {
		text, err := scriptFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range constant.FindAllSubmatch(text, -1) {
			outcome, err := strconv.ParseInt(string(match[1]), 10, 64)
			if err != nil || int64(float64(outcome)) != outcome {
				t.Errorf("%s has the outcome %s, which is no number of Lua", name, match[1])
			}
			found = append(found, outcome)
		}
	}
	slices.Sort(found)
	slices.Sort(listed)
	if found = slices.Compact(found); !slices.Equal(found, listed) {
		t.Errorf("the scripts have the outcomes %d; the list has %d", found, listed)
	}
}
