package layout

import (
	"slices"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestRulesForm pins the form that restraint.lua reads.
func TestRulesForm(t *testing.T) {
	for text, want := range map[string]chat.RoomRules{
		"":                      {},
		"announce":              {Announce: true},
		"slow=30000000":         {SlowMode: 30 * time.Second},
		"announce slow=1000000": {Announce: true, SlowMode: time.Second},
	} {
		if got := FormatRules(want); got != text {
			t.Errorf("FormatRules(%+v) = %q, want %q", want, got, text)
		}
		for _, users := range []bool{false, true} {
			stored := text
			if users {
				stored += " users"
			}
			if got, restrained, ok := ParseRules(stored); got != want || restrained != users || !ok {
				t.Errorf("ParseRules(%q) = %+v, %v, %v; want %+v, %v", stored, got, restrained, ok, want, users)
			}
		}
	}
	for _, text := range []string{"quiet", "slow=", "slow=0", "slow=-5", "slow=99999999999999"} {
		if _, _, ok := ParseRules(text); ok {
			t.Errorf("ParseRules(%q) is fine", text)
		}
	}
}

func TestPinsForm(t *testing.T) {
	pins := []int64{1795248043296447, 7}
	text := "1795248043296447 0000000000000007"
	if got := FormatPins(pins); got != text {
		t.Errorf("FormatPins(%v) = %q, want %q", pins, got, text)
	}
	if got, ok := ParsePins(text); !ok || !slices.Equal(got, pins) {
		t.Errorf("ParsePins(%q) = %v, %v", text, got, ok)
	}
	for _, text := range []string{"7", "x", "0000000000000000"} {
		if _, ok := ParsePins(text); ok {
			t.Errorf("ParsePins(%q) is fine", text)
		}
	}
}

func TestRestraintForm(t *testing.T) {
	want := chat.Restraint{Kind: chat.Mute, User: "eve", Until: 9, Since: 7, By: "service:a b", Reason: `spam "and" more`}
	if got, ok := ParseRestraint(RestraintField(chat.Mute, "eve"), "9 7 "+FormatRestraint(want)); !ok || got != want {
		t.Errorf("ParseRestraint() = %+v, %v; want %+v", got, ok, want)
	}
	for _, c := range [][2]string{{"eve", "0 7 {}"}, {"kick eve", "0 7 {}"}, {"ban ", "0 7 {}"}, {"ban eve", "7 {}"}, {"ban eve", "0 7 x"}, {"ban eve", "-1 7 {}"}} {
		if _, ok := ParseRestraint(c[0], c[1]); ok {
			t.Errorf("ParseRestraint(%q, %q) is fine", c[0], c[1])
		}
	}
}
