package chat

import (
	"strings"
	"time"
)

// checkRetention refuses a room's own retention that is out of bounds. 0 is the server's.
func checkRetention(d time.Duration) error {
	if d != 0 && (d < MinRetention || d > MaxRetention || d%time.Second != 0) {
		return Errorf(InvalidArgument, "retention is %v; it is \"\" for the server's, or whole seconds from %s to %s",
			d, FormatRetention(MinRetention), FormatRetention(MaxRetention))
	}
	return nil
}

// ParseRetention parses a retention as clients write it: a duration such as "720h". "" is 0, the server's.
func ParseRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, Errorf(InvalidArgument, "retention is %q; it is a duration such as 720h, or \"\" for the server's", text)
	}
	return d, nil
}

// FormatRetention is the reverse.
func FormatRetention(d time.Duration) string {
	if d == 0 {
		return ""
	}
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

// ParseSlowMode parses a pause of slow mode as clients write it: a duration such as "30s". "" is 0, none.
func ParseSlowMode(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, Errorf(InvalidArgument, "slow_mode is %q; it is a duration such as 30s, or \"\" for none", text)
	}
	return d, nil
}
