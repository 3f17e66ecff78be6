package layout

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
)

// A chat's ids hold two entries for each message with an id, both at its position: "sender/id", and the same after the
// text's digest. The second tells a repeated send from a conflict.

// IDEntry is the plain entry. A sender contains no slash, so the first slash ends it.
func IDEntry(sender, id string) string { return sender + "/" + id }

// TextDigest is the prefix of the twin entry. It begins with "#", as no sender does.
func TextDigest(text string) string {
	return "#" + strconv.FormatUint(xxhash.Sum64String(text), 36) + ":"
}

// Twin is the entry with the digest, or "" where the message has no id.
func Twin(m chat.Message) string {
	if m.ID == "" {
		return ""
	}
	return TextDigest(m.Text) + IDEntry(m.Sender, m.ID)
}

// ParseIDEntry parses any entry, valid or not. digest is "" for the plain entry. owner is the plain entry in both
// cases.
func ParseIDEntry(entry string) (digest, owner string, err error) {
	owner = entry
	if strings.HasPrefix(entry, "#") {
		end := strings.IndexByte(entry, ':')
		if end < 0 {
			return "", "", fmt.Errorf("entry %q has a digest without an end", entry)
		}
		digest, owner = entry[:end+1], entry[end+1:]
	}
	if sender, id, slash := strings.Cut(owner, "/"); !slash || sender == "" || id == "" || strings.HasPrefix(sender, "#") {
		return "", "", fmt.Errorf("entry %q is not sender/id", entry)
	}
	return digest, owner, nil
}
