package layout

import (
	"fmt"
	"strconv"

	"github.com/pullchat/pullchat/internal/chat"
)

// VersionEntry is the member of a chat's edits for an earlier text of the message at a position. All have the same score, so
// those of a message are a range of the set, oldest first.
func VersionEntry(ref int64, v chat.Version) string {
	return VersionsFrom(ref, v.SendTime) + v.Text
}

// VersionsFrom is the least VersionEntry of a message at a position or past it.
func VersionsFrom(ref, from int64) string { return fmt.Sprintf("%016d%016d", ref, from) }

// ParseVersion is the reverse of VersionEntry.
func ParseVersion(member string) (ref int64, v chat.Version, ok bool) {
	if len(member) < 2*PositionDigits {
		return 0, v, false
	}
	ref, err := strconv.ParseInt(member[:PositionDigits], 10, 64)
	if err != nil {
		return 0, v, false
	}
	v.SendTime, err = strconv.ParseInt(member[PositionDigits:2*PositionDigits], 10, 64)
	v.Text = member[2*PositionDigits:]
	return ref, v, err == nil
}
