package storage

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
)

// A chat's ids hold two entries for each message with an id, both at its position: "sender/id", and the same after the
// text's digest. The second tells a repeated send from a conflict.

// idEntry is the plain entry. A sender contains no slash, so the first slash ends it.
func idEntry(sender, id string) string { return sender + "/" + id }

// textDigest is the prefix of the twin entry. It begins with "#", as no sender does.
func textDigest(text string) string {
	return "#" + strconv.FormatUint(xxhash.Sum64String(text), 36) + ":"
}

// twin is the entry with the digest, or "" where the message has no id.
func twin(m chat.Message) string {
	if m.ID == "" {
		return ""
	}
	return textDigest(m.Text) + idEntry(m.Sender, m.ID)
}

// parseIDEntry parses any entry, valid or not. digest is "" for the plain entry. owner is the plain entry in both
// cases.
func parseIDEntry(entry string) (digest, owner string, err error) {
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
